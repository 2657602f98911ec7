/** A dojo as a page sees it, with no line to anywhere: what is asked of it is written down. */
import type { Person, RoomState } from "../../wire.gen";
import type { Ack, Dojo } from "../protocol";

export interface TestDojo extends Dojo {
  state: RoomState;
  asked: { name: string; payload: object }[];
}

export function person(id: string, name: string, more: Partial<Person> = {}): Person {
  return {
    id,
    name,
    guest: false,
    role: "participant",
    presence: "here",
    device: "desktop",
    joined_at: id.charCodeAt(0),
    hand_at: null,
    may_speak: true,
    lost_until: null,
    ...more,
  };
}

/** Ana (a) hosts; the ids are the first letters, and people arrived in their order. */
export function roomState(people: readonly Person[], more: Partial<RoomState> = {}): RoomState {
  return {
    room_id: "room",
    epoch: 1,
    seq: 5,
    is_open: true,
    session_id: "session",
    document_id: "document",
    owner_id: "a",
    name: "FizzBuzz",
    kata: "fizzbuzz",
    language: "python",
    access: "link",
    capacity: 30,
    opened_at: 1,
    phase: "code",
    people: Object.fromEntries(people.map((one) => [one.id, one])),
    banned: [],
    rotation: {
      status: "idle",
      order: [],
      turn: 0,
      turn_seconds: 240,
      driver: null,
      navigator: null,
      ends_at: null,
      remaining: null,
    },
    lease: { epoch: 0, holder: null },
    files: [],
    lights: [],
    chat: [],
    keyboard_asked: [],
    empty_since: null,
    ...more,
  };
}

/** A rotation that runs: `driver`, then `navigator`, with `left` seconds at server time 1000. */
export function running(order: readonly string[], driver: string, navigator: string | null, left = 90): RoomState["rotation"] {
  return { status: "running", order, turn: 1, turn_seconds: 240, driver, navigator, ends_at: 1000 + left, remaining: null };
}

export function testDojo(state: RoomState, myId = "a", answer: Ack = { ok: true, data: { seq: 6 } }): TestDojo {
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
