// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DojoConnection } from "./dojo";
import type { Waiting } from "./outbox";
import type { Ack, Dojo } from "./protocol";
import { Gateway } from "./testing/gateway";
import { ANA, ROOM } from "./testing/state";

let gateway: Gateway;
let line: DojoConnection | null = null;
/** What went over HTTP, and the answers that it gets before good ones. */
let posted: Waiting["body"][] = [];
let refusals: Ack[] = [];
const tokens = new Set<(token: string | null) => void>();

const until = <T>(act: () => T): Promise<T> => vi.waitFor(act, { timeout: 8000, interval: 10 });
const see = (): Dojo => {
  if (line === null) throw new Error("no line");
  return line.snapshot();
};
const untilStatus = (status: Dojo["status"]): Promise<void> => until(() => expect(see().status).toBe(status));

function dial(gateways: readonly string[] = [gateway.address]): DojoConnection {
  line = new DojoConnection({
    roomId: ROOM,
    credentials: {
      token: (stale) => Promise.resolve(stale === null ? "first" : "second"),
      subscribe: (listener) => {
        tokens.add(listener);
        return () => tokens.delete(listener);
      },
      myId: () => ANA,
    },
    gateways: () => Promise.resolve(gateways),
    post: ({ body }) => {
      posted.push(body);
      return Promise.resolve(refusals.shift() ?? { ok: true, data: { seq: 4 } });
    },
    origin: "http://127.0.0.1:9",
    device: "desktop",
    patience: 0.4,
    knockEvery: 0.1,
  });
  line.start();
  return line;
}

const chats = (): string[] => see().state?.chat.map(({ text }) => text) ?? [];
const problem = (code: string, status: number) =>
  ({ ok: false, problem: { type: "", title: code, status, code, detail: "", retry_after: null, errors: [] } }) as const;

beforeEach(async () => {
  gateway = await new Gateway().start();
  posted = [];
  refusals = [];
});

afterEach(async () => {
  line?.stop();
  line = null;
  tokens.clear();
  await gateway.stop();
});

describe("coming in", () => {
  it("takes the snapshot, who I am and the server's clock", async () => {
    dial();
    await untilStatus("in");
    expect(see().me?.name).toBe("Ana");
    expect(see().serverNow() - Date.now() / 1000).toBeCloseTo(100, 0);
    expect(gateway.received[0]?.token).toBe("first");
  });

  it("waits in the lobby, and comes in when it is let in", async () => {
    gateway.door = "waiting";
    dial();
    await untilStatus("waiting");
    await until(() => expect(gateway.told("room:enter").length).toBeGreaterThan(2));
    gateway.door = "in";
    gateway.emit("lobby:changed", { room_id: ROOM, outcome: "admitted" });
    await untilStatus("in");
  });

  it("stays outside after a denial until it knocks again", async () => {
    gateway.door = "waiting";
    const dojo = dial();
    await untilStatus("waiting");
    gateway.emit("lobby:changed", { room_id: ROOM, outcome: "denied" });
    await untilStatus("denied");
    gateway.door = "in";
    dojo.knock();
    await untilStatus("in");
  });

  it("says why it was refused", async () => {
    gateway.answers.set("room:enter", problem("dojo-full", 409));
    dial();
    await untilStatus("refused");
    expect(see().problem?.code).toBe("dojo-full");
  });

  it("asks again with a newer token when the server takes the old one no more", async () => {
    gateway.answers.set("room:enter", problem("unauthenticated", 401));
    dial();
    await until(() => expect(gateway.received.at(-1)?.token).toBe("second"));
    gateway.answers.clear();
    await untilStatus("in");
  });

  it("says that there are too many windows, asks again, and comes in when there is room", async () => {
    gateway.refusal = problem("too-many", 429).problem;
    dial();
    await until(() => expect(see()).toMatchObject({ status: "connecting", problem: { code: "too-many-windows" } }));
    await until(() => expect(gateway.refused).toBeGreaterThan(1));
    gateway.refusal = null;
    await untilStatus("in");
    expect(see().problem).toBeNull();
  });

  it("goes to the next gateway when one does not answer", async () => {
    dial(["http://127.0.0.1:9", gateway.address]);
    await untilStatus("in");
    line?.stop();
    dial([gateway.address, "http://127.0.0.1:9"]);
    await untilStatus("in");
  });
});

describe("events", () => {
  it("applies them in order, once, and counts hidden ones", async () => {
    dial();
    await untilStatus("in");
    gateway.append({ kind: "phase_changed", phase: "retro", at: 2 });
    gateway.append(null);
    for (const entry of gateway.log) gateway.emit("room:event", { ...entry });
    gateway.append({ kind: "hand_changed", person_id: ANA, raised: true, at: 5 });
    await until(() => expect(see().state).toEqual(gateway.state));
    expect(see().recent.map(({ seq }) => seq)).toEqual([4, 5, 6]);
  });

  it("asks for what it missed when there is a gap", async () => {
    dial();
    await untilStatus("in");
    gateway.append({ kind: "phase_changed", phase: "break", at: 2 }, { tell: false });
    gateway.append({ kind: "phase_changed", phase: "code", at: 3 });
    await until(() => expect(see().state).toEqual(gateway.state));
    expect(gateway.told("room:enter").at(-1)).toMatchObject({ epoch: 1, seq: 3 });
  });

  it("reads all that it missed, page by page, while more happens", async () => {
    dial();
    await untilStatus("in");
    gateway.page = 2;
    for (const at of [1, 2, 3, 4, 5]) gateway.append({ kind: "phase_changed", phase: "break", at }, { tell: false });
    gateway.append({ kind: "phase_changed", phase: "code", at: 6 });
    await until(() => expect(see().state).toEqual(gateway.state));
    const from = gateway.told("room:enter").map(({ seq }) => seq);
    expect(from).toEqual([undefined, 3, 5, 7]);
    expect(see().recent.map(({ seq }) => seq)).toEqual([4, 5, 6, 7, 8, 9]);
  });

  it("takes a new snapshot when the log has another epoch", async () => {
    dial();
    await untilStatus("in");
    gateway.state = { ...gateway.state, epoch: 2, seq: 1, name: "Restored" };
    gateway.emit("room:event", { room_id: ROOM, epoch: 2, seq: 2, at: 0, kind: "hidden", payload: null });
    await until(() => expect(see().state).toEqual(gateway.state));
  });

  it("ends with the session", async () => {
    dial();
    await untilStatus("in");
    gateway.append({ kind: "session_closed", session_id: "s", reason: "host", at: 9 });
    await untilStatus("ended");
    expect(see().state?.is_open).toBe(false);
  });

  it("shows a signal for a moment", async () => {
    dial();
    await untilStatus("in");
    gateway.emit("room:signal", { room_id: ROOM, kind: "reaction", value: "👏", by: ANA });
    await until(() => expect(see().signals[0]?.value).toBe("👏"));
  });
});

describe("a light", () => {
  const light = (size: number) => ({
    light_id: "01900000-0000-7000-8000-000000000020",
    colour: "green" as const,
    seconds: 1,
    passed: 2,
    failed: 0,
    output: "",
    files: [{ name: "large.py", text: "é".repeat(size) }],
  });

  it("goes through the socket as long as its files fit", async () => {
    const dojo = dial();
    await untilStatus("in");
    expect((await dojo.command("light:report", light(20_000))).ok).toBe(true);
    expect(gateway.told("light:report")).toHaveLength(1);
    expect(posted).toEqual([]);
  });

  it("goes over HTTP when they do not, once, however often it is tried", async () => {
    const dojo = dial();
    await untilStatus("in");
    refusals = [problem("unreachable", 0)];
    expect(await dojo.command("light:report", light(25_000))).toEqual({ ok: true, data: { seq: 4 } });
    expect(gateway.told("light:report")).toEqual([]);
    expect(posted).toHaveLength(2);
    expect(posted[0]).toMatchObject({ room_id: ROOM, colour: "green" });
    expect(posted[1]?.op_id).toBe(posted[0]?.op_id);
    expect(see().status).toBe("in");
  });

  it("that HTTP refuses is refused", async () => {
    const dojo = dial();
    await untilStatus("in");
    refusals = [problem("not-your-turn", 409)];
    expect(await dojo.command("light:report", light(25_000))).toMatchObject({ ok: false, problem: { code: "not-your-turn" } });
  });
});

describe("a lost line", () => {
  it("comes back, gets what it missed, and sends what waited in the order it was said", async () => {
    const dojo = dial();
    await untilStatus("in");
    const { port } = gateway;
    await gateway.stop();
    await untilStatus("reconnecting");
    const said = ["one", "two", "three"].map((text) => dojo.command("chat:send", { text }));
    expect(see().queued).toBe(3);
    expect(await dojo.command("signal:send", { kind: "typing" })).toMatchObject({ ok: false });
    gateway.append({ kind: "phase_changed", phase: "retro", at: 2 }, { tell: false });
    await gateway.start(port);
    expect(await Promise.all(said)).toEqual([5, 6, 7].map((seq) => ({ ok: true, data: { seq } })));
    await until(() => expect(see().state).toEqual(gateway.state));
    expect(chats()).toEqual(["one", "two", "three"]);
    expect(see()).toMatchObject({ status: "in", queued: 0 });
  });

  it("comes back when too many windows of its person took its place meanwhile, once one is closed", async () => {
    const dojo = dial();
    await untilStatus("in");
    const { port } = gateway;
    await gateway.stop();
    await untilStatus("reconnecting");
    expect(see().problem).toBeNull();
    const said = dojo.command("chat:send", { text: "kept" });
    gateway.refusal = problem("too-many", 429).problem;
    await gateway.start(port);
    await until(() => expect(see()).toMatchObject({ status: "reconnecting", problem: { code: "too-many-windows" } }));
    gateway.refusal = null;
    expect(await said).toMatchObject({ ok: true });
    expect(see()).toMatchObject({ status: "in", problem: null });
  });

  it("repeats a command that got no answer under the same op_id, and it is done once", async () => {
    const dojo = dial();
    await untilStatus("in");
    gateway.mute.add("chat:send");
    const said = dojo.command("chat:send", { text: "once" });
    await until(() => expect(gateway.told("room:enter").length).toBeGreaterThan(1));
    gateway.mute.clear();
    expect(await said).toEqual({ ok: true, data: { seq: 4 } });
    const ids = gateway.told("chat:send").map(({ op_id }) => op_id);
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids).size).toBe(1);
    await until(() => expect(chats()).toEqual(["once"]));
  });

  it("moves when its gateway drains", async () => {
    const other = await new Gateway().start();
    dial([gateway.address, other.address]);
    await untilStatus("in");
    const [old, next] = gateway.received.length > 0 ? [gateway, other] : [other, gateway];
    old.emit("node:drain", { wait_ms: 20 });
    await until(() => expect(next.told("room:enter")).toHaveLength(1));
    await untilStatus("in");
    await other.stop();
  });

  it("goes where its draining gateway sends it", async () => {
    const other = await new Gateway().start();
    dial([gateway.address]);
    await untilStatus("in");
    gateway.emit("node:drain", { wait_ms: 20, gateways: [gateway.address, other.address] });
    await until(() => expect(other.told("room:enter")).toHaveLength(1));
    await untilStatus("in");
    await other.stop();
  });

  it("knows while its gateway hears the others late, and another one may not", async () => {
    const other = await new Gateway().start();
    dial([gateway.address, other.address]);
    await untilStatus("in");
    expect(see().isDegraded).toBe(false);
    const now = gateway.received.length > 0 ? gateway : other;
    now.emit("node:status", { is_degraded: true });
    await until(() => expect(see().isDegraded).toBe(true));
    now.emit("node:status", { is_degraded: false });
    await until(() => expect(see().isDegraded).toBe(false));
    now.emit("node:status", { is_degraded: true });
    await until(() => expect(see().isDegraded).toBe(true));
    now.emit("node:drain", { wait_ms: 20 });
    await until(() => expect(see().isDegraded).toBe(false));
    await untilStatus("in");
    expect(see().isDegraded).toBe(false);
    await other.stop();
  });

  it("tells the gateway of a newer token", async () => {
    dial();
    await untilStatus("in");
    for (const tell of tokens) tell("third");
    await until(() => expect(gateway.told("session:renew")).toEqual([{ token: "third" }]));
  });
});

describe("the end", () => {
  it.each(["removed", "banned"])("says that one was %s, and does not come back", async (reason) => {
    const dojo = dial();
    await untilStatus("in");
    gateway.emit("room:expelled", { room_id: ROOM, reason });
    await untilStatus("expelled");
    expect(see().problem?.code).toBe(reason);
    expect(await dojo.command("chat:send", { text: "hello" })).toMatchObject({ ok: false, problem: { code: reason } });
  });

  it("ends when one left in another window, and comes in again when asked to", async () => {
    const dojo = dial();
    await untilStatus("in");
    gateway.emit("room:expelled", { room_id: ROOM, reason: "left" });
    await untilStatus("ended");
    expect(see().problem?.code).toBe("left");
    dojo.knock();
    await untilStatus("in");
  });

  it("ends when signed out elsewhere", async () => {
    dial();
    await untilStatus("in");
    gateway.emit("session:ended", {});
    await untilStatus("ended");
    expect(see().problem?.code).toBe("signed-out");
  });

  it("leaves for good", async () => {
    const dojo = dial();
    await untilStatus("in");
    await dojo.leave();
    expect(gateway.told("room:leave")).toHaveLength(1);
    expect(see().status).toBe("ended");
  });
});
