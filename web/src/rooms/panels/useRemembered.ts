/** A choice of how the room looks, remembered in this browser. */

import { useCallback, useState } from "react";

function read<T extends string>(key: string, allowed: readonly T[], otherwise: T): T {
  try {
    const stored = localStorage.getItem(key);
    return allowed.find((value) => value === stored) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Like `useState`, for one of a few words; what is stored and not among them counts as `otherwise`. */
export function useRemembered<T extends string>(
  name: string,
  allowed: readonly T[],
  otherwise: T,
): [T, (next: T) => void] {
  const key = `dojo.room.${name}`;
  const [value, setValue] = useState(() => read(key, allowed, otherwise));
  const remember = useCallback(
    (next: T) => {
      setValue(next);
      try {
        localStorage.setItem(key, next);
      } catch {
        // without storage the choice lasts for this page
      }
    },
    [key],
  );
  return [value, remember];
}
