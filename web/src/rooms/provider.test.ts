// @vitest-environment node
import { WebSocket } from "ws";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as Y from "yjs";
import { EditorProvider } from "./provider";
import { Relay } from "./testing/relay";
import { Unsaved } from "./unsaved";

let relay: Relay;
const open: EditorProvider[] = [];
let asked = 0;

const until = <T>(act: () => T): Promise<T> => vi.waitFor(act, { timeout: 8000, interval: 10 });

function provide(name: string, mayWrite = true, gateways = [relay.address]): EditorProvider {
  const provider = new EditorProvider({
    documentId: "d1",
    pass: () => {
      asked += 1;
      const word = `word ${asked}`;
      return Promise.resolve({ path: "/yjs/d1", word, document_id: "d1", may_write: mayWrite, expires_at: 0 });
    },
    gateways: () => Promise.resolve(gateways),
    origin: relay.address,
    user: { id: name, name, color: "#123456" },
  });
  open.push(provider);
  provider.start();
  return provider;
}

const text = (provider: EditorProvider): string => provider.snapshot().doc.getText("f1").toString();
const type = (provider: EditorProvider, words: string): void => {
  const shared = provider.snapshot().doc.getText("f1");
  shared.insert(shared.length, words);
};
const untilStatus = (provider: EditorProvider, status: string): Promise<void> =>
  until(() => expect(provider.snapshot().status).toBe(status));

beforeEach(async () => {
  vi.stubGlobal("WebSocket", WebSocket);
  relay = await new Relay().start();
});

afterEach(async () => {
  for (const provider of open.splice(0)) provider.stop();
  await relay.stop();
});

describe("the editor's provider", () => {
  it("opens with its pass, and two people see each other's words and cursors", async () => {
    const [ana, bea] = [provide("ana"), provide("bea")];
    await untilStatus(ana, "synced");
    await untilStatus(bea, "synced");
    expect(relay.passes).toContain("word 1");
    type(ana, "hello ");
    await until(() => expect(text(bea)).toBe("hello "));
    type(bea, "world");
    await until(() => expect(text(ana)).toBe("hello world"));
    const names = (): unknown[] => [...bea.snapshot().awareness.getStates().values()].map(({ user }) => (user as { name: string }).name);
    await until(() => expect(names().sort()).toEqual(["ana", "bea"]));
    await until(() => expect(relay.numbers).toHaveLength(2));
  });

  it("counts what is not stored, and hears when it is", async () => {
    const ana = provide("ana");
    await untilStatus(ana, "synced");
    relay.mute = true;
    type(ana, "one");
    type(ana, "two");
    await until(() => expect(ana.snapshot().unsaved).toBe(2));
    relay.mute = false;
    relay.cut();
    await until(() => expect(ana.snapshot()).toMatchObject({ status: "synced", unsaved: 0, merged: 2 }));
    ana.dismiss();
    expect(ana.snapshot().merged).toBeNull();
    const bea = provide("bea");
    await until(() => expect(text(bea)).toBe("onetwo"));
  });

  it("keeps offline edits and merges them with what others wrote meanwhile, with a fresh pass", async () => {
    const [ana, bea] = [provide("ana"), provide("bea")];
    await untilStatus(ana, "synced");
    await untilStatus(bea, "synced");
    type(ana, "base ");
    await until(() => expect(text(bea)).toBe("base "));
    const { port } = relay;
    await relay.stop();
    await untilStatus(ana, "offline");
    type(ana, "ana");
    type(bea, "bea");
    await until(() => expect(ana.snapshot().unsaved).toBe(1));
    await relay.start(port);
    await untilStatus(ana, "synced");
    await until(() => expect(text(ana)).toContain("bea"));
    await until(() => expect(text(bea)).toBe(text(ana)));
    expect(text(ana)).toContain("ana");
    expect(new Set(relay.passes).size).toBe(relay.passes.length);
  });

  it("throws a refused document away, keeps the words, and opens a fresh one", async () => {
    const ana = provide("ana");
    await untilStatus(ana, "synced");
    type(ana, "kept ");
    await until(() => expect(relay.log).toHaveLength(1));
    await until(() => expect(ana.snapshot().unsaved).toBe(0));
    const before = ana.snapshot().doc;
    relay.refuse = "not-your-turn";
    type(ana, "lost");
    await until(() =>
      expect(ana.snapshot().refused).toEqual({ code: "not-your-turn", texts: [{ fileId: "f1", text: "kept lost" }] }),
    );
    await untilStatus(ana, "synced");
    expect(ana.snapshot().doc).not.toBe(before);
    await until(() => expect(text(ana)).toBe("kept "));
    relay.refuse = null;
    type(ana, "again");
    await until(() => expect(relay.log).toHaveLength(2));
  });

  it("says when it may only be read", async () => {
    await untilStatus(provide("ana", false), "read-only");
  });

  it("goes to another gateway when one does not answer, and comes back after each close code", async () => {
    const ana = provide("ana", true, ["http://127.0.0.1:9", relay.address]);
    await untilStatus(ana, "synced");
    for (const code of [1012, 4401, 4408, 4409, 4410]) {
      relay.cut(code);
      await untilStatus(ana, "offline");
      await untilStatus(ana, "synced");
    }
  });

  it("begins anew after a reset, when its own edits are stored", async () => {
    const [ana, bea] = [provide("ana"), provide("bea")];
    await untilStatus(ana, "synced");
    await untilStatus(bea, "synced");
    type(bea, "shown in vain");
    await until(() => expect(text(ana)).toBe("shown in vain"));
    bea.stop();
    relay.mute = true;
    ana.snapshot().doc.getText("f2").insert(0, "own");
    await until(() => expect(ana.snapshot().unsaved).toBe(1));
    relay.log = [];
    relay.mute = false;
    relay.cut(4410);
    await until(() => expect(text(ana)).toBe(""));
    await until(() => expect(ana.snapshot().doc.getText("f2").toString()).toBe("own"));
    expect(ana.snapshot()).toMatchObject({ unsaved: 0, refused: null });
  });

  it("says that there are too many windows, asks again, and goes on when there is room", async () => {
    relay.full = 4429;
    const ana = provide("ana");
    await until(() => expect(ana.snapshot()).toMatchObject({ isCrowded: true, status: "connecting" }));
    await until(() => expect(relay.passes).toHaveLength(2));
    relay.full = null;
    await untilStatus(ana, "synced");
    expect(ana.snapshot().isCrowded).toBe(false);
  });
});

describe("unsaved edits", () => {
  const updates = (count: number): { doc: Y.Doc; all: Uint8Array[] } => {
    const doc = new Y.Doc();
    const all: Uint8Array[] = [];
    doc.on("update", (update: Uint8Array) => all.push(update));
    for (let index = 0; index < count; index += 1) doc.getText("f").insert(index, "x");
    return { doc, all };
  };

  it("are merged for sending again, without what the server has", () => {
    const unsaved = new Unsaved();
    const { doc, all } = updates(1000);
    for (const update of all) unsaved.add(update);
    expect(unsaved.edits).toBe(1000);
    const half = new Y.Doc();
    for (const update of all.slice(0, 500)) Y.applyUpdate(half, update);
    const pieces = unsaved.again(Y.encodeStateVector(half));
    expect(pieces).toHaveLength(1);
    for (const { update } of pieces) Y.applyUpdate(half, update);
    expect(half.getText("f").toString()).toBe(doc.getText("f").toString());
    unsaved.ack(pieces[0]?.number ?? 0);
    expect(unsaved.edits).toBe(0);
  });

  it("are nothing when the server has them all", () => {
    const unsaved = new Unsaved();
    const { doc, all } = updates(5);
    for (const update of all) unsaved.add(update);
    expect(unsaved.again(Y.encodeStateVector(doc))).toEqual([]);
    expect(unsaved.edits).toBe(0);
  });

  it("stay below the size that the server takes at once", () => {
    const unsaved = new Unsaved();
    const doc = new Y.Doc();
    doc.on("update", (update: Uint8Array) => unsaved.add(update));
    for (let index = 0; index < 6; index += 1) doc.getText("f").insert(0, "y".repeat(90_000));
    const pieces = unsaved.again(null);
    expect(pieces.length).toBeGreaterThan(2);
    for (const { update } of pieces) expect(update.length).toBeLessThan(262_144);
  });
});
