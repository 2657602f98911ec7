/** The order of driving as the people's list shows it. */

import type { Person, RoomState } from "../../wire.gen";
import { isInside, peopleInOrder } from "../state";

/** Ids as turns come: the driver first, then whoever follows. Before the first turn: the plan, then by arrival. */
export function turnOrder(state: RoomState): string[] {
  const { order, driver, status } = state.rotation;
  const inside = order.filter((id) => state.people[id] !== undefined);
  if (status === "idle") return [...inside, ...byArrival(state).filter((id) => !inside.includes(id))];
  const from = driver === null ? -1 : inside.indexOf(driver);
  return from <= 0 ? inside : [...inside.slice(from), ...inside.slice(0, from)];
}

function byArrival(state: RoomState): string[] {
  return Object.values(state.people)
    .filter((person) => isInside(person) && person.role !== "spectator")
    .sort((a, b) => a.joined_at - b.joined_at || (a.id < b.id ? -1 : 1))
    .map((person) => person.id);
}

/** Everybody with a seat: as turns come, then those who do not drive. */
export function peopleByTurn(state: RoomState): Person[] {
  const people = peopleInOrder(state);
  const byId = new Map(people.map((person) => [person.id, person]));
  const driving = turnOrder(state).flatMap((id) => byId.get(id) ?? []);
  const rest = people.filter((person) => !driving.includes(person));
  return [...driving, ...rest];
}

/** The order after moving someone to another place; the same list when nothing moves. */
export function moved(order: readonly string[], id: string, to: number): readonly string[] {
  const from = order.indexOf(id);
  const place = Math.max(0, Math.min(order.length - 1, to));
  if (from < 0 || from === place) return order;
  const rest = order.filter((other) => other !== id);
  return [...rest.slice(0, place), id, ...rest.slice(place)];
}
