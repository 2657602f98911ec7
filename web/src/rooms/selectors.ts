/** Pure questions about a dojo's state. */
import type { Person, RoomState } from "../wire.gen";

/** Why someone may not type; `turn` names the driver whose turn it is. */
export type NoTyping = "spectator" | "turn" | "closed" | "absent";

/** Whether someone holds a seat: here, away, or coming back. */
export function isInside(person: Person): boolean {
  return person.presence === "here" || person.presence === "away" || person.presence === "reconnecting";
}

/** The people with a seat: driver, navigator, the rotation's order, hands as they went up, then names. */
export function peopleInOrder(state: RoomState): Person[] {
  const { driver, navigator, order, status } = state.rotation;
  const seat = (person: Person): number => {
    if (status !== "idle" && person.id === driver) return -2;
    if (status !== "idle" && person.id === navigator) return -1;
    const place = order.indexOf(person.id);
    return place < 0 ? order.length : place;
  };
  const hand = (person: Person): number => person.hand_at ?? Number.POSITIVE_INFINITY;
  return Object.values(state.people)
    .filter(isInside)
    .sort(
      (a, b) =>
        seat(a) - seat(b) ||
        compare(hand(a), hand(b)) ||
        a.name.localeCompare(b.name) ||
        compare(a.id, b.id),
    );
}

/** Who waits in the lobby, first come first. */
export function waiting(state: RoomState): Person[] {
  return Object.values(state.people)
    .filter((person) => person.presence === "waiting")
    .sort((a, b) => compare(a.joined_at, b.joined_at) || compare(a.id, b.id));
}

/** Whose hands are up, the longest first. */
export function handsInOrder(state: RoomState): Person[] {
  return Object.values(state.people)
    .filter((person) => isInside(person) && person.hand_at !== null)
    .sort((a, b) => compare(a.hand_at ?? 0, b.hand_at ?? 0) || compare(a.id, b.id));
}

/** Who drives after the present driver, as the server would choose now; null when nobody else is here. */
export function nextDriver(state: RoomState): Person | null {
  const { order, driver } = state.rotation;
  const from = driver === null ? -1 : order.indexOf(driver);
  for (let step = 1; step <= order.length; step += 1) {
    const id = order[(from + step + order.length) % order.length];
    const person = id === undefined ? undefined : state.people[id];
    if (person === undefined || person.id === driver) continue;
    const isPresent = person.presence === "here" || person.presence === "away";
    if (isPresent && person.role !== "spectator") return person;
  }
  return null;
}

/** Whether I may type now, else why not. The server decides again on every edit. */
export function mayType(state: RoomState, myId: string | null): { may: true } | { may: false; why: NoTyping } {
  const me = myId === null ? undefined : state.people[myId];
  if (!state.is_open) return { may: false, why: "closed" };
  if (me === undefined || !isInside(me)) return { may: false, why: "absent" };
  if (me.role === "spectator") return { may: false, why: "spectator" };
  if (state.lease.holder !== null && state.lease.holder !== me.id) return { may: false, why: "turn" };
  return { may: true };
}

/** Whether I may add, rename and remove files and report lights now: with the keyboard, or running the dojo. */
export function mayAct(state: RoomState, myId: string | null): boolean {
  const me = myId === null ? null : (state.people[myId] ?? null);
  const may = mayType(state, myId);
  return may.may || (may.why === "turn" && isHost(me));
}

/** Seconds left of the turn, not negative; null when no turn runs. */
export function timeLeft(state: RoomState, serverNow: number): number | null {
  const { status, ends_at: endsAt, remaining } = state.rotation;
  if (status === "running" && endsAt !== null) return Math.max(0, endsAt - serverNow);
  if (status === "paused" && remaining !== null) return Math.max(0, remaining);
  return null;
}

/** The latest light, or null before the first run. */
export function lastLight(state: RoomState): RoomState["lights"][number] | null {
  return state.lights.at(-1) ?? null;
}

/** Whether they may run the dojo: admit, rotate, mute, close. */
export function isHost(person: Person | null): boolean {
  return person?.role === "host" || person?.role === "cohost";
}

/**
 * The order of the video tiles: loudest first, then hands as they went up, then names.
 *
 * @param levels loudness from 0 to 1 by person; below 0.02 counts as silence.
 */
export function loudestFirst(people: readonly Person[], levels: ReadonlyMap<string, number>): Person[] {
  const level = (person: Person): number => {
    const value = levels.get(person.id) ?? 0;
    return value < 0.02 ? 0 : value;
  };
  const hand = (person: Person): number => person.hand_at ?? Number.POSITIVE_INFINITY;
  return [...people].sort(
    (a, b) =>
      level(b) - level(a) || compare(hand(a), hand(b)) || a.name.localeCompare(b.name) || compare(a.id, b.id),
  );
}

function compare<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
