import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { testDojo, type TestDojo } from "../testing/dojos";
import { person, roomState, running } from "../testing/state";
import { RotationControls } from "./RotationControls";
import { useAsk } from "./useAsk";

const ANA = person("a", "Ana", { role: "host" });
const BO = person("b", "Bo");

function Shown({ dojo }: { dojo: TestDojo }) {
  return <RotationControls dojo={dojo} ask={useAsk(dojo)} />;
}

test("who does not host sees no controls", () => {
  const { container } = render(<Shown dojo={testDojo(roomState([ANA, BO]), "b")} />);
  expect(container).toBeEmptyDOMElement();
});

test("a rotation starts with the dojo's turn length, everybody in it", async () => {
  const dojo = testDojo(roomState([ANA, BO]));
  render(<Shown dojo={dojo} />);
  expect(screen.getByLabelText("Turn length")).toHaveValue("4:00");
  await userEvent.click(screen.getByRole("button", { name: "Start rotation" }));
  expect(dojo.asked).toEqual([{ name: "rotation:start", payload: { turn_seconds: 240, order: ["a", "b"] } }]);
});

test("seconds are possible, nonsense is not", async () => {
  const dojo = testDojo(roomState([ANA, BO]));
  render(<Shown dojo={dojo} />);
  const length = screen.getByLabelText("Turn length");
  await userEvent.clear(length);
  await userEvent.type(length, "soon");
  expect(screen.getByRole("button", { name: "Start rotation" })).toBeDisabled();
  await userEvent.clear(length);
  await userEvent.type(length, "45s{Enter}");
  expect(dojo.asked).toEqual([{ name: "rotation:start", payload: { turn_seconds: 45, order: ["a", "b"] } }]);
});

test("each button of a running rotation asks for its own thing", async () => {
  const dojo = testDojo(roomState([ANA, BO], { rotation: running(["a", "b"], "a", "b") }));
  render(<Shown dojo={dojo} />);
  for (const name of ["Pause", "Extend", "Skip", "Shuffle", "Stop rotation", "Break", "Retro"]) {
    await userEvent.click(screen.getByRole("button", { name }));
  }
  expect(dojo.asked).toEqual([
    { name: "rotation:control", payload: { action: "pause" } },
    { name: "rotation:extend", payload: { seconds: 60 } },
    { name: "rotation:control", payload: { action: "skip" } },
    { name: "rotation:control", payload: { action: "shuffle" } },
    { name: "rotation:control", payload: { action: "stop" } },
    { name: "phase:set", payload: { phase: "break" } },
    { name: "phase:set", payload: { phase: "retro" } },
  ]);
});

test("from a retro the way leads back to code", async () => {
  const dojo = testDojo(roomState([ANA, BO], { phase: "retro" }));
  render(<Shown dojo={dojo} />);
  expect(screen.queryByRole("button", { name: "Retro" })).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Back to code" }));
  expect(dojo.asked).toEqual([{ name: "phase:set", payload: { phase: "code" } }]);
});

test("a paused rotation is resumed", async () => {
  const paused = { ...running(["a", "b"], "a", "b"), status: "paused" as const, ends_at: null, remaining: 42 };
  const dojo = testDojo(roomState([ANA, BO], { rotation: paused }));
  render(<Shown dojo={dojo} />);
  await userEvent.click(screen.getByRole("button", { name: "Resume" }));
  expect(dojo.asked).toEqual([{ name: "rotation:control", payload: { action: "resume" } }]);
});
