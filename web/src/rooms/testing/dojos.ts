/** A dojo as a page sees it, with no line to anywhere: what is asked of it is written down. */
import type { RoomState } from "../../wire.gen";
import type { Ack, Dojo } from "../protocol";

export interface TestDojo extends Dojo {
  state: RoomState;
  asked: { name: string; payload: object }[];
}

export function testDojo(state: RoomState, myId = "a", answer: Ack = { ok: true, data: { seq: 4 } }): TestDojo {
  const asked: TestDojo["asked"] = [];
  return {
    roomId: state.room_id,
    status: "in",
    since: 0,
    state,
    myId,
    me: state.people[myId] ?? null,
    problem: null,
    signals: [],
    queued: 0,
    recent: [],
    roundTrip: 0.01,
    isDegraded: false,
    serverNow: () => 1000,
    command: (name, payload) => {
      asked.push({ name, payload });
      return Promise.resolve(answer);
    },
    knock: () => undefined,
    leave: () => Promise.resolve(),
    asked,
  };
}
