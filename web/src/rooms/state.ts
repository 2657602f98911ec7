/**
 * The dojo's live state, folded from its numbered events: `evolve` is pure and total.
 *
 * Twin of `rooms/state/fold.py`; the golden files in `tests/golden/rooms` feed both.
 */
import type { Person, RoomEvent, RoomState, Rotation } from "../wire.gen";
import type { Entry } from "./protocol";

export * from "./selectors";

export const CHAT_KEPT = 200;
export const LIGHTS_KEPT = 30;

type Kind = RoomEvent["kind"];
type Handlers = { [K in Kind]: (state: RoomState, event: Extract<RoomEvent, { kind: K }>) => RoomState };

/** The state after `event`, which has the number `seq`. About someone unknown, or of a newer kind, it changes only `seq`. */
export function evolve(state: RoomState, seq: number, event: RoomEvent): RoomState {
  const handler = handlers[event.kind] as ((state: RoomState, event: RoomEvent) => RoomState) | undefined;
  return { ...(handler === undefined ? state : handler(state, event)), seq };
}

/** The state after one entry of the log: a hidden one counts only its number. */
export function apply(state: RoomState, entry: Pick<Entry, "seq" | "payload">): RoomState {
  return entry.payload === null ? { ...state, seq: entry.seq } : evolve(state, entry.seq, entry.payload);
}

const handlers: Handlers = {
  // ── the session ─────────────────────────────────────────────────────────────────────────────
  session_opened: (state, event) => ({
    room_id: state.room_id,
    epoch: state.epoch,
    seq: state.seq,
    is_open: true,
    session_id: event.session_id,
    document_id: event.document_id,
    owner_id: event.owner_id,
    name: event.name,
    kata: event.kata,
    language: event.language,
    access: event.access,
    capacity: event.capacity,
    opened_at: event.at,
    opened_seq: state.seq + 1,
    phase: "code",
    people: {},
    banned: state.banned,
    rotation: idle({ order: [], turn: 0, turn_seconds: event.turn_seconds }),
    lease: { epoch: state.lease.epoch, holder: null },
    files: event.files,
    lights: [],
    chat: [],
    keyboard_asked: [],
    empty_since: event.at,
  }),
  session_closed: (state) => {
    const stayed = Object.values(state.people).filter((person) => person.presence !== "waiting");
    const gone = stayed.map((person): [string, Person] => [
      person.id,
      { ...person, presence: "gone", hand_at: null, lost_until: null },
    ]);
    return {
      ...state,
      is_open: false,
      people: Object.fromEntries(gone),
      rotation: idle(state.rotation),
      lease: { epoch: state.lease.epoch + 1, holder: null },
      keyboard_asked: [],
      empty_since: null,
    };
  },
  phase_changed: (state, event) => ({ ...state, phase: event.phase }),
  settings_changed: (state, event) => ({
    ...state,
    name: event.name,
    access: event.access,
    capacity: event.capacity,
    rotation: { ...state.rotation, turn_seconds: event.turn_seconds },
  }),

  // ── people ──────────────────────────────────────────────────────────────────────────────────
  person_knocked: (state, event) =>
    put(state, {
      id: event.person_id,
      name: event.name,
      guest: event.guest,
      role: "participant",
      presence: "waiting",
      device: event.device,
      joined_at: event.at,
      hand_at: null,
      may_speak: true,
      lost_until: null,
    }),
  person_admitted: (state, event) => {
    if (known(state, event.person_id) === undefined) return state;
    const changed = withPerson(state, event.person_id, { presence: "reconnecting", lost_until: event.until });
    return { ...changed, empty_since: null };
  },
  person_denied: (state, event) => withoutPerson(state, event.person_id),
  person_entered: (state, event) => {
    const before = known(state, event.person_id);
    const person: Person = {
      id: event.person_id,
      name: event.name,
      guest: event.guest,
      role: event.role,
      presence: "here",
      device: event.device,
      joined_at: before?.joined_at ?? event.at,
      hand_at: before?.hand_at ?? null,
      may_speak: before?.may_speak ?? true,
      lost_until: null,
    };
    return { ...put(state, person), empty_since: null };
  },
  person_lost: (state, event) =>
    withPerson(state, event.person_id, { presence: "reconnecting", lost_until: event.until }),
  person_left: (state, event) => {
    const before = known(state, event.person_id);
    if (before === undefined || before.presence === "waiting") return withoutPerson(state, event.person_id);
    const left = withPerson(state, event.person_id, { presence: "gone", hand_at: null, lost_until: null });
    return perhapsEmpty(letGo(left, event.person_id), event.at);
  },
  person_removed: (state, event) => {
    const isNew = event.banned && !state.banned.includes(event.person_id);
    const removed = letGo(withoutPerson(state, event.person_id), event.person_id);
    const order = removed.rotation.order.filter((id) => id !== event.person_id);
    const banned = isNew ? [...state.banned, event.person_id] : state.banned;
    return perhapsEmpty({ ...removed, banned, rotation: { ...removed.rotation, order } }, event.at);
  },
  away_changed: (state, event) => {
    const presence = known(state, event.person_id)?.presence;
    if (presence !== "here" && presence !== "away") return state;
    return withPerson(state, event.person_id, { presence: event.away ? "away" : "here" });
  },
  role_changed: (state, event) => withPerson(state, event.person_id, { role: event.role }),
  hand_changed: (state, event) => withPerson(state, event.person_id, { hand_at: event.raised ? event.at : null }),
  speech_changed: (state, event) => withPerson(state, event.person_id, { may_speak: event.may_speak }),

  // ── the rotation ────────────────────────────────────────────────────────────────────────────
  rotation_ordered: (state, event) => ({ ...state, rotation: { ...state.rotation, order: event.order } }),
  turn_started: (state, event) => ({
    ...state,
    rotation: {
      status: "running",
      order: state.rotation.order,
      turn: event.turn,
      turn_seconds: event.turn_seconds,
      driver: event.driver,
      navigator: event.navigator,
      ends_at: event.ends_at,
      remaining: null,
    },
    lease: { epoch: event.lease_epoch, holder: event.driver },
    keyboard_asked: [],
  }),
  rotation_paused: (state, event) => ({
    ...state,
    rotation: { ...state.rotation, status: "paused", ends_at: null, remaining: event.remaining },
  }),
  rotation_resumed: (state, event) => ({
    ...state,
    rotation: { ...state.rotation, status: "running", ends_at: event.ends_at, remaining: null },
  }),
  turn_extended: (state, event) => ({
    ...state,
    rotation: { ...state.rotation, ends_at: event.ends_at, remaining: event.remaining },
  }),
  rotation_stopped: (state, event) => ({
    ...state,
    rotation: idle(state.rotation),
    lease: { epoch: event.lease_epoch, holder: null },
    keyboard_asked: [],
  }),
  keyboard_asked: (state, event) => {
    if (state.keyboard_asked.includes(event.person_id)) return state;
    return { ...state, keyboard_asked: [...state.keyboard_asked, event.person_id] };
  },

  // ── what is made ────────────────────────────────────────────────────────────────────────────
  chat_sent: (state, event) => ({ ...state, chat: [...state.chat, event.message].slice(-CHAT_KEPT) }),
  light_reported: (state, event) => ({ ...state, lights: [...state.lights, event.light].slice(-LIGHTS_KEPT) }),
  file_added: (state, event) => ({ ...state, files: [...state.files, event.file] }),
  file_renamed: (state, event) => ({
    ...state,
    files: state.files.map((file) => (file.id === event.file.id ? event.file : file)),
  }),
  file_removed: (state, event) => ({ ...state, files: state.files.filter((file) => file.id !== event.file_id) }),
};

// ── small steps that several events share ─────────────────────────────────────────────────────

function known(state: RoomState, id: string): Person | undefined {
  return Object.hasOwn(state.people, id) ? state.people[id] : undefined;
}

function put(state: RoomState, person: Person): RoomState {
  return { ...state, people: { ...state.people, [person.id]: person } };
}

function withPerson(state: RoomState, id: string, changes: Partial<Person>): RoomState {
  const person = known(state, id);
  return person === undefined ? state : put(state, { ...person, ...changes });
}

function withoutPerson(state: RoomState, id: string): RoomState {
  const people = Object.fromEntries(Object.entries(state.people).filter(([key]) => key !== id));
  return { ...state, people };
}

/** Without what someone who is no longer here was about to do; the driver's seat is moved by a turn. */
function letGo(state: RoomState, id: string): RoomState {
  const navigator = state.rotation.navigator === id ? null : state.rotation.navigator;
  return {
    ...state,
    keyboard_asked: state.keyboard_asked.filter((other) => other !== id),
    rotation: { ...state.rotation, navigator },
  };
}

function perhapsEmpty(state: RoomState, at: number): RoomState {
  const isSeated = Object.values(state.people).some(
    (person) => person.presence !== "waiting" && person.presence !== "gone",
  );
  return !state.is_open || state.empty_since !== null || isSeated ? state : { ...state, empty_since: at };
}

/** Nobody drives; order and count of turns stay. */
function idle(rotation: Pick<Rotation, "order" | "turn" | "turn_seconds">): Rotation {
  const { order, turn, turn_seconds } = rotation;
  return {
    status: "idle",
    order,
    turn,
    turn_seconds,
    driver: null,
    navigator: null,
    ends_at: null,
    remaining: null,
  };
}
