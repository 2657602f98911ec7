import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { problem, serve } from "../testing/server";
import { api, Problem, setAuthority } from "./api";

let token: string | null;
const refresh = vi.fn<(stale: string | null) => Promise<boolean>>();

beforeEach(() => {
  token = "old";
  refresh.mockReset().mockImplementation(() => {
    token = "new";
    return Promise.resolve(true);
  });
  setAuthority({ token: () => token, refresh });
});

afterEach(() => {
  vi.unstubAllGlobals();
  setAuthority({ token: () => null, refresh: () => Promise.resolve(false) });
});

test("sends the token and asks below /api", async () => {
  const log = serve(() => ({ body: { ok: 1 } }));
  await api.get("/pocs", { query: { q: "a b", tag: ["x", "y"], language: null, cursor: "" } });
  expect(log[0]?.path).toBe("/api/pocs?q=a+b&tag=x&tag=y");
  expect(log[0]?.headers.get("Authorization")).toBe("Bearer old");
});

test("refreshes once on 401 and repeats the request with the new token", async () => {
  const log = serve(({ headers }) => (headers.get("Authorization") === "Bearer new" ? { body: { ok: 1 } } : problem(401, "unauthenticated")));
  await expect(api.post("/rooms", { kata: "fizzbuzz" })).resolves.toEqual({ ok: 1 });
  expect(refresh).toHaveBeenCalledExactlyOnceWith("old");
  expect(log.map(({ body }) => body)).toEqual([{ kata: "fizzbuzz" }, { kata: "fizzbuzz" }]);
});

test("does not refresh a second time when the new token is refused too", async () => {
  const log = serve(() => problem(401, "unauthenticated"));
  await expect(api.get("/me")).rejects.toMatchObject({ code: "unauthenticated", status: 401 });
  expect(refresh).toHaveBeenCalledTimes(1);
  expect(log).toHaveLength(2);
});

test("signing in neither sends a token nor refreshes", async () => {
  const log = serve(() => problem(401, "wrong-credentials"));
  await expect(api.post("/session", {}, { anonymous: true })).rejects.toBeInstanceOf(Problem);
  expect(refresh).not.toHaveBeenCalled();
  expect(log[0]?.headers.has("Authorization")).toBe(false);
  expect(log[0]?.headers.get("X-Dojo")).toBe("1");
});

test("a problem carries code, detail and how long to wait", async () => {
  serve(() => problem(429, "too-many", { detail: "Six a minute.", retry_after: 12 }));
  await expect(api.get("/pocs")).rejects.toMatchObject({ code: "too-many", detail: "Six a minute.", retry_after: 12 });
});

test("an answer that is not ours becomes a problem by its status", async () => {
  serve(() => ({ status: 503, headers: { "Retry-After": "3" } }));
  await expect(api.get("/pocs")).rejects.toMatchObject({ code: "unavailable", status: 503, retry_after: 3 });
});

test("a server that does not answer is a problem that says so", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(api.get("/pocs")).rejects.toMatchObject({ code: "unreachable", status: 0 });
});

test("no content is undefined", async () => {
  serve(() => ({ status: 204 }));
  await expect(api.put("/pocs/1/favourite")).resolves.toBeUndefined();
});
