/**
 * Our Yjs provider: the `y-websocket` protocol with acknowledgements.
 *
 * What the server has not acknowledged is kept and sent again; what it refuses ends the local
 * document, and a fresh one takes its place.
 */
import {
  applyAwarenessUpdate,
  Awareness,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from "y-protocols/awareness";
import * as Y from "yjs";
import type { EditorPass } from "../wire.gen";
import {
  readMessages,
  writeAsk,
  writeAskAwareness,
  writeAwareness,
  writeHello,
  writeNumbered,
  type RefusalCode,
  type ServerMessage,
} from "./editorWire";
import { backOff, Gateways, socketAddress } from "./gateways";
import { localNow } from "./serverClock";
import { Timers } from "./timers";
import { Unsaved } from "./unsaved";

/** Edits that the server did not take. */
export interface Refusal {
  code: Exclude<RefusalCode, "unavailable">;
  /** The files that they were in, as they were on this screen. */
  texts: readonly { fileId: string; text: string }[];
}

/** What a page sees of the shared document; a new object on every change. */
export interface SharedDocument {
  /** The text of a file is `doc.getText(file.id)`. A refusal replaces it by a fresh one. */
  doc: Y.Doc;
  awareness: Awareness;
  status: "connecting" | "synced" | "offline" | "read-only";
  /** Since when (this machine's clock, unix seconds) the status is what it is. */
  since: number;
  /** The server lets this window in only when another one of this person is closed; it is asked again and again. */
  isCrowded: boolean;
  /** Own edits that the server has not yet stored. */
  unsaved: number;
  /** After coming back: how many own edits were merged; null otherwise. */
  merged: number | null;
  /** What the server refused, and the words that went with it; null otherwise. */
  refused: Refusal | null;
  /** Takes the notice of a refusal or a merge away. */
  dismiss: () => void;
}

export interface ProviderOptions {
  documentId: string;
  pass: () => Promise<EditorPass>;
  gateways: () => Promise<readonly string[]>;
  origin: string;
  user: { id: string; name: string; color: string };
}

/** Seconds between signs of life on a silent line, and how long an answer may take. */
const PULSE = 20;
const PATIENCE = 10;
const CURSOR_EVERY = 0.05;
const COUNT_EVERY = 0.25;
const WRONG_PASS = 4401;
const ID_IN_USE = 4409;
const RESET = 4410;
const TOO_LARGE = 4413;
const TOO_MANY = 4429;

/** One document's line. `start` opens it, `stop` closes it for good. */
export class EditorProvider {
  private doc = new Y.Doc();
  private awareness = new Awareness(this.doc);
  private status: SharedDocument["status"] = "connecting";
  private since = localNow();
  private isCrowded = false;
  private merged: number | null = null;
  private refused: Refusal | null = null;
  private readonly unsaved = new Unsaved();
  /** Files with own edits that are not stored yet. */
  private touched = new Set<string>();
  /** Own edits that waited while the line was lost. */
  private returning = 0;
  private socket: WebSocket | null = null;
  private gateways: Gateways | null = null;
  private mayWrite = true;
  /** Whether the server has said what it has, so that own edits can go out. */
  private isReady = false;
  private isStopped = true;
  private isOpening = false;
  /** The server began anew while own edits were not stored: what else this document holds may not be there. */
  private isDoubtful = false;
  private tries = 0;
  private idInUse = 0;
  private readonly timers = new Timers();
  private readonly listeners = new Set<() => void>();
  private view: SharedDocument;

  constructor(private readonly options: ProviderOptions) {
    this.adopt();
    this.view = this.look();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): SharedDocument => this.view;

  start(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    void this.connect();
  }

  /** Closes the line. The document, and what is unsaved in it, stays for another `start`. */
  stop(): void {
    this.isStopped = true;
    this.hangUp();
    this.to("connecting");
  }

  /** The machine is online again: do not wait for the back-off. */
  readonly hurry = (): void => {
    if (this.timers.has("connect")) this.timers.later("connect", 0, () => void this.connect());
  };

  /** The machine says that it is offline: do not wait until that is noticed. */
  readonly drop = (): void => {
    if (this.socket !== null) this.lost(0);
  };

  readonly dismiss = (): void => {
    this.merged = null;
    this.refused = null;
    this.changed();
  };

  // ── the line ────────────────────────────────────────────────────────────────────────────────

  private async connect(): Promise<void> {
    if (this.isStopped || this.isOpening || this.socket !== null) return;
    this.isOpening = true;
    try {
      this.gateways ??= new Gateways(this.options.documentId, await this.options.gateways(), this.options.origin);
      const pass = await this.options.pass();
      if (!this.isStopped) this.open(pass);
    } catch {
      this.retry();
    } finally {
      this.isOpening = false;
    }
  }

  private open(pass: EditorPass): void {
    this.mayWrite = pass.may_write;
    const base = this.gateways?.current ?? this.options.origin;
    const socket = new WebSocket(`${socketAddress(base, pass.path)}?pass=${encodeURIComponent(pass.word)}`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.isReady = false;
    this.timers.later("patience", PATIENCE, () => this.lost(0));
    socket.onopen = () => {
      this.send(writeHello());
      this.send(writeAsk(Y.encodeStateVector(this.doc)));
      this.awareness.setLocalState(this.awareness.getLocalState());
      this.send(writeAskAwareness());
    };
    socket.onmessage = (event: MessageEvent<ArrayBuffer>) => this.receive(new Uint8Array(event.data));
    socket.onclose = (event) => this.lost(event.code);
    // A close follows each error, and says all that can be known.
    socket.onerror = () => undefined;
  }

  private lost(code: number): void {
    const wasOpen = this.isReady;
    this.hangUp();
    if (this.isStopped) return;
    if (code === TOO_LARGE) this.refuse("too-large");
    if (code === ID_IN_USE) this.renameClient();
    // What was shown here may not be what is stored; with own edits in it, the server judges them first.
    if (code === RESET) this.isDoubtful = true;
    if (this.isDoubtful && this.unsaved.edits === 0) this.replace();
    this.isCrowded = code === TOO_MANY;
    if (!wasOpen && code !== WRONG_PASS && code !== ID_IN_USE) this.gateways?.next();
    this.retry();
  }

  private retry(): void {
    if (this.isStopped) return;
    this.to(this.status === "connecting" ? "connecting" : "offline");
    this.timers.later("connect", backOff(this.tries), () => void this.connect());
    this.tries += 1;
  }

  private hangUp(): void {
    this.timers.cancel();
    const socket = this.socket;
    this.socket = null;
    this.isReady = false;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.returning = this.unsaved.edits;
    const others = [...this.awareness.getStates().keys()].filter((id) => id !== this.doc.clientID);
    removeAwarenessStates(this.awareness, others, this);
  }

  /** The server still sees the former line under this id; if that lasts, go on under another. */
  private renameClient(): void {
    this.idInUse += 1;
    if (this.idInUse < 3) return;
    this.idInUse = 0;
    if (this.unsaved.edits > 0) this.refuse("invalid");
    else this.replace();
  }

  private send(data: Uint8Array<ArrayBuffer>): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(data);
  }

  // ── messages ────────────────────────────────────────────────────────────────────────────────

  private receive(data: Uint8Array): void {
    this.timers.later("pulse", PULSE, () => this.pulse());
    if (this.unsaved.edits === 0) this.timers.cancel("patience");
    for (const message of readMessages(data)) {
      this.take(message);
      if (this.socket === null) return;
    }
  }

  private take(message: ServerMessage): void {
    switch (message.kind) {
      case "ask":
        return this.flush(message.vector);
      case "answer":
        Y.applyUpdate(this.doc, message.update, this);
        if (!this.isReady) this.flush(null);
        return this.synced();
      case "update":
        return Y.applyUpdate(this.doc, message.update, this);
      case "awareness":
        return applyAwarenessUpdate(this.awareness, message.update, this);
      case "ask-awareness":
        return this.sendAwareness();
      case "ack":
        return this.stored(message.number);
      case "refused":
        if (message.code === "unavailable") return this.lost(0);
        this.refuse(message.code);
        return this.retry();
    }
  }

  private synced(): void {
    this.tries = 0;
    this.isCrowded = false;
    this.to(this.mayWrite ? "synced" : "read-only");
    this.settled();
  }

  /** Sends what is not stored; from now on, edits go out as they are typed. */
  private flush(vector: Uint8Array | null): void {
    this.isReady = true;
    for (const { number, update } of this.unsaved.again(vector)) this.send(writeNumbered(number, update));
    this.expectAck();
    this.settled();
  }

  private stored(number: number): void {
    this.unsaved.ack(number);
    this.idInUse = 0;
    this.timers.cancel("patience");
    this.expectAck();
    this.settled();
  }

  private settled(): void {
    this.countLater();
    if (this.unsaved.edits > 0 || !this.isReady) return;
    if (this.isDoubtful) return this.lost(RESET);
    this.touched.clear();
    if (this.returning === 0) return;
    this.merged = this.returning;
    this.returning = 0;
    this.changed();
  }

  /** Most edits are stored before anybody could read that they are not: the page hears of the others. */
  private countLater(): void {
    if (this.timers.has("count")) return;
    this.timers.later("count", COUNT_EVERY, () => {
      if (this.view.unsaved !== this.unsaved.edits) this.changed();
    });
  }

  private expectAck(): void {
    if (this.unsaved.edits > 0 && !this.timers.has("patience")) this.timers.later("patience", PATIENCE, () => this.lost(0));
  }

  /** Asks for what is missing: that is always answered, and mends what a relay may have dropped. */
  private pulse(): void {
    this.send(writeAsk(Y.encodeStateVector(this.doc)));
    this.timers.later("patience", PATIENCE, () => this.lost(0));
  }

  // ── the document ────────────────────────────────────────────────────────────────────────────

  private adopt(): void {
    this.awareness.setLocalStateField("user", this.options.user);
    this.doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== this) this.edited(update);
    });
    this.doc.on("afterTransaction", (transaction: Y.Transaction) => {
      if (transaction.local) this.touch(transaction);
    });
    this.awareness.on("update", ({ added, updated }: { added: number[]; updated: number[] }) => {
      const isMine = [...added, ...updated].includes(this.doc.clientID);
      if (isMine && !this.timers.has("cursor")) this.timers.later("cursor", CURSOR_EVERY, () => this.sendAwareness());
    });
  }

  private edited(update: Uint8Array): void {
    const number = this.unsaved.add(update);
    if (this.isReady) {
      this.send(writeNumbered(number, update));
      this.expectAck();
    } else {
      this.returning += 1;
    }
    this.countLater();
  }

  private touch(transaction: Y.Transaction): void {
    for (const [fileId, shared] of this.doc.share) {
      if (transaction.changed.has(shared)) this.touched.add(fileId);
    }
  }

  private refuse(code: Refusal["code"]): void {
    const texts = [...this.touched].map((fileId) => ({ fileId, text: this.doc.getText(fileId).toString() }));
    this.refused = { code, texts };
    this.hangUp();
    this.replace();
    this.to("connecting");
  }

  /** A fresh document in place of this one. */
  private replace(): void {
    const { awareness, doc } = this;
    const own = awareness.getLocalState();
    this.unsaved.clear();
    this.isDoubtful = false;
    this.touched = new Set();
    this.returning = 0;
    this.doc = new Y.Doc();
    this.awareness = new Awareness(this.doc);
    this.adopt();
    if (own?.file !== undefined) this.awareness.setLocalStateField("file", own.file);
    this.changed();
    awareness.destroy();
    doc.destroy();
  }

  private sendAwareness(): void {
    if (this.awareness.getLocalState() === null) return;
    this.send(writeAwareness(encodeAwarenessUpdate(this.awareness, [this.doc.clientID])));
  }

  // ── the view ────────────────────────────────────────────────────────────────────────────────

  private to(status: SharedDocument["status"]): void {
    if (status !== this.status) this.since = localNow();
    this.status = status;
    this.changed();
  }

  private changed(): void {
    this.view = this.look();
    for (const listener of this.listeners) listener();
  }

  private look(): SharedDocument {
    return {
      doc: this.doc,
      awareness: this.awareness,
      status: this.status,
      since: this.since,
      isCrowded: this.isCrowded,
      unsaved: this.unsaved.edits,
      merged: this.merged,
      refused: this.refused,
      dismiss: this.dismiss,
    };
  }
}
