/** Dojos' states for tests. */
import type { Person, RoomState } from "../../wire.gen";

export const ROOM = "01900000-0000-7000-8000-000000000001";
export const ANA = "01900000-0000-7000-8000-000000000010";

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

/** An open dojo with these people; the first one's it is, and they arrived in the order of their ids' first letters. */
export function roomState(people: readonly Person[], more: Partial<RoomState> = {}): RoomState {
  return {
    room_id: ROOM,
    epoch: 1,
    seq: 3,
    is_open: true,
    session_id: "01900000-0000-7000-8000-000000000002",
    document_id: "01900000-0000-7000-8000-000000000003",
    owner_id: people[0]?.id ?? ANA,
    name: "FizzBuzz",
    kata: "fizzbuzz",
    language: "python",
    access: "link",
    capacity: 30,
    opened_seq: 1,
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

/** An open dojo with one person, Ana, who hosts it. */
export function openState(): RoomState {
  return roomState([person(ANA, "Ana", { role: "host" })]);
}

/** A rotation that runs: `driver`, then `navigator`, with `left` seconds at server time 1000. */
export function running(order: readonly string[], driver: string, navigator: string | null, left = 90): RoomState["rotation"] {
  return { status: "running", order, turn: 1, turn_seconds: 240, driver, navigator, ends_at: 1000 + left, remaining: null };
}
