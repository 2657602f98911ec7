import { readFileSync } from "node:fs";
import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import type { RoomState } from "../../wire.gen";
import type { SharedDocument } from "../document";
import type { Dojo } from "../protocol";
import { ANA, openState, ROOM } from "../testing/state";
import { undoOf } from "./setup";
import { WipeNotice } from "./WipeNotice";

// Yjs takes the clock when it is loaded.
vi.hoisted(() => vi.useFakeTimers({ toFake: ["Date"] }));

const FILES = [
  { id: "f1", name: "fizzbuzz.py" },
  { id: "f2", name: "other.py" },
];
const CODE = Array.from({ length: 20 }, (_, n) => `def f${n}(n):\n    return ${n}\n`).join("");
const OTHER = Array.from({ length: 20 }, (_, n) => `print("${n} words")\n`).join("");

const bea = { ...openState().people[ANA], id: "bea", name: "Bea", role: "participant" } as const;
const beaDrives = {
  people: { [ANA]: { ...openState().people[ANA], role: "participant" }, bea },
  lease: { epoch: 1, holder: "bea" },
  rotation: { ...openState().rotation, status: "running", driver: "bea", order: ["bea", ANA], ends_at: 9 },
} as unknown as Partial<RoomState>;

/** The other's client, and the notice here. */
function show(changes: Partial<RoomState> = {}, start = CODE) {
  const [here, there] = [new Y.Doc(), new Y.Doc()];
  here.getText("f1").insert(0, start);
  Y.applyUpdate(there, Y.encodeStateAsUpdate(here));
  here.on("update", (update: Uint8Array) => Y.applyUpdate(there, update, "line"));
  there.on("update", (update: Uint8Array, origin: unknown) => {
    if (origin !== "line") Y.applyUpdate(here, update, "line");
  });
  const document: SharedDocument = {
    doc: here,
    awareness: new Awareness(here),
    status: "synced",
    since: 0,
    unsaved: 0,
    isCrowded: false,
    merged: null,
    refused: null,
    dismiss: () => undefined,
  };
  const dojo = { roomId: ROOM, status: "in", state: { ...openState(), files: FILES, ...changes }, myId: ANA };
  const notice = (status: SharedDocument["status"]) => (
    <WipeNotice dojo={dojo as unknown as Dojo} document={{ ...document, status }} files={FILES} />
  );
  const { rerender } = render(notice("synced"));
  return {
    here: here.getText("f1"),
    there: there.getText("f1"),
    other: there.getText("f2"),
    to: (status: SharedDocument["status"]) => rerender(notice(status)),
    user: userEvent.setup(),
  };
}

const undo = () => screen.getByRole("button", { name: "Undo" });
const isShown = () => screen.queryByTestId("wipe") !== null;

/** One edit, as the editor makes it. */
function replace(text: Y.Text, at: number, length: number, words: string): void {
  act(() => {
    const edit = (): void => {
      text.delete(at, length);
      text.insert(at, words);
    };
    text.doc?.transact(edit, undoOf(text));
  });
}
const erase = (text: Y.Text, at: number, length: number): void => replace(text, at, length, "");
const type = (text: Y.Text, at: number, words: string): void => replace(text, at, 0, words);
const paste = (text: Y.Text, words: string): void => replace(text, 0, text.length, words);

/** From the end, thirty letters a second. */
function holdBackspace(text: Y.Text, times: number): void {
  for (let time = 0; time < times; time += 1) {
    wait(1 / 30);
    text.delete(text.length - 1, 1);
  }
}

const wait = (seconds: number): void => void vi.setSystemTime(Date.now() + seconds * 1000);

describe("a wipe", () => {
  it("is undone with one click, for everybody, and keeps what was typed since", async () => {
    const { here, there, user } = show();
    expect(isShown()).toBe(false);
    erase(there, 10, there.length - 20);
    expect(screen.getByTestId("wipe")).toHaveTextContent("Most of fizzbuzz.py was deleted.");
    type(there, 0, "# new\n");
    await user.click(undo());
    expect(here.toString()).toBe(`# new\n${CODE}`);
    expect(there.toString()).toBe(here.toString());
    expect(isShown()).toBe(false);
  });

  it("may be a paste of other words, and Undo takes those away again", async () => {
    const { here, there, user } = show();
    paste(there, OTHER);
    await user.click(undo());
    expect(here.toString()).toBe(CODE);
    expect(isShown()).toBe(false);
    act(() => void undoOf(here).undo());
    expect(there.toString()).toBe(OTHER);
  });

  it.each([0, 40])("keeps pasted words that somebody has changed %d s later", async (seconds) => {
    const { here, there, user } = show();
    paste(there, OTHER);
    wait(seconds);
    replace(here, 4, 3, "mine");
    const changed = here.toString();
    await user.click(undo());
    expect(there.toString()).toBe(CODE + changed);
    act(() => void undoOf(here).undo());
    expect(there.toString()).toBe(changed);
  });

  it("may be two steps, with words typed between", async () => {
    const { here, there, user } = show();
    const part = Math.floor(CODE.length * 0.45);
    erase(there, 0, part);
    expect(isShown()).toBe(false);
    wait(20);
    type(there, 0, "# new\n");
    erase(there, there.length - part, part);
    await user.click(undo());
    expect(here.toString()).toContain("# new\n");
    expect(here.toString().replace("# new\n", "")).toBe(CODE);
  });

  it("may be two pastes", async () => {
    const { here, there, user } = show();
    const half = Math.floor(CODE.length / 2);
    replace(there, 0, half, OTHER);
    wait(10);
    replace(there, OTHER.length, CODE.length - half, OTHER);
    await user.click(undo());
    expect(here.toString()).toBe(CODE);
  });

  it.each([
    { typed: "567", seconds: 0 },
    { typed: "", seconds: 10 },
  ])("may be a key that is held after a usual edit ($typed, $seconds s)", async ({ typed, seconds }) => {
    const { here, there, user } = show();
    type(there, there.length, "x = 1234");
    act(() => holdBackspace(there, 3));
    type(there, there.length, typed);
    const whole = there.toString();
    wait(seconds);
    act(() => holdBackspace(there, 150));
    type(here, 0, "# new\n");
    act(() => holdBackspace(there, 150));
    expect(isShown()).toBe(true);
    act(() => holdBackspace(there, 100));
    await user.click(undo());
    expect(here.toString()).toBe(`# new\n${whole}`);
  });

  it("may be many words, one by one", async () => {
    const long = CODE.repeat(4);
    const { here, there, user } = show({}, long);
    for (let word = 0; word < 146; word += 1) {
      wait(0.2);
      erase(there, there.length - 7, 7);
    }
    await user.click(undo());
    expect(here.toString()).toBe(long);
  });

  it("brings back what was there last, without what was deleted before", async () => {
    const { here, there, user } = show();
    erase(there, 0, 1);
    wait(5);
    paste(there, "");
    await user.click(undo());
    expect(here.toString()).toBe(CODE.slice(1));
  });

  it("is noticed again after its undo", async () => {
    const { here, there, user } = show();
    paste(there, "");
    await user.click(undo());
    paste(there, "");
    await user.click(undo());
    expect(here.toString()).toBe(CODE);
  });

  it("of each file can be undone", async () => {
    const { here, there, other, user } = show();
    type(other, 0, OTHER);
    paste(there, "");
    paste(other, "");
    await user.click(undo());
    await user.click(undo());
    expect(here.toString()).toBe(CODE);
    expect(here.doc?.getText("f2").toString()).toBe(OTHER);
  });

  it("of one's own says so", () => {
    const { here } = show();
    paste(here, "");
    expect(screen.getByTestId("wipe")).toHaveTextContent("You deleted most of fizzbuzz.py.");
  });

  it("names the driver to who may not write, and lets them ask nobody else", () => {
    const { there } = show(beaDrives);
    paste(there, "");
    expect(screen.getByTestId("wipe")).toHaveTextContent("Bea deleted most of fizzbuzz.py. Bea can bring it back.");
    expect(screen.queryByRole("button", { name: "Undo" })).toBeNull();
  });

  it("is forgotten when it was undone elsewhere", () => {
    const { there } = show();
    paste(there, OTHER);
    expect(isShown()).toBe(true);
    wait(100);
    act(() => void undoOf(there).undo());
    expect(isShown()).toBe(false);
  });

  it("is forgotten when the words were moved to another file", () => {
    const { there, other } = show();
    paste(there, "");
    expect(isShown()).toBe(true);
    type(other, 0, CODE);
    expect(isShown()).toBe(false);
  });
});

describe("no wipe", () => {
  it("is made of small or usual edits", () => {
    const { there } = show();
    erase(there, 0, 150);
    erase(there, 0, Math.floor(there.length / 4));
    expect(isShown()).toBe(false);
  });

  it("is a short text that goes", () => {
    const { there } = show({}, "a".repeat(150));
    paste(there, "");
    expect(isShown()).toBe(false);
  });

  it("is code that is moved or indented", () => {
    const { there } = show({}, `${CODE}${OTHER}`);
    paste(there, `${OTHER}${CODE}`);
    paste(there, CODE.replaceAll("def", "  def").replaceAll("return", "  return") + OTHER);
    expect(isShown()).toBe(false);
  });

  it("is a text that comes anew in two edits", () => {
    const { there } = show();
    act(() => {
      there.delete(0, there.length);
      there.insert(0, CODE);
    });
    expect(isShown()).toBe(false);
  });

  it("is a file rewritten bit by bit", () => {
    const { there } = show();
    for (let line = 0; line < 20; line += 1) {
      erase(there, line * 20, 25);
      type(there, line * 20, `# ${line} is other\n`.padEnd(20, "."));
      wait(5);
    }
    expect(there.toString()).not.toContain("def");
    expect(isShown()).toBe(false);
  });

  it("is what was deleted before one came", () => {
    const { there, to } = show();
    to("connecting");
    paste(there, "");
    to("synced");
    expect(isShown()).toBe(false);
    type(there, 0, CODE);
    paste(there, "");
    expect(isShown()).toBe(true);
    to("connecting");
    expect(isShown()).toBe(false);
  });
});

describe("what is relied on in yjs beyond its documented ways", () => {
  it("is there in the version that was read", () => {
    const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: { yjs: string } };
    expect(dependencies.yjs).toBe("13.6.33");
    const text = new Y.Doc().getText();
    text.insert(0, "ab");
    text.delete(0, 1);
    const items = [text._start, text._start?.right ?? null];
    expect(items.map((item) => [item?.deleted, item?.length, item?.right === null])).toEqual([
      [true, 1, false],
      [false, 1, true],
    ]);
  });
});
