/** The messages of the editor's endpoint: `y-websocket`'s, and our acknowledgements (type 100). */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";

const SYNC = 0;
const AWARENESS = 1;
const QUERY_AWARENESS = 3;
const OURS = 100;

/** `unavailable` passes: the same may be sent again. After any other the sender's document is worth nothing. */
export type RefusalCode = "read-only" | "not-your-turn" | "invalid" | "too-large" | "unavailable";
const CODES: ReadonlySet<string> = new Set(["read-only", "not-your-turn", "too-large", "unavailable"]);

/** What the server says. */
export type ServerMessage =
  | { kind: "ask"; vector: Uint8Array }
  | { kind: "answer" | "update"; update: Uint8Array }
  | { kind: "awareness"; update: Uint8Array }
  | { kind: "ask-awareness" }
  | { kind: "ack"; number: number }
  | { kind: "refused"; number: number; code: RefusalCode };

/** The messages in one WebSocket message; what is unknown ends it, for its length is unknown too. */
export function readMessages(data: Uint8Array): ServerMessage[] {
  const decoder = decoding.createDecoder(data);
  const messages: ServerMessage[] = [];
  while (decoding.hasContent(decoder)) {
    const message = readMessage(decoder);
    if (message === null) break;
    messages.push(message);
  }
  return messages;
}

function readMessage(decoder: decoding.Decoder): ServerMessage | null {
  switch (decoding.readVarUint(decoder)) {
    case SYNC: {
      const step = decoding.readVarUint(decoder);
      const bytes = decoding.readVarUint8Array(decoder);
      if (step === 0) return { kind: "ask", vector: bytes };
      return { kind: step === 1 ? "answer" : "update", update: bytes };
    }
    case AWARENESS:
      return { kind: "awareness", update: decoding.readVarUint8Array(decoder) };
    case QUERY_AWARENESS:
      return { kind: "ask-awareness" };
    case OURS:
      return readOurs(decoder);
    default:
      return null;
  }
}

function readOurs(decoder: decoding.Decoder): ServerMessage | null {
  const kind = decoding.readVarUint(decoder);
  if (kind === 2) return { kind: "ack", number: decoding.readVarUint(decoder) };
  if (kind !== 3) return null;
  const number = decoding.readVarUint(decoder);
  const code = decoding.readVarString(decoder);
  return { kind: "refused", number, code: CODES.has(code) ? (code as RefusalCode) : "invalid" };
}

function write(...parts: (number | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const encoder = encoding.createEncoder();
  for (const part of parts) {
    if (typeof part === "number") encoding.writeVarUint(encoder, part);
    else encoding.writeVarUint8Array(encoder, part);
  }
  return encoding.toUint8Array(encoder) as Uint8Array<ArrayBuffer>;
}

/** We want acknowledgements. */
export const writeHello = (): Uint8Array<ArrayBuffer> => write(OURS, 0, 1);
/** Send what is missing in this state vector. */
export const writeAsk = (vector: Uint8Array): Uint8Array<ArrayBuffer> => write(SYNC, 0, vector);
/** An update that is to be acknowledged. */
export const writeNumbered = (number: number, update: Uint8Array): Uint8Array<ArrayBuffer> =>
  write(OURS, 1, number, update);
export const writeAwareness = (update: Uint8Array): Uint8Array<ArrayBuffer> => write(AWARENESS, update);
/** Say who is here. */
export const writeAskAwareness = (): Uint8Array<ArrayBuffer> => write(QUERY_AWARENESS);
