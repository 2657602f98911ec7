/** A dojo's state for tests. */
import type { RoomState } from "../../wire.gen";

export const ROOM = "01900000-0000-7000-8000-000000000001";
export const ANA = "01900000-0000-7000-8000-000000000010";

/** An open dojo with one person, Ana, who hosts it. */
export function openState(): RoomState {
  return {
    room_id: ROOM,
    epoch: 1,
    seq: 3,
    is_open: true,
    session_id: "01900000-0000-7000-8000-000000000002",
    document_id: "01900000-0000-7000-8000-000000000003",
    owner_id: ANA,
    name: "FizzBuzz",
    kata: "fizzbuzz",
    language: "python",
    access: "link",
    capacity: 30,
    opened_at: 1,
    phase: "code",
    people: {
      [ANA]: {
        id: ANA,
        name: "Ana",
        guest: false,
        role: "host",
        presence: "here",
        device: "desktop",
        joined_at: 1,
        hand_at: null,
        may_speak: true,
        lost_until: null,
      },
    },
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
  };
}
