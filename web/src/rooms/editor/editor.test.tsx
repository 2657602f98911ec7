import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { yCollab } from "y-codemirror.next";
import { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import type { RoomState } from "../../wire.gen";
import type { SharedDocument } from "../document";
import type { Dojo } from "../protocol";
import type { Runner } from "../run/useRunner";
import { ANA, openState, ROOM } from "../testing/state";
import { placeIn } from "./cursors";
import Editor from "./Editor";
import { badName } from "./fileName";
import { FILE_LIMIT, fileLimit } from "./limits";
import { undoOf } from "./setup";

const FILES = [
  { id: "f1", name: "fizzbuzz.py" },
  { id: "f2", name: "test_fizzbuzz.py" },
];

beforeAll(() => {
  // jsdom lays nothing out; CodeMirror asks all the same.
  Range.prototype.getClientRects = () => [] as unknown as DOMRectList;
});

function shared(changes: Partial<SharedDocument> = {}): SharedDocument {
  const doc = new Y.Doc();
  doc.getText("f1").insert(0, "one");
  doc.getText("f2").insert(0, "two");
  return {
    doc,
    awareness: new Awareness(doc),
    status: "synced",
    since: 0,
    unsaved: 0,
    isCrowded: false,
    merged: null,
    refused: null,
    dismiss: () => undefined,
    ...changes,
  };
}

function show(changes: Partial<RoomState> = {}, document: SharedDocument | null = shared()) {
  const state: RoomState = { ...openState(), files: FILES, ...changes };
  const command = vi.fn().mockResolvedValue({ ok: true, data: { seq: 4 } });
  const dojo = { roomId: ROOM, status: "in", state, myId: ANA, command } as unknown as Dojo;
  const runner = { run: vi.fn().mockResolvedValue(null) } as unknown as Runner;
  const result = render(<Editor dojo={dojo} document={document} runner={runner} />);
  return { ...result, command, runner, document, user: userEvent.setup() };
}

const bea = { ...openState().people[ANA], id: "bea", name: "Bea", role: "participant" } as const;
const beaDrives = {
  people: { [ANA]: { ...openState().people[ANA], role: "participant" }, bea },
  lease: { epoch: 1, holder: "bea" },
  rotation: { ...openState().rotation, status: "running", driver: "bea", order: ["bea", ANA], ends_at: 9 },
} as unknown as Partial<RoomState>;

describe("the editor", () => {
  it("shows the files as tabs, and the text of the chosen one", async () => {
    const { user } = show();
    expect(screen.getByLabelText("Code of fizzbuzz.py")).toHaveTextContent("one");
    await user.click(screen.getByRole("tab", { name: "test_fizzbuzz.py" }));
    expect(screen.getByLabelText("Code of test_fizzbuzz.py")).toHaveTextContent("two");
    expect(screen.getByText("All saved")).toBeInTheDocument();
  });

  it("says whose turn it is, and asks for the keyboard", async () => {
    const { user, command } = show(beaDrives);
    expect(screen.getByText("It is Bea’s turn.")).toBeInTheDocument();
    expect(screen.getByLabelText("Code of fizzbuzz.py")).toHaveAttribute("aria-readonly", "true");
    expect(screen.queryByRole("button", { name: "Add a file" })).toBeNull();
    await user.click(screen.getByRole("button", { name: "Ask for the keyboard" }));
    expect(command).toHaveBeenCalledWith("keyboard:ask", {});
  });

  it("opens the file where the driver is, until one looks elsewhere", async () => {
    const document = shared();
    const { user } = show(beaDrives, document);
    const say = (file: string): void =>
      act(() => {
        document.awareness.states.set(7, { user: { id: "bea", name: "Bea" }, file });
        document.awareness.emit("change", [{ added: [], updated: [7], removed: [] }, "test"]);
      });
    say("f2");
    expect(screen.getByLabelText("Code of test_fizzbuzz.py")).toBeInTheDocument();
    await user.click(screen.getByRole("tab", { name: "fizzbuzz.py" }));
    say("f2");
    expect(screen.getByLabelText("Code of fizzbuzz.py")).toBeInTheDocument();
    expect(document.awareness.getLocalState()?.file).toBe("f1");
  });

  it("adds a file, and says why a name cannot be", async () => {
    const { user, command } = show();
    await user.click(screen.getByRole("button", { name: "Add a file" }));
    await user.type(screen.getByLabelText("Name of the new file"), "src/x.py");
    expect(screen.getByText("No folders: use a name without slashes.")).toBeInTheDocument();
    await user.clear(screen.getByLabelText("Name of the new file"));
    await user.type(screen.getByLabelText("Name of the new file"), "more.py{Enter}");
    expect(command).toHaveBeenCalledWith("file:add", { name: "more.py" });
  });

  it("keeps the words of refused edits in sight", () => {
    const refused = { code: "not-your-turn", texts: [{ fileId: "f1", text: "my words" }] } as const;
    show({}, shared({ refused, status: "offline", unsaved: 2 }));
    expect(screen.getByText("my words")).toBeInTheDocument();
    expect(screen.getByText("Offline: 2 edits wait here.")).toBeInTheDocument();
  });

  it("waits with words while the document is opened", () => {
    show({}, shared({ status: "connecting" }));
    expect(screen.getByText("Opening the editor…")).toBeInTheDocument();
  });
});

describe("what may be typed", () => {
  it("names files as the server takes them", () => {
    const names = ["", "a/b.py", "a\\b", ".hidden", "-x", "olá.py", "a b.py", "x".repeat(65), "FIZZBUZZ.py"];
    expect(names.map((name) => badName(name, FILES))).toEqual([
      "empty", "folders", "folders", "start", "start", "characters", "characters", "long", "taken",
    ]);
    expect(badName("fizzbuzz.py", FILES, "f1")).toBeNull();
    expect(badName("new-file_2.test.js", FILES)).toBeNull();
  });

  it("refuses what makes a file too large, but lets a full file shrink", () => {
    const refused = vi.fn();
    const full = EditorState.create({ doc: "x".repeat(FILE_LIMIT), extensions: fileLimit(refused) });
    const more = full.update({ changes: { from: 0, insert: "y" }, userEvent: "input.type" });
    expect(more.newDoc.length).toBe(FILE_LIMIT);
    expect(refused).toHaveBeenCalledWith("typed");
    expect(full.update({ changes: { from: 0, to: 10 } }).newDoc.length).toBe(FILE_LIMIT - 10);
    const empty = EditorState.create({ extensions: fileLimit(refused) });
    expect(empty.update({ changes: { from: 0, insert: "語".repeat(90_000) }, userEvent: "input.paste" }).newDoc.length).toBe(0);
    expect(refused).toHaveBeenLastCalledWith("paste");
  });

  it("undoes only own edits", () => {
    const [mine, theirs] = [new Y.Doc(), new Y.Doc()];
    const text = mine.getText("f1");
    const view = new EditorView({ extensions: yCollab(text, null, { undoManager: undoOf(text) }) });
    view.dispatch({ changes: { from: 0, insert: "mine" } });
    Y.applyUpdate(theirs, Y.encodeStateAsUpdate(mine));
    theirs.getText("f1").insert(0, "theirs ");
    Y.applyUpdate(mine, Y.encodeStateAsUpdate(theirs), "remote");
    undoOf(text).undo();
    expect(view.state.doc.toString()).toBe("theirs ");
    undoOf(text).undo();
    expect(view.state.doc.toString()).toBe("theirs ");
    view.destroy();
  });

  it("reads others' places with care", () => {
    const doc = new Y.Doc();
    const text = doc.getText("f1");
    text.insert(0, "hello");
    const at = (index: number): unknown => Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text, index));
    const user = { id: "bea", name: "Bea" };
    expect(placeIn(text, { user, file: "f1", cursor: { anchor: at(1), head: at(3) } })).toMatchObject({ anchor: 1, head: 3 });
    expect(placeIn(text, { user: { id: 5 }, cursor: null })).toBeNull();
    for (const cursor of [null, 7, { anchor: "x", head: { type: { client: -1, clock: "z" } } }, { anchor: { item: {} }, head: [] }]) {
      expect(placeIn(text, { user, cursor })).toMatchObject({ anchor: null, head: null });
    }
    expect(placeIn(doc.getText("f2"), { user, cursor: { anchor: at(1), head: at(3) } })).toMatchObject({ head: null });
  });
});
