import { render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import type { Entry } from "../protocol";
import { testDojo } from "../testing/dojos";
import { person, roomState, running } from "../testing/state";
import { Bell } from "./Bell";

const PEOPLE = [person("a", "Ana", { role: "host" }), person("b", "Bo"), person("c", "Caio")];

const turn = (seq: number, driver: string, navigator: string | null): Entry => ({
  room_id: "room",
  epoch: 1,
  seq,
  op_id: null,
  kind: "turn_started",
  actor_id: null,
  at: 1000,
  payload: {
    kind: "turn_started",
    turn: 2,
    driver,
    navigator,
    lease_epoch: 2,
    ends_at: 1240,
    turn_seconds: 240,
    reason: "bell",
    skipped: ["c"],
  },
});

test("the bell names driver and navigator, who was skipped, and calls the driver", () => {
  const state = roomState(PEOPLE);
  const dojo = testDojo(state, "a");
  const onMyTurn = vi.fn();
  const { rerender } = render(<Bell dojo={dojo} state={state} onMyTurn={onMyTurn} />);
  expect(screen.getByTestId("bell")).toBeEmptyDOMElement();
  const after = { ...state, seq: 6 };
  rerender(<Bell dojo={{ ...dojo, state: after, recent: [turn(6, "a", "b")] }} state={after} onMyTurn={onMyTurn} />);
  expect(screen.getByTestId("bell")).toHaveTextContent("Ana drives, Bo navigates");
  expect(screen.getByTestId("bell")).toHaveTextContent("Not here and skipped: Caio.");
  expect(onMyTurn).toHaveBeenCalledOnce();
});

test("turns from before one came are no news", () => {
  const state = roomState(PEOPLE, { seq: 6 });
  const onMyTurn = vi.fn();
  render(<Bell dojo={{ ...testDojo(state, "a"), recent: [turn(6, "a", "b")] }} state={state} onMyTurn={onMyTurn} />);
  expect(screen.getByTestId("bell")).toBeEmptyDOMElement();
  expect(onMyTurn).not.toHaveBeenCalled();
});

test("only the next driver is told", () => {
  const state = roomState(PEOPLE, { rotation: running(["a", "b", "c"], "a", "b", 10) });
  const { unmount } = render(<Bell dojo={testDojo(state, "b")} state={state} onMyTurn={() => undefined} />);
  expect(screen.getByTestId("you-are-next")).toHaveTextContent("You are next");
  unmount();
  render(<Bell dojo={testDojo(state, "c")} state={state} onMyTurn={() => undefined} />);
  expect(screen.getByTestId("you-are-next")).toBeEmptyDOMElement();
});
