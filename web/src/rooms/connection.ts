/** The page's hold on a dojo: one line per dojo, however many components look at it. */
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { gateways } from "./config";
import { credentials } from "./credentials";
import { DojoConnection } from "./dojo";
import { post } from "./largeCommands";
import type { Dojo } from "./protocol";

export type { Ack, CommandName, CommandPayload, Commands, Dojo, DojoStatus, Entry, Signal } from "./protocol";

/** Seconds of looking elsewhere after which a person counts as away. */
const AWAY_AFTER = 10;

interface Shared {
  line: DojoConnection;
  users: number;
  unwatch: (() => void) | null;
}
/** One line per dojo that this page has seen; a closed one keeps its state and can be opened again. */
const lines = new Map<string, Shared>();

function lineOf(roomId: string): Shared {
  let shared = lines.get(roomId);
  if (shared === undefined) {
    const isPhone = window.matchMedia("(pointer: coarse) and (max-width: 820px)").matches;
    const device = isPhone ? "phone" : "desktop";
    const line = new DojoConnection({ roomId, credentials, gateways, post, origin: location.origin, device });
    shared = { line, users: 0, unwatch: null };
    lines.set(roomId, shared);
  }
  return shared;
}

/** Opens the line with the first user, and closes it a moment after the last: pages come and go. */
function hold(roomId: string): () => void {
  const shared = lineOf(roomId);
  shared.users += 1;
  shared.line.start();
  shared.unwatch ??= watchPage(shared.line);
  return () => {
    shared.users -= 1;
    setTimeout(() => {
      if (shared.users > 0) return;
      shared.unwatch?.();
      shared.unwatch = null;
      shared.line.stop();
    }, 500);
  };
}

/** Tells the dojo when the page is not looked at, and hurries a lost line when it may be back. */
function watchPage(line: DojoConnection): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAway = false;
  const say = (away: boolean): void => {
    if (away === isAway || line.snapshot().status !== "in") return;
    isAway = away;
    void line.command("away:set", { away });
  };
  const look = (): void => {
    clearTimeout(timer);
    if (document.visibilityState === "hidden") {
      timer = setTimeout(() => say(true), AWAY_AFTER * 1000);
    } else {
      line.hurry();
      say(false);
    }
  };
  document.addEventListener("visibilitychange", look);
  window.addEventListener("online", line.hurry);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
    window.removeEventListener("online", line.hurry);
  };
}

/** The dojo as it is now; the component renders again on every change. Enters (or knocks) by itself. */
export function useDojo(roomId: string): Dojo {
  const line = useMemo(() => lineOf(roomId).line, [roomId]);
  useEffect(() => hold(roomId), [roomId]);
  return useSyncExternalStore(line.subscribe, line.snapshot);
}
