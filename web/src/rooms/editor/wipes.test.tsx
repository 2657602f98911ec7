import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import type { RoomState } from "../../wire.gen";
import type { SharedDocument } from "../document";
import type { Dojo } from "../protocol";
import { ANA, openState, ROOM } from "../testing/state";
import { WipeNotice } from "./WipeNotice";
import { lost } from "./wipes";

const FILES = [{ id: "f1", name: "fizzbuzz.py" }];
const CODE = "def fizz(n):\n    return n\n".repeat(20);

const bea = { ...openState().people[ANA], id: "bea", name: "Bea", role: "participant" } as const;
const beaDrives = {
  people: { [ANA]: { ...openState().people[ANA], role: "participant" }, bea },
  lease: { epoch: 1, holder: "bea" },
  rotation: { ...openState().rotation, status: "running", driver: "bea", order: ["bea", ANA], ends_at: 9 },
} as unknown as Partial<RoomState>;

/** Two people at one text; what the other does arrives here. */
function show(changes: Partial<RoomState> = {}) {
  const [here, there] = [new Y.Doc(), new Y.Doc()];
  here.getText("f1").insert(0, CODE);
  Y.applyUpdate(there, Y.encodeStateAsUpdate(here));
  here.on("update", (update: Uint8Array) => Y.applyUpdate(there, update, "line"));
  there.on("update", (update: Uint8Array, origin: unknown) => {
    if (origin !== "line") Y.applyUpdate(here, update, "line");
  });
  const document = {
    doc: here,
    awareness: new Awareness(here),
    status: "synced",
    since: 0,
    unsaved: 0,
    isCrowded: false,
    merged: null,
    refused: null,
    dismiss: () => undefined,
  } satisfies SharedDocument;
  const dojo = { roomId: ROOM, status: "in", state: { ...openState(), files: FILES, ...changes }, myId: ANA };
  render(<WipeNotice dojo={dojo as unknown as Dojo} document={document} files={FILES} />);
  return { here: here.getText("f1"), there: there.getText("f1"), user: userEvent.setup() };
}

describe("a wipe", () => {
  it("is undone with one click, for everybody, and keeps what was typed since", async () => {
    const { here, there, user } = show();
    expect(screen.queryByTestId("wipe")).toBeNull();
    act(() => there.delete(10, there.length - 20));
    expect(screen.getByTestId("wipe")).toHaveTextContent("Most of fizzbuzz.py was deleted.");
    act(() => there.insert(0, "# new\n"));
    await user.click(screen.getByRole("button", { name: "Undo" }));
    expect(here.toString()).toBe(`# new\n${CODE}`);
    expect(there.toString()).toBe(here.toString());
    expect(screen.queryByTestId("wipe")).toBeNull();
  });

  it("of one's own says so", () => {
    const { here } = show();
    act(() => here.delete(0, here.length));
    expect(screen.getByTestId("wipe")).toHaveTextContent("You deleted most of fizzbuzz.py.");
  });

  it("names the driver to who may not write, and lets them ask nobody else", () => {
    const { there } = show(beaDrives);
    act(() => there.delete(0, there.length));
    expect(screen.getByTestId("wipe")).toHaveTextContent("Bea deleted most of fizzbuzz.py. Bea can bring it back.");
    expect(screen.queryByRole("button", { name: "Undo" })).toBeNull();
  });

  it("is forgotten when it was undone elsewhere", () => {
    const { there } = show();
    const undo = new Y.UndoManager(there);
    act(() => there.delete(0, there.length));
    expect(screen.getByTestId("wipe")).toBeInTheDocument();
    act(() => void undo.undo());
    expect(screen.queryByTestId("wipe")).toBeNull();
  });

  it("is not made of small or usual edits", () => {
    const { there } = show();
    act(() => there.delete(0, 150));
    act(() => there.delete(0, Math.floor(there.length / 3)));
    expect(screen.queryByTestId("wipe")).toBeNull();
    expect(lost("x".repeat(300), "y".repeat(280))).toBeNull();
    expect(lost("a".repeat(150), "")).toBeNull();
  });
});
