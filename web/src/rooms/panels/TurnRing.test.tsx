import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { person, roomState, running } from "../testing/state";
import { TurnRing } from "./TurnRing";

const ANA = person("a", "Ana", { role: "host" });
const BO = person("b", "Bo");
const now = (): number => 1000;

test("everybody may type while no rotation runs", () => {
  render(<TurnRing state={roomState([ANA, BO])} myId="a" serverNow={now} />);
  expect(screen.getByText("Everybody may type")).toBeInTheDocument();
});

test("the ring names the driver, the navigator and the time left", () => {
  const state = roomState([ANA, BO], { rotation: running(["a", "b"], "a", "b", 90) });
  render(<TurnRing state={state} myId="b" serverNow={now} />);
  expect(screen.getByRole("timer", { name: "Ana drives, 1:30 left" })).toHaveTextContent("1:30");
  expect(screen.getByText("Ana drives")).toBeInTheDocument();
  expect(screen.getByText("Bo navigates")).toBeInTheDocument();
});

test("who drives is told so, and the last seconds are marked", () => {
  const state = roomState([ANA, BO], { rotation: running(["a", "b"], "a", "b", 12) });
  render(<TurnRing state={state} myId="a" serverNow={now} />);
  expect(screen.getByText("You drive")).toBeInTheDocument();
  expect(screen.getByRole("timer")).toHaveAttribute("data-soon", "true");
});

test("a paused turn stands", () => {
  const rotation = { ...running(["a", "b"], "a", "b"), status: "paused" as const, ends_at: null, remaining: 61 };
  render(<TurnRing state={roomState([ANA, BO], { rotation })} myId="b" serverNow={now} />);
  expect(screen.getByRole("timer", { name: "Ana drives, paused with 1:01 left" })).toBeInTheDocument();
  expect(screen.getByText("Paused")).toBeInTheDocument();
});
