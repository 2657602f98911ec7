/** Plays a LiveKit track on an element. */

import { useEffect, useRef, type RefObject } from "react";
import type { Playable } from "./view";

/** Give the returned ref to a `<video>` or `<audio>`; the track is shown while both are there. */
export function useTrack<E extends HTMLMediaElement>(track: Playable | null): RefObject<E | null> {
  const element = useRef<E>(null);
  useEffect(() => {
    const shown = element.current;
    if (track === null || shown === null) return undefined;
    track.attach(shown);
    return () => {
      track.detach(shown);
    };
  }, [track]);
  return element;
}
