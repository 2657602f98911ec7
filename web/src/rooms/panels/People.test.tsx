import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { testDojo, type TestDojo } from "../testing/dojos";
import { person, roomState, running } from "../testing/state";
import { People } from "./People";
import { useAsk } from "./useAsk";

const ANA = person("a", "Ana", { role: "host" });
const BO = person("b", "Bo");
const CAIO = person("c", "Caio");
const DANI = person("d", "Dani");

function Shown({ dojo, onWrite = () => undefined }: { dojo: TestDojo; onWrite?: (id: string) => void }) {
  return <People dojo={dojo} ask={useAsk(dojo)} onWrite={onWrite} />;
}

const names = (): (string | null)[] =>
  screen.getAllByRole("listitem").map((row) => row.getAttribute("data-testid")?.replace("person-", "") ?? null);

async function openMenu(name: string): Promise<void> {
  await userEvent.click(screen.getByRole("button", { name: `What to do with ${name}` }));
}

test("the driver is on top, then whoever follows in turns", () => {
  render(<Shown dojo={testDojo(roomState([ANA, BO, CAIO, DANI], { rotation: running(["a", "b", "c", "d"], "c", "d") }))} />);
  expect(names()).toEqual(["Caio", "Dani", "Ana", "Bo"]);
  expect(within(screen.getByTestId("person-Caio")).getByText("Driver")).toBeInTheDocument();
  expect(within(screen.getByTestId("person-Dani")).getByText("Navigator")).toBeInTheDocument();
});

test("hands say their place in the order in which they went up", () => {
  const state = roomState([ANA, { ...BO, hand_at: 20 }, { ...CAIO, hand_at: 10 }]);
  render(<Shown dojo={testDojo(state)} />);
  expect(within(screen.getByTestId("person-Caio")).getByText("Hand up, number 1")).toBeInTheDocument();
  expect(within(screen.getByTestId("person-Bo")).getByText("Hand up, number 2")).toBeInTheDocument();
});

test("away, reconnecting and gone people are said in words", () => {
  const state = roomState([ANA, { ...BO, presence: "away" }, { ...CAIO, presence: "reconnecting" }, { ...DANI, presence: "gone" }]);
  render(<Shown dojo={testDojo(state)} />);
  expect(within(screen.getByTestId("person-Bo")).getByText("away")).toBeInTheDocument();
  expect(within(screen.getByTestId("person-Caio")).getByText("reconnecting")).toBeInTheDocument();
  expect(screen.getByText("Left: Dani")).toBeInTheDocument();
});

test("a host mutes, lowers a hand and changes a role from the menu", async () => {
  const dojo = testDojo(roomState([ANA, { ...BO, hand_at: 10 }]));
  render(<Shown dojo={dojo} />);
  for (const item of ["Mute", "Lower hand", "Make co-host"]) {
    await openMenu("Bo");
    await userEvent.click(screen.getByRole("menuitem", { name: item }));
  }
  expect(dojo.asked).toEqual([
    { name: "person:speech", payload: { person_id: "b", may_speak: false } },
    { name: "hand:set", payload: { raised: false, person_id: "b" } },
    { name: "person:role", payload: { person_id: "b", role: "cohost" } },
  ]);
});

test("a ban is asked twice", async () => {
  const dojo = testDojo(roomState([ANA, BO]));
  render(<Shown dojo={dojo} />);
  await openMenu("Bo");
  await userEvent.click(screen.getByRole("menuitem", { name: "Ban…" }));
  expect(dojo.asked).toEqual([]);
  await userEvent.click(within(screen.getByRole("alertdialog", { name: "Ban Bo?" })).getByRole("button", { name: "Ban" }));
  expect(dojo.asked).toEqual([{ name: "person:remove", payload: { person_id: "b", ban: true } }]);
});

test("a participant may only write to others", async () => {
  const onWrite = vi.fn();
  render(<Shown dojo={testDojo(roomState([ANA, BO, CAIO]), "b")} onWrite={onWrite} />);
  expect(screen.queryByRole("button", { name: "What to do with Bo" })).toBeNull();
  await openMenu("Caio");
  expect(screen.getAllByRole("menuitem").map((item) => item.textContent)).toEqual(["Write privately"]);
  await userEvent.click(screen.getByRole("menuitem", { name: "Write privately" }));
  expect(onWrite).toHaveBeenCalledWith("c");
});

test("a co-host has no power over the owner", async () => {
  render(<Shown dojo={testDojo(roomState([ANA, { ...BO, role: "cohost" }]), "b")} />);
  await openMenu("Ana");
  expect(screen.queryByRole("menuitem", { name: "Remove…" })).toBeNull();
});

test("arrow keys on the handle move someone in the order", async () => {
  const dojo = testDojo(roomState([ANA, BO, CAIO], { rotation: running(["a", "b", "c"], "a", "b") }));
  render(<Shown dojo={dojo} />);
  screen.getByRole("button", { name: "Move Caio in the order" }).focus();
  await userEvent.keyboard("{ArrowUp}");
  expect(dojo.asked).toEqual([{ name: "rotation:reorder", payload: { order: ["a", "c", "b"] } }]);
  expect(screen.getByRole("status")).toHaveTextContent("Caio is number 2 of 3");
});
