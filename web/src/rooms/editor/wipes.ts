/** Notices when most of a file's text goes within a short while, and can bring it back. */
import * as Y from "yjs";
import { localNow } from "../serverClock";
import { undoOf } from "./setup";

/** A file that lost most of its text. */
export interface Wipe {
  fileId: string;
  /** Whether it happened on this machine. */
  isMine: boolean;
  /** Whether the words stand in the file again, or were only moved to another one. */
  isBack: () => boolean;
  /** Takes the edits back as one of one's own. What was typed since stays, and then what was put in place of the words, too. */
  undo: () => void;
  /** The file is as it should be: what goes from now on is another wipe. */
  forget: () => void;
}

/** Seconds in which deletions belong together. */
const WINDOW = 30;
/** Seconds after which a small deletion is not one more of a row. */
const PAUSE = 5;
/** A text of which more than this part, and more than so many characters, is lost was wiped. */
const MOST = 0.5;
const MANY = 200;
/** What takes no more than this part of a text is a usual edit. */
const SLIGHT = 0.1;

/** Deletions that belong together; a file has one such at a time. */
interface Run {
  since: number;
  /** When the last of them was. */
  until: number;
  /** What the file held before them, and Yjs's clocks then. */
  text: string;
  state: Map<number, number>;
  /** How many characters of `text` are deleted. */
  gone: number;
  /** The edits that deleted them; Yjs keeps the words for it. */
  edits: Y.UndoManager;
  /** Whether there were other edits among them or since. */
  isMixed: boolean;
}

/** How many characters of `before` stand in lines that `after` has not: moved or indented lines are not lost. */
function lost(before: string, after: string): number {
  const left = new Map<string, number>();
  for (const line of after.split("\n")) left.set(line.trim(), (left.get(line.trim()) ?? 0) + 1);
  let count = 0;
  for (const line of before.split("\n")) {
    const words = line.trim();
    const found = left.get(words) ?? 0;
    if (found === 0) count += words.length;
    else left.set(words, found - 1);
  }
  return count;
}

const mostOf = (length: number): number => Math.max(MANY, length * MOST);

/** How many characters an edit deletes of what there was at `state`. */
function deleted({ deleteSet }: Y.Transaction, state: Map<number, number>): number {
  let count = 0;
  for (const [client, ranges] of deleteSet.clients) {
    const end = state.get(client) ?? 0;
    for (const { clock, len } of ranges) count += Math.max(0, Math.min(clock + len, end) - clock);
  }
  return count;
}

/** The text without an edit: while that is told of, what it deleted is still there. */
function textBefore(text: Y.Text, edit: Y.YTextEvent): string {
  let words = "";
  for (let item = text._start; item !== null; item = item.right) {
    const wasThere = !edit.adds(item) && (!item.deleted || edit.deletes(item));
    if (wasThere && item.content instanceof Y.ContentString) words += item.content.str;
  }
  return words;
}

function begin(text: Y.Text, edit: Y.YTextEvent): Run {
  const state = edit.transaction.beforeState;
  const edits: Y.UndoManager = new Y.UndoManager(text, {
    captureTimeout: Infinity,
    captureTransaction: (transaction) => {
      edits.addTrackedOrigin(transaction.origin); // whoever it was
      return deleted(transaction, state) > 0;
    },
  });
  const now = localNow();
  return { since: now, until: now, text: textBefore(text, edit), state, gone: 0, edits, isMixed: false };
}

/** Whether an edit that deletes begins anew: little is gone so far, and it is not one more of many small deletions. */
function isOver(run: Run, text: Y.Text, transaction: Y.Transaction): boolean {
  const now = localNow();
  if (now - run.since > WINDOW) return true;
  const slight = run.text.length * SLIGHT;
  if (run.gone > slight) return false;
  const taken = deleted(transaction, transaction.beforeState);
  const isMadeUpFor = text.length + taken >= run.text.length;
  return isMadeUpFor || now - run.until > PAUSE || taken > slight;
}

/** Takes back a run's edits so that one's own Ctrl+Z takes back that. */
function takeBack(run: Run, text: Y.Text): void {
  const own = undoOf(text);
  own.stopCapturing();
  run.edits.deleteFilter = () => !run.isMixed;
  text.doc?.transact(() => run.edits.undo(), own);
  own.stopCapturing();
}

/** Watches one file until `stop`. */
export class Watch {
  private readonly text: Y.Text;
  private run: Run | null = null;
  private last: Wipe | null = null;

  constructor(
    private readonly doc: Y.Doc,
    private readonly fileId: string,
    private readonly onWipe: (wipe: Wipe) => void,
  ) {
    this.text = doc.getText(fileId);
    this.text.observe(this.look);
  }

  stop(): void {
    this.end();
    this.text.unobserve(this.look);
  }

  private readonly look = (edit: Y.YTextEvent, transaction: Y.Transaction): void => {
    if (transaction.deleteSet.clients.size > 0 && (this.run === null || isOver(this.run, this.text, transaction))) {
      this.end();
      this.run = begin(this.text, edit);
    }
    const { run } = this;
    if (run === null) return;
    const gone = deleted(transaction, run.state);
    if (gone === 0) {
      run.isMixed = true;
      return;
    }
    run.gone += gone;
    run.until = localNow();
    if (run.gone > mostOf(run.text.length)) this.judge(run, transaction.local);
  };

  private judge(run: Run, isMine: boolean): void {
    const { fileId, text } = this;
    const most = mostOf(lost(run.text, ""));
    if (lost(run.text, text.toString()) <= most) return;
    if (this.last?.isBack()) return this.end(); // its undo took away what was put in place of the words
    const before = this.everything(run.text);
    this.last = {
      fileId,
      isMine,
      isBack: () => lost(before, this.everything(text.toString())) <= most,
      undo: () => takeBack(run, text),
      forget: () => {
        this.end();
        this.last = null;
      },
    };
    this.onWipe(this.last);
  }

  private end(): void {
    if (this.run === null) return;
    this.run.isMixed = true; // what comes now is not seen any more
    this.run.edits.destroy();
    this.run = null;
  }

  /** The words of all files, `own` being those of this one. */
  private everything(own: string): string {
    return [...this.doc.share].map(([id, text]) => (id === this.fileId ? own : String(text))).join("\n");
  }
}
