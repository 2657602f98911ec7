import { useSyncExternalStore } from "react";

export interface Notice {
  id: number;
  kind: "info" | "success" | "error";
  text: string;
  action?: { label: string; run: () => void } | undefined;
}

const STAYS_MS = { info: 6000, success: 6000, error: 12_000, action: 12_000 };
const MOST = 4;

let notices: readonly Notice[] = [];
let last = 0;
const listeners = new Set<() => void>();

function change(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}

export function dismiss(id: number): void {
  change(notices.filter((notice) => notice.id !== id));
}

/** Shows a line at the foot of the page and reads it aloud; with an action it stays longer. */
export function notify(notice: Omit<Notice, "id">): number {
  const id = ++last;
  change([...notices, { ...notice, id }].slice(-MOST));
  setTimeout(() => dismiss(id), notice.action ? STAYS_MS.action : STAYS_MS[notice.kind]);
  return id;
}

export function useNotices(): readonly Notice[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => notices,
  );
}
