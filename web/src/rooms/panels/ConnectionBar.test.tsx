import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { chooseLanguage } from "../../i18n";
import type { SharedDocument } from "../document";
import { ownProblem } from "../problems";
import { testDojo } from "../testing/dojos";
import { openState } from "../testing/state";
import { ConnectionBar } from "./ConnectionBar";

const DOJO = testDojo(openState());
const MERGED = { status: "synced", unsaved: 0, merged: 2 } as SharedDocument;

test("says nothing while all is well, from a region that readers listen to", () => {
  render(<ConnectionBar dojo={DOJO} document={null} />);
  expect(screen.getByRole("status")).toBeEmptyDOMElement();
});

test("says that others are heard late while it lasts, without anything to press", () => {
  const { rerender } = render(<ConnectionBar dojo={{ ...DOJO, isDegraded: true }} document={MERGED} />);
  expect(screen.getByRole("status")).toHaveTextContent("What others do may show up a few seconds late. Nothing is lost.");
  expect(screen.queryByRole("button")).toBeNull();
  rerender(<ConnectionBar dojo={DOJO} document={MERGED} />);
  expect(screen.getByRole("status")).toHaveTextContent("You are back. 2 edits of yours were merged.");
});

test.each([
  ["the editor", DOJO, { status: "connecting", isCrowded: true, unsaved: 0, merged: null } as SharedDocument],
  ["the dojo", { ...DOJO, status: "reconnecting", problem: ownProblem("too-many-windows") } as const, null],
])("says to close some windows where there are too many for %s", async (_, dojo, document) => {
  const { rerender } = render(<ConnectionBar dojo={dojo} document={document} />);
  expect(screen.getByRole("status")).toHaveTextContent("too many windows open. Close some, and this one goes on by itself.");
  await chooseLanguage("pt-BR");
  rerender(<ConnectionBar dojo={dojo} document={document} />);
  expect(screen.getByRole("status")).toHaveTextContent("Feche algumas");
  await chooseLanguage("en");
});

test("says it in Portuguese", async () => {
  await chooseLanguage("pt-BR");
  render(<ConnectionBar dojo={{ ...DOJO, isDegraded: true }} document={null} />);
  expect(screen.getByRole("status")).toHaveTextContent("pode aparecer com alguns segundos de atraso");
  await chooseLanguage("en");
});

test("a lost line is the greater trouble", () => {
  render(<ConnectionBar dojo={{ ...DOJO, status: "reconnecting", isDegraded: true }} document={null} />);
  expect(screen.getByRole("status")).toHaveTextContent("Connection lost since");
  expect(screen.getByRole("status")).not.toHaveTextContent("late");
});
