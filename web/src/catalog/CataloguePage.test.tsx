import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { serve } from "../testing/server";
import { show } from "../testing/show";
import type { PocPage, PocSummary } from "../wire.gen";
import { CataloguePage } from "./CataloguePage";

afterEach(() => vi.unstubAllGlobals());

function poc(id: string, name: string): PocSummary {
  return {
    id,
    name,
    description: "",
    languages: ["python"],
    tags: ["kata"],
    authors: ["Ana"],
    owner_id: "u1",
    visibility: "tenant",
    favourite: false,
    created_at: "2026-11-21T10:00:00Z",
    revision: 1,
  };
}

const ALL = [poc("p1", "Roman numerals"), poc("p2", "Bowling")];

function catalogue() {
  return serve(({ path, method }) => {
    if (method !== "GET") return { status: 204 };
    const q = new URLSearchParams(path.split("?")[1]).get("q") ?? "";
    const items = ALL.filter(({ name }) => name.toLowerCase().includes(q));
    const facet = { value: "kata", count: items.length };
    const page: PocPage = { items, total: items.length, languages: [{ value: "python", count: items.length }], tags: [facet], cursor: null };
    return { body: page };
  });
}

test("searches as one types, and the address keeps the words", async () => {
  catalogue();
  const { router } = show(<CataloguePage />, { path: "/pocs", at: "/pocs" });
  expect(await screen.findByText("2 POCs found")).toBeInTheDocument();
  await userEvent.type(screen.getByRole("searchbox", { name: "Search POCs" }), "roman");
  expect(await screen.findByText("1 POC found")).toBeInTheDocument();
  expect(router.state.location.search).toBe("?q=roman");
  expect(screen.queryByRole("link", { name: "Bowling" })).not.toBeInTheDocument();
});

test("shows what the address asks for, and Back gives the last query", async () => {
  const log = catalogue();
  const { router } = show(<CataloguePage />, { path: "/pocs", at: "/pocs?q=roman&only=mine" });
  expect(await screen.findByRole("searchbox")).toHaveValue("roman");
  expect(screen.getByRole("radio", { name: "Mine" })).toBeChecked();
  await userEvent.click(await screen.findByRole("checkbox", { name: /kata/ }));
  await waitFor(() => expect(router.state.location.search).toBe("?q=roman&tag=kata&only=mine"));
  await router.navigate(-1);
  await waitFor(() => expect(screen.getByRole("checkbox", { name: /kata/ })).not.toBeChecked());
  expect(log.map(({ path }) => path)).toContain("/api/pocs?q=roman&tag=kata&only=mine&limit=30");
});

test("clearing the filters empties the search box too", async () => {
  catalogue();
  show(<CataloguePage />, { path: "/pocs", at: "/pocs?q=zzz" });
  const nothing = await screen.findByText("Nothing has all of this");
  await userEvent.click(within(nothing.parentElement as HTMLElement).getByRole("button", { name: "Clear filters" }));
  expect(await screen.findByText("2 POCs found")).toBeInTheDocument();
  expect(screen.getByRole("searchbox")).toHaveValue("");
});

test("arrow keys go from the search box into the list and back", async () => {
  catalogue();
  show(<CataloguePage />, { path: "/pocs", at: "/pocs" });
  const first = await screen.findByRole("link", { name: "Roman numerals" });
  const box = screen.getByRole("searchbox");
  await userEvent.click(box);
  await userEvent.keyboard("{ArrowDown}");
  expect(first).toHaveFocus();
  await userEvent.keyboard("{ArrowDown}");
  expect(screen.getByRole("link", { name: "Bowling" })).toHaveFocus();
  await userEvent.keyboard("{ArrowUp}{ArrowUp}");
  expect(box).toHaveFocus();
});

test("a star answers at once", async () => {
  const log = catalogue();
  show(<CataloguePage />, { path: "/pocs", at: "/pocs" });
  const star = await screen.findByRole("button", { name: "Favourite Bowling" });
  await userEvent.click(star);
  await waitFor(() => expect(star).toHaveAttribute("aria-pressed", "true"));
  await waitFor(() => expect(log.at(-1)).toMatchObject({ method: "PUT", path: "/api/pocs/p2/favourite" }));
});
