import { screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { problem, serve } from "../testing/server";
import type { Answer } from "../testing/server";
import { show } from "../testing/show";
import type { PocSummary } from "../wire.gen";
import { Cover } from "./Cover";

const POC: PocSummary = {
  id: "p1",
  name: "Roman numerals",
  description: "",
  languages: ["python"],
  tags: [],
  authors: [],
  owner_id: "u1",
  visibility: "tenant",
  favourite: false,
  created_at: "2026-11-21T10:00:00Z",
  revision: 1,
};

/** What the browser offers and jsdom does not. */
let scroll: () => void = () => undefined;
const addresses = new Set<string>();

beforeEach(() => {
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      constructor(private readonly tell: (entries: { isIntersecting: boolean }[]) => void) {}
      observe() {
        scroll = () => this.tell([{ isIntersecting: true }]);
      }
      disconnect() {
        scroll = () => undefined;
      }
    },
  );
  URL.createObjectURL = () => {
    const address = `blob:${addresses.size + 1}`;
    addresses.add(address);
    return address;
  };
  URL.revokeObjectURL = (address) => void addresses.delete(address);
});

afterEach(() => vi.unstubAllGlobals());

function cover(answer: Answer) {
  const log = serve(() => answer);
  const { router } = show(<Cover poc={POC} />, { path: "/pocs", at: "/pocs" });
  return { log, router, picture: () => document.querySelector("img") };
}

test("is fetched when it is looked at, and its memory is freed with it", async () => {
  const { log, router, picture } = cover({ body: "picture" });
  expect(log).toEqual([]);
  scroll();
  await waitFor(() => expect(picture()?.src).toMatch(/^blob:/));
  expect(log.map(({ path }) => path)).toEqual(["/api/covers/p1"]);
  await router.navigate("/elsewhere");
  expect(await screen.findByText("elsewhere")).toBeInTheDocument();
  expect(addresses.size).toBe(0);
});

test("says nothing when there is none", async () => {
  const { log, picture } = cover(problem(404, "cover-not-found"));
  scroll();
  await waitFor(() => expect(log).toHaveLength(1));
  expect(picture()).toBeNull();
  expect(screen.queryByRole("alert")).toBeNull();
});
