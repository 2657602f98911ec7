import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const STORED = "dojo.theme";
const listeners = new Set<() => void>();
const dark = typeof matchMedia === "undefined" ? null : matchMedia("(prefers-color-scheme: dark)");

function read(): Theme {
  try {
    const stored = localStorage.getItem(STORED);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system";
  }
}

let theme = read();

function paint(): void {
  document.documentElement.dataset.theme = theme === "system" ? (dark?.matches ? "dark" : "light") : theme;
}

dark?.addEventListener("change", paint);

export function chooseTheme(next: Theme): void {
  theme = next;
  paint();
  try {
    if (next === "system") localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, next);
  } catch {
    // Storage is closed to us: the choice lasts until the page is closed.
  }
  for (const listener of listeners) listener();
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => theme,
  );
}
