import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RoomEvent, RoomState } from "../wire.gen";
import { apply, evolve } from "./state";

interface Golden {
  initial: RoomState;
  events: { seq: number; event: RoomEvent }[];
  /** After each event; of a long story, after the last ones only. */
  states: RoomState[];
}

const folder = join(import.meta.dirname, "../../../tests/golden/rooms");
const names = readdirSync(folder).filter((name) => name.endsWith(".json"));

describe("evolve", () => {
  it("finds the golden files that the Python twin wrote", () => {
    expect(names.length).toBeGreaterThan(0);
  });

  it.each(names)("agrees with the server on %s", (name) => {
    const golden = JSON.parse(readFileSync(join(folder, name), "utf8")) as Golden;
    let state = golden.initial;
    const skipped = golden.events.length - golden.states.length;
    golden.events.forEach(({ seq, event }, index) => {
      state = evolve(state, seq, event);
      if (index < skipped) return;
      expect(state, `after event ${seq}, ${event.kind}`).toEqual(golden.states[index - skipped]);
    });
  });

  it("changes only the number for a kind of a newer server, and for a hidden entry", () => {
    const golden = JSON.parse(readFileSync(join(folder, names[0] ?? ""), "utf8")) as Golden;
    const state = golden.states.at(-1) ?? golden.initial;
    const newer = { kind: "comet_seen" } as unknown as RoomEvent;
    expect(evolve(state, state.seq + 1, newer)).toEqual({ ...state, seq: state.seq + 1 });
    expect(apply(state, { seq: state.seq + 1, payload: null })).toEqual({ ...state, seq: state.seq + 1 });
  });

  it("does not change the state that it was given", () => {
    const golden = JSON.parse(readFileSync(join(folder, names[0] ?? ""), "utf8")) as Golden;
    const before = structuredClone(golden.initial);
    golden.events.reduce((state, { seq, event }) => evolve(state, seq, event), golden.initial);
    expect(golden.initial).toEqual(before);
  });
});
