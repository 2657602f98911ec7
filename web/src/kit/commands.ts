import { useEffect, useRef, useSyncExternalStore } from "react";

/** Something that a key or the palette does. Pages register theirs while they are shown. */
export interface Command {
  id: string;
  /** As the palette and the list of keys show it. */
  label: string;
  /** `mod` is Ctrl or Cmd: `mod+k`, `mod+Enter`, `alt+h`, `?`, `g h` is not a chord we know. */
  keys?: string;
  run: () => void;
  /** Also when the caret is in a field or the editor; chords with `mod` or `alt` always are. */
  whileTyping?: boolean;
  /** Kept out of the palette (it would do nothing from there). */
  hidden?: boolean;
}

const groups = new Map<symbol, readonly Command[]>();
const listeners = new Set<() => void>();
let all: readonly Command[] = [];

function change(): void {
  all = [...groups.values()].flat();
  for (const listener of listeners) listener();
}

/** Registers commands while the component is mounted; labels and functions may change at every render. */
export function useCommands(commands: readonly Command[]): void {
  const key = useRef(Symbol("commands"));
  const latest = useRef(commands);
  const shape = commands.map(({ id, label, keys }) => `${id}|${label}|${keys ?? ""}`).join("\n");
  useEffect(() => {
    latest.current = commands;
  });
  useEffect(() => {
    const mine = key.current;
    groups.set(
      mine,
      latest.current.map((command) => ({
        ...command,
        run: () => latest.current.find(({ id }) => id === command.id)?.run(),
      })),
    );
    change();
    return () => {
      groups.delete(mine);
      change();
    };
  }, [shape]);
}

export function useAllCommands(): readonly Command[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => all,
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function matches(keys: string, event: KeyboardEvent): boolean {
  const parts = keys.split("+");
  const key = parts.at(-1) ?? "";
  const wants = (name: string) => parts.slice(0, -1).includes(name);
  if ((event.ctrlKey || event.metaKey) !== wants("mod") || event.altKey !== wants("alt")) return false;
  // `?` and its like need Shift on most keyboards: only letters and named keys look at it.
  if (/^([a-z]|.{2,})$/i.test(key) && event.shiftKey !== wants("shift")) return false;
  const letter = /^[a-z]$/.test(key) && wants("alt") ? event.code.replace("Key", "") : event.key;
  return letter.toLowerCase() === key.toLowerCase();
}

/** Runs the command of a key; what was registered last wins. Returns whether there was one. */
export function dispatchKey(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.isComposing) return false;
  const typing = isTyping(event.target) && !(event.ctrlKey || event.metaKey || event.altKey);
  const found = all.findLast(({ keys, whileTyping }) => keys && matches(keys, event) && (!typing || whileTyping));
  if (!found) return false;
  event.preventDefault();
  found.run();
  return true;
}

/** Listens for the whole application; mounted once. */
export function useCommandKeys(): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => void dispatchKey(event);
    window.addEventListener("keydown", listen);
    return () => {
      window.removeEventListener("keydown", listen);
    };
  }, []);
}
