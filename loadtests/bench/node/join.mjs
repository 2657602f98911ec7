// Joins documents as somebody new, with the real yjs, and compares what comes with what was typed there.
//
// Reads {"script", "start", "protocol", "places": [{"address", "path", "group", "typed"}]} as JSON: every document
// begins with the update `start` (hex), and then was sent the first `typed` updates of the script (see updates.mjs).
// Prints a JSON list of what is not as it must be.
import { readFileSync } from "node:fs";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { WebSocket } from "ws";
import { messageYjsSyncStep2, readSyncMessage, writeSyncStep1 } from "y-protocols/sync";
import * as Y from "yjs";

const AT_ONCE = 16;
const PATIENCE = 20_000;
const [SYNC, AUTH, SYNC_REPLY] = [0, 2, 4];
const { script, start, protocol, places } = JSON.parse(readFileSync(0, "utf8"));

function updatesOf(path) {
  const data = readFileSync(path);
  const updates = [];
  for (let at = 16; updates.length < data.readUInt32LE(8); ) {
    const start = at + 16;
    at = start + data.readUInt32LE(at + 12);
    updates.push(data.subarray(start, at));
  }
  return updates;
}

function shown(doc) {
  return { text: doc.getText("f1").toString(), vector: Buffer.from(Y.encodeStateVector(doc)).toString("hex") };
}

// What yjs itself makes of the first updates of the script, for each number of them that was typed somewhere.
function truths() {
  const updates = updatesOf(script);
  const doc = new Y.Doc();
  const found = new Map();
  let applied = 0;
  Y.applyUpdate(doc, Buffer.from(start, "hex"));
  for (const typed of [...new Set(places.map((place) => place.typed))].sort((a, b) => a - b)) {
    for (; applied < typed; applied++) Y.applyUpdate(doc, updates[applied]);
    found.set(typed, shown(doc));
  }
  return found;
}

function joined({ address, path, group }) {
  return new Promise((resolve, reject) => {
    const doc = new Y.Doc();
    const socket = new WebSocket(`ws://${address}${path}`);
    const hocuspocus = protocol === "hocuspocus";
    const late = setTimeout(() => socket.terminate(), PATIENCE);
    const send = (kind, write) => {
      const encoder = encoding.createEncoder();
      if (hocuspocus) encoding.writeVarString(encoder, group);
      encoding.writeVarUint(encoder, kind);
      write(encoder);
      socket.send(encoding.toUint8Array(encoder));
    };
    const ask = () => send(SYNC, (encoder) => writeSyncStep1(encoder, doc));
    const signIn = (encoder) => {
      encoding.writeVarUint(encoder, 0);
      for (const word of ["t", "4.7.0"]) encoding.writeVarString(encoder, word);
    };
    socket.on("open", () => (hocuspocus ? send(AUTH, signIn) : ask()));
    socket.on("message", (message) => {
      const decoder = decoding.createDecoder(new Uint8Array(message));
      if (hocuspocus) decoding.readVarString(decoder);
      const kind = decoding.readVarUint(decoder);
      if (kind === AUTH) ask();
      else if (kind === SYNC || kind === SYNC_REPLY) {
        if (readSyncMessage(decoder, encoding.createEncoder(), doc, "server") !== messageYjsSyncStep2) return;
        socket.close();
        resolve(doc);
      }
    });
    socket.on("error", reject);
    socket.on("close", (code, reason) => {
      clearTimeout(late);
      reject(new Error(`no answer, and the end with ${code} ${reason}`));
    });
  });
}

async function difference(place, truth) {
  try {
    const found = shown(await joined(place));
    if (found.text !== truth.text) return "another text";
    if (found.vector !== truth.vector) return "another state vector";
  } catch (error) {
    return error.message;
  }
  return null;
}

const expected = truths();
const wrong = [];
const waiting = [...places];
const work = async () => {
  for (let place = waiting.pop(); place; place = waiting.pop()) {
    const words = await difference(place, expected.get(place.typed));
    if (words) wrong.push(`${place.group} after ${place.typed} updates: ${words}`);
  }
};
await Promise.all(Array.from({ length: AT_ONCE }, work));
console.log(JSON.stringify(wrong));
