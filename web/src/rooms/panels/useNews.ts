/** Calls back for each entry of the log that arrives while the component is shown; never for what was before. */

import { useEffect, useRef } from "react";
import type { Dojo, Entry } from "../protocol";

export function useNews(dojo: Dojo, onEntry: (entry: Entry) => void): void {
  const seen = useRef<number | null>(null);
  const latest = useRef(onEntry);
  useEffect(() => {
    latest.current = onEntry;
  });
  const { recent, state } = dojo;
  useEffect(() => {
    if (state === null) return;
    if (seen.current === null) {
      seen.current = state.seq;
      return;
    }
    for (const entry of recent) {
      if (entry.seq <= seen.current) continue;
      seen.current = entry.seq;
      latest.current(entry);
    }
  }, [recent, state]);
}
