/** Notices when most of a file's text goes at once, and can put it back. */
import { useEffect, useState } from "react";
import * as Y from "yjs";
import type { DojoFile } from "../../wire.gen";

/** A file that lost most of its text in one edit. */
export interface Wipe {
  file: DojoFile;
  /** Whether it happened on this machine. */
  isMine: boolean;
  /** Puts the words back where they were, as an edit of one's own; what was typed since stays. */
  undo: () => void;
}

/** An edit that leaves less than this part of the text, and takes more than so many characters, is a wipe. */
const LEFT = 0.5;
const MANY = 200;

/** What `before` had and `after` has not: where it was, and the words. */
export function lost(before: string, after: string): { at: number; words: string } | null {
  if (after.length >= before.length * LEFT || before.length - after.length <= MANY) return null;
  let at = 0;
  while (at < after.length && before[at] === after[at]) at += 1;
  let end = 0;
  while (end < after.length - at && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return { at, words: before.slice(at, before.length - end) };
}

/** Watches one text; what is returned stops it. `onWipe` gets null when the words are back. */
function watch(text: Y.Text, onWipe: (wipe: Omit<Wipe, "file"> | null) => void): () => void {
  let before = text.toString();
  let words: string | null = null;
  const look = (_: Y.YTextEvent, transaction: Y.Transaction): void => {
    const after = text.toString();
    const found = lost(before, after);
    before = after;
    if (found !== null) {
      const place = Y.createRelativePositionFromTypeIndex(text, found.at);
      words = found.words;
      onWipe({ isMine: transaction.local, undo: () => putBack(text, place, found.words) });
    } else if (words !== null && after.includes(words)) {
      words = null;
      onWipe(null);
    }
  };
  text.observe(look);
  return () => text.unobserve(look);
}

function putBack(text: Y.Text, place: Y.RelativePosition, words: string): void {
  if (text.doc === null) return;
  const at = Y.createAbsolutePositionFromRelativePosition(place, text.doc)?.index ?? 0;
  text.insert(at, words);
}

/** The last wipe that nobody has undone, and the means to put it out of sight. */
export function useWipe(doc: Y.Doc | null, files: readonly DojoFile[]): [Wipe | null, () => void] {
  const [wipe, setWipe] = useState<Wipe | null>(null);
  useEffect(() => {
    setWipe(null);
    if (doc === null) return undefined;
    const ends = files.map((file) =>
      watch(doc.getText(file.id), (found) => {
        if (found !== null) setWipe({ ...found, file });
        else setWipe((shown) => (shown?.file.id === file.id ? null : shown));
      }),
    );
    return () => ends.forEach((end) => end());
  }, [doc, files]);
  return [wipe, () => setWipe(null)];
}
