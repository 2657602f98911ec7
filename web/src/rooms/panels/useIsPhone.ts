/** Whether the room is shown in one column. The same width is in the style sheets. */

import { useSyncExternalStore } from "react";

const QUERY = "(max-width: 820px)";

const query = (): MediaQueryList | null => (typeof window.matchMedia === "function" ? window.matchMedia(QUERY) : null);

function subscribe(listener: () => void): () => void {
  const list = query();
  list?.addEventListener("change", listener);
  return () => list?.removeEventListener("change", listener);
}

export function useIsPhone(): boolean {
  return useSyncExternalStore(subscribe, () => query()?.matches ?? false);
}
