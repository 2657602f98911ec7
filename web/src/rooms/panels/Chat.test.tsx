import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useRef, useState } from "react";
import { expect, test } from "vitest";
import type { ChatMessage } from "../../wire.gen";
import { testDojo, type TestDojo } from "../testing/dojos";
import { person, roomState } from "../testing/state";
import { Chat } from "./Chat";
import { useAsk } from "./useAsk";

const ANA = person("a", "Ana", { role: "host" });
const BO = person("b", "Bo");

const said = (id: string, text: string, more: Partial<ChatMessage> = {}): ChatMessage => ({
  id,
  by: "b",
  name: "Bo",
  to: null,
  text,
  at: 900,
  ...more,
});

function Shown({ dojo }: { dojo: TestDojo }) {
  const [to, setTo] = useState<string | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  return <Chat dojo={dojo} ask={useAsk(dojo)} to={to} onTo={setTo} field={field} />;
}

test("Enter sends, Shift+Enter starts a line", async () => {
  const dojo = testDojo(roomState([ANA, BO]));
  render(<Shown dojo={dojo} />);
  const field = screen.getByRole("textbox", { name: "Message" });
  await userEvent.type(field, "one{Shift>}{Enter}{/Shift}two{Enter}");
  expect(dojo.asked.filter(({ name }) => name === "chat:send")).toEqual([
    { name: "chat:send", payload: { text: "one\ntwo", to: null } },
  ]);
  expect(field).toHaveValue("");
});

test("in a retro the chat says what is asked", () => {
  const { rerender } = render(<Shown dojo={testDojo(roomState([ANA, BO]))} />);
  expect(screen.queryByRole("complementary", { name: "Retro" })).toBeNull();
  rerender(<Shown dojo={testDojo(roomState([ANA, BO], { phase: "retro" }))} />);
  expect(screen.getByRole("complementary", { name: "Retro" })).toHaveTextContent("What went well?");
});

test("a refused message stays in the field", async () => {
  const problem = { type: "", title: "Not now", status: 429, code: "too-many", detail: "", retry_after: null, errors: [] };
  const dojo = testDojo(roomState([ANA, BO]), "a", { ok: false, problem });
  render(<Shown dojo={dojo} />);
  const field = screen.getByRole("textbox", { name: "Message" });
  await userEvent.type(field, "hello{Enter}");
  expect(field).toHaveValue("hello");
});

test("a private message goes to one person, who is not told that it is being written", async () => {
  const dojo = testDojo(roomState([ANA, BO]));
  render(<Shown dojo={dojo} />);
  await userEvent.selectOptions(screen.getByLabelText("To"), "Only Bo");
  await userEvent.type(screen.getByRole("textbox", { name: "Message" }), "psst{Enter}");
  expect(dojo.asked).toEqual([{ name: "chat:send", payload: { text: "psst", to: "b" } }]);
});

test("code and links are shown, HTML and other addresses are text", () => {
  const chat = [
    said("1", "see https://example.org/a. and javascript:alert(1) <b>x</b>"),
    said("2", "```python\nprint(1)\n```"),
    said("3", "only you", { to: "a", by: "b" }),
  ];
  render(<Shown dojo={testDojo(roomState([ANA, BO], { chat }))} />);
  const link = screen.getByRole("link");
  expect(link).toHaveAttribute("href", "https://example.org/a");
  expect(link).toHaveAttribute("rel", expect.stringContaining("noopener"));
  expect(screen.getByText(/javascript:alert\(1\) <b>x<\/b>/)).toBeInTheDocument();
  expect(screen.getByText("print(1)").closest("pre")).not.toBeNull();
  expect(screen.getByText("private to you")).toBeInTheDocument();
});
