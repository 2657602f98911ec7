import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { testDojo, type TestDojo } from "../testing/dojos";
import { person, roomState } from "../testing/state";
import { Lobby } from "./Lobby";
import { useAsk } from "./useAsk";

const ANA = person("a", "Ana", { role: "host" });
const BO = person("b", "Bo", { presence: "waiting", joined_at: 20 });
const CAIO = person("c", "Caio", { presence: "waiting", joined_at: 10 });

function Shown({ dojo }: { dojo: TestDojo }) {
  return <Lobby dojo={dojo} ask={useAsk(dojo)} />;
}

test("nothing is shown while nobody knocks", () => {
  const { container } = render(<Shown dojo={testDojo(roomState([ANA]))} />);
  expect(container).toBeEmptyDOMElement();
});

test("knocks are for hosts only", () => {
  const { container } = render(<Shown dojo={testDojo(roomState([ANA, BO, person("d", "Dani")]), "d")} />);
  expect(container).toBeEmptyDOMElement();
});

test("who knocked first is first, and each is let in or not", async () => {
  const dojo = testDojo(roomState([ANA, BO, CAIO]));
  render(<Shown dojo={dojo} />);
  const lobby = screen.getByRole("region", { name: "Lobby" });
  expect(within(lobby).getByRole("status")).toHaveTextContent("2 people knock");
  const [first, second] = within(lobby).getAllByRole("listitem");
  expect(first).toHaveTextContent("Caio");
  await userEvent.click(within(first as HTMLElement).getByRole("button", { name: "Let in" }));
  await userEvent.click(within(second as HTMLElement).getByRole("button", { name: "Not now" }));
  await userEvent.click(within(lobby).getByRole("button", { name: "Let all in" }));
  expect(dojo.asked).toEqual([
    { name: "people:admit", payload: { person_ids: ["c"] } },
    { name: "person:deny", payload: { person_id: "b" } },
    { name: "people:admit", payload: { person_ids: null } },
  ]);
});
