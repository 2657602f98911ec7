import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { api } from "../kit/api";
import { setAuthority } from "../kit/api";
import { problem, serve } from "../testing/server";
import type { SignedIn } from "../wire.gen";
import { lifetime, SessionStore } from "./session";

const NOW = 1_800_000_000;

function signedIn(token: string, seconds = 600): SignedIn {
  const me = {
    user_id: "u1",
    name: "Ana",
    email: "ana@acme.org",
    tenant_id: "t1",
    organisation: "Acme",
    role: "owner",
    scopes: [],
    bound_to: null,
    memberships: [],
  } as const;
  return { access_token: token, expires_at: NOW + seconds, me };
}

let store: SessionStore;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW * 1000 });
  store = new SessionStore();
  setAuthority(store);
});

afterEach(() => {
  store.forget();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("starts from the cookie", async () => {
  const log = serve(() => ({ body: signedIn("one") }));
  expect(store.get().status).toBe("starting");
  await store.start();
  expect(store.get()).toMatchObject({ status: "in", signedIn: { me: { name: "Ana" } } });
  expect(log).toMatchObject([{ method: "POST", path: "/api/session/refresh" }]);
});

test("is out without a cookie", async () => {
  serve(() => problem(401, "unauthenticated"));
  await store.start();
  expect(store.get()).toEqual({ status: "out", signedIn: null });
});

test("calls that fail together share one refresh and all succeed", async () => {
  store.accept(signedIn("old"));
  const log = serve(({ path, headers }) => {
    if (path === "/api/session/refresh") return { body: signedIn("new") };
    return headers.get("Authorization") === "Bearer new" ? { body: path } : problem(401, "unauthenticated");
  });
  const answers = await Promise.all([api.get("/a"), api.get("/b"), api.get("/c")]);
  expect(answers).toEqual(["/api/a", "/api/b", "/api/c"]);
  expect(log.filter(({ path }) => path === "/api/session/refresh")).toHaveLength(1);
});

test("a call that was refused with an older token uses the newer one without another refresh", async () => {
  store.accept(signedIn("new"));
  const log = serve(() => ({ body: signedIn("never") }));
  await expect(store.refresh("old")).resolves.toBe(true);
  expect(log).toHaveLength(0);
});

test("renews a minute before the token ends", async () => {
  const log = serve(() => ({ body: signedIn("two") }));
  store.accept(signedIn("one", 600));
  await vi.advanceTimersByTimeAsync(539_000);
  expect(log).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(store.token()).toBe("two");
});

test("a refused refresh signs out, and says so to who listens", async () => {
  serve(() => problem(401, "unauthenticated"));
  store.accept(signedIn("one"));
  const heard: string[] = [];
  store.subscribe(({ status }) => heard.push(status));
  await expect(store.refresh("one")).resolves.toBe(false);
  expect(heard).toEqual(["out"]);
});

test("a server that is away signs nobody out; it is asked again", async () => {
  let away = true;
  serve(() => (away ? { status: 503 } : { body: signedIn("two") }));
  store.accept(signedIn("one"));
  await store.refresh("one");
  expect(store.token()).toBe("one");
  away = false;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(store.token()).toBe("two");
});

test("before anybody is known, a server that is away is said to be unreachable", async () => {
  serve(() => ({ status: 502 }));
  await store.start();
  expect(store.get().status).toBe("unreachable");
});

test("signing out ends here whatever the server answers", async () => {
  serve(() => ({ status: 503 }));
  store.accept(signedIn("one"));
  await expect(store.signOut()).rejects.toMatchObject({ status: 503 });
  expect(store.get().status).toBe("out");
});

test("the token's own times decide how long it lives, not this machine's clock", () => {
  const claims = btoa(JSON.stringify({ iat: 1000, exp: 1600 }));
  expect(lifetime({ ...signedIn(`h.${claims}.s`), expires_at: 1600 })).toBe(600);
  expect(lifetime(signedIn("opaque", 90))).toBe(90);
});
