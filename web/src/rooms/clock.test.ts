import { describe, expect, it } from "vitest";
import type { Person, RoomState } from "../wire.gen";
import { clockText, turnClock } from "./clock";
import { backOff, Gateways } from "./gateways";
import { iconAddress } from "./pageSigns";
import { ServerClock } from "./serverClock";
import { handsInOrder, loudestFirst, mayAct, mayType, nextDriver, peopleInOrder, waiting } from "./state";
import { ANA, openState } from "./testing/state";

function person(id: string, changes: Partial<Person> = {}): Person {
  return { ...(openState().people[ANA] as Person), id, name: id, role: "participant", ...changes };
}

/** Ana drives, Bea navigates, Cid, Dan and Eve follow. */
function turning(changes: Partial<RoomState["rotation"]> = {}, people: Partial<Record<string, Partial<Person>>> = {}): RoomState {
  const ids = ["ana", "bea", "cid", "dan", "eve"];
  return {
    ...openState(),
    people: Object.fromEntries(ids.map((id) => [id, person(id, people[id])])),
    lease: { epoch: 1, holder: "ana" },
    rotation: {
      ...openState().rotation,
      status: "running",
      order: ["dan", "ana", "bea", "cid"],
      driver: "ana",
      navigator: "bea",
      ends_at: 1000,
      turn: 1,
      ...changes,
    },
  };
}

describe("the turn's clock", () => {
  it("counts down to the bell by the server's time", () => {
    expect(turnClock(turning(), null, 880)).toMatchObject({ left: 120, fraction: 0.5, text: "2:00", isSoon: false });
    expect(turnClock(turning(), null, 1005)).toMatchObject({ left: 0, text: "0:00" });
    expect(turnClock(openState(), null, 5)).toMatchObject({ status: "idle", left: null, text: "" });
    expect(turnClock(turning({ status: "paused", ends_at: null, remaining: 61 }), "bea", 5)).toMatchObject({ text: "1:01", isSoon: false });
  });

  it("tells only the next driver, 30 seconds before, or at the last quarter of a short turn", () => {
    expect(turnClock(turning(), "bea", 969)).toMatchObject({ isSoon: false, amNext: false });
    expect(turnClock(turning(), "bea", 971)).toMatchObject({ isSoon: true, amNext: true });
    expect(turnClock(turning(), "cid", 971)).toMatchObject({ isSoon: true, amNext: false });
    expect(turnClock(turning({ turn_seconds: 20 }), "bea", 994).amNext).toBe(false);
    expect(turnClock(turning({ turn_seconds: 20 }), "bea", 996).amNext).toBe(true);
  });

  it("reads like a clock", () => {
    expect([0, 0.2, 59.5, 61, 3600].map(clockText)).toEqual(["0:00", "0:01", "1:00", "1:01", "1:00:00"]);
  });

  it("is in the icon, with the light's own shape", () => {
    expect(new Set((["green", "red", "amber", "timeout", "none"] as const).map((light) => iconAddress(light, 12))).size).toBe(5);
    expect(decodeURIComponent(iconAddress("green", null))).not.toContain("dasharray");
  });
});

describe("who is who", () => {
  it("sorts driver, navigator, the order, then hands, then names", () => {
    const state = turning({}, { eve: { hand_at: 5 }, dan: { hand_at: 9 } });
    const gus = { ...state, people: { ...state.people, abe: person("abe"), gone: person("gone", { presence: "gone" }) } };
    expect(peopleInOrder(gus).map(({ id }) => id)).toEqual(["ana", "bea", "dan", "cid", "eve", "abe"]);
    expect(handsInOrder(gus).map(({ id }) => id)).toEqual(["eve", "dan"]);
    expect(waiting({ ...gus, people: { w: person("w", { presence: "waiting" }) } })).toHaveLength(1);
  });

  it("passes over who cannot drive next", () => {
    expect(nextDriver(turning())?.id).toBe("bea");
    expect(nextDriver(turning({}, { bea: { presence: "reconnecting" } }))?.id).toBe("cid");
    expect(nextDriver(turning({}, { bea: { presence: "gone" }, cid: { role: "spectator" } }))?.id).toBe("dan");
    expect(nextDriver(turning({ order: ["ana"] }))).toBeNull();
  });

  it("knows who may type, and why not", () => {
    expect(mayType(turning(), "ana")).toEqual({ may: true });
    expect(mayType(turning(), "bea")).toEqual({ may: false, why: "turn" });
    expect(mayType({ ...turning(), lease: { epoch: 2, holder: null } }, "bea")).toEqual({ may: true });
    expect(mayType(turning({}, { bea: { role: "spectator" } }), "bea")).toEqual({ may: false, why: "spectator" });
    expect(mayType({ ...turning(), is_open: false }, "ana")).toEqual({ may: false, why: "closed" });
    expect(mayType(turning(), "nobody")).toEqual({ may: false, why: "absent" });
    expect(mayAct(turning({}, { bea: { role: "cohost" } }), "bea")).toBe(true);
    expect(mayAct(turning(), "bea")).toBe(false);
  });

  it("puts the loudest first, then hands, then names", () => {
    const people = [person("zoe"), person("bob", { hand_at: 2 }), person("amy"), person("lou")];
    const order = loudestFirst(people, new Map([["lou", 0.5], ["amy", 0.01]]));
    expect(order.map(({ id }) => id)).toEqual(["lou", "bob", "amy", "zoe"]);
  });
});

describe("the way to the server", () => {
  it("always begins with the same gateway for a room, and walks all of them", () => {
    const list = ["a", "b", "c"];
    const walk = new Gateways("room 1", list, "own");
    const seen = list.map(() => {
      const now = walk.current;
      walk.next();
      return now;
    });
    expect([...seen].sort()).toEqual(list);
    expect(new Gateways("room 1", list, "own").current).toBe(seen[0]);
    expect(new Gateways("room 1", [], "own").current).toBe("own");
  });

  it("waits longer each time, to at most five seconds", () => {
    expect(backOff(0, () => 1)).toBeCloseTo(0.3);
    expect(backOff(2, () => 0)).toBeCloseTo(0.6);
    expect(backOff(99, () => 1)).toBe(5);
  });

  it("believes the shortest round trip, and never a clock behind what has arrived", () => {
    let now = 1000;
    const clock = new ServerClock(() => now);
    clock.sample(1101, 1000, 1002);
    expect(clock.now()).toBe(1100);
    clock.sample(1500, 1000, 1010);
    expect(clock.now()).toBe(1100);
    clock.sample(1100.1, 1000, 1000.2);
    expect(clock.now()).toBeCloseTo(1100);
    now = 1001;
    clock.bound(1102, 1001);
    expect(clock.now()).toBe(1102);
  });
});
