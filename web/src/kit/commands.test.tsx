import { render } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { dispatchKey, useCommands } from "./commands";
import type { Command } from "./commands";

function Page({ commands }: { commands: readonly Command[] }) {
  useCommands(commands);
  return <input />;
}

function press(init: KeyboardEventInit, target: EventTarget = document.body): boolean {
  const event = new KeyboardEvent("keydown", { cancelable: true, bubbles: true, ...init });
  target.dispatchEvent(event);
  return dispatchKey(event);
}

test("a key runs its command, but a plain letter not while somebody types", () => {
  const raise = vi.fn();
  const { container } = render(<Page commands={[{ id: "hand", label: "Hand", keys: "h", run: raise }]} />);
  expect(press({ key: "h" })).toBe(true);
  expect(press({ key: "h" }, container.querySelector("input") as HTMLElement)).toBe(false);
  expect(press({ key: "h", ctrlKey: true })).toBe(false);
  expect(raise).toHaveBeenCalledTimes(1);
});

test("chords work while somebody types, with Ctrl and with Cmd", () => {
  const run = vi.fn();
  const { container } = render(<Page commands={[{ id: "run", label: "Run", keys: "mod+Enter", run }]} />);
  const field = container.querySelector("input") as HTMLElement;
  press({ key: "Enter", ctrlKey: true }, field);
  press({ key: "Enter", metaKey: true }, field);
  expect(run).toHaveBeenCalledTimes(2);
});

test("a question mark needs no thought about Shift", () => {
  const help = vi.fn();
  render(<Page commands={[{ id: "keys", label: "Keys", keys: "?", run: help }]} />);
  expect(press({ key: "?", shiftKey: true })).toBe(true);
});

test("a page's commands go with it, and the newest function is the one that runs", () => {
  const first = vi.fn();
  const second = vi.fn();
  const page = (run: () => void) => <Page commands={[{ id: "x", label: "X", keys: "x", run }]} />;
  const { rerender, unmount } = render(page(first));
  rerender(page(second));
  press({ key: "x" });
  expect([first, second].map((run) => run.mock.calls.length)).toEqual([0, 1]);
  unmount();
  expect(press({ key: "x" })).toBe(false);
});
