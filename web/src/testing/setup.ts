import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach, beforeAll } from "vitest";
import { loadWords, startI18n } from "../i18n";

// A wait ends when its condition holds; on a busy machine that may take more than the usual second.
configure({ asyncUtilTimeout: 15_000 });

/** jsdom lays nothing out, so nothing is ever looked at. */
globalThis.IntersectionObserver ??= class implements Partial<IntersectionObserver> {
  observe(): void {
    return undefined;
  }
  disconnect(): void {
    return undefined;
  }
} as unknown as typeof IntersectionObserver;

beforeAll(async () => {
  await startI18n("en");
  await loadWords("catalog", "dojos", "identity", "rooms");
});

afterEach(cleanup);
