// Writes what five people type into one document as real Yjs updates, for the generator to send again and again.
//
// The file, little endian: "YJS1", people (u32), updates (u32), bytes of the final state (u32), then of each update its
// author (u32), its first clock and the clock after it (u32 each), its length (u32) and its bytes; then the client ids
// (u32 each). Each person types RUN updates, then the next one goes on; now and then a word is replaced.
import { writeFileSync } from "node:fs";
import * as Y from "yjs";

const [path, wanted, turn] = process.argv.slice(2);
const PEOPLE = 5;
const RUN = Number(turn);
const LONGEST = 4000; // characters of a file in a dojo; what is typed beyond replaces older words
const count = Number(wanted);

const u32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};

let seed = 20260101;
const random = (below) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
};

const docs = Array.from({ length: PEOPLE }, (_, person) => {
  const doc = new Y.Doc();
  doc.clientID = 3000000000 + person * 104729;
  return doc;
});
const parts = [];
const latest = [];
docs.forEach((doc, person) => doc.on("update", (update, origin) => origin !== "other" && latest.push([person, update])));

let caret = 0;
for (let number = 0; number < count; number++) {
  const person = Math.floor(number / RUN) % PEOPLE;
  const doc = docs[person];
  const text = doc.getText("f1");
  if (number % RUN === 0) caret = random(text.length + 1);
  const before = Y.getState(doc.store, doc.clientID);
  doc.transact(() => {
    const surplus = text.length > LONGEST ? 40 : random(20) === 0 ? Math.min(4, text.length - caret) : 0;
    if (surplus > 0) {
      caret = Math.min(caret, text.length - surplus);
      text.delete(caret, surplus);
    }
    text.insert(caret, "abcdefghij klmnopqrst\n"[random(22)]);
  });
  caret += 1;
  const [[author, update]] = latest.splice(0);
  for (const other of docs) if (other !== doc) Y.applyUpdate(other, update, "other");
  parts.push(u32(author), u32(before), u32(Y.getState(doc.store, doc.clientID)), u32(update.length), update);
}
const state = Y.encodeStateAsUpdate(docs[0]);
writeFileSync(path, Buffer.concat([Buffer.from("YJS1"), u32(PEOPLE), u32(count), u32(state.length), ...parts, ...docs.map((doc) => u32(doc.clientID))]));
console.log(JSON.stringify({ updates: count, state: state.length }));
