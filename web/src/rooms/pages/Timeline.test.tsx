import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, test } from "vitest";
import { loadWords } from "../../i18n";
import type { TimelineEntry } from "../../wire.gen";
import { Timeline } from "./Timeline";

const entry = (kind: TimelineEntry["kind"], text: string): TimelineEntry => ({ at: 1, kind, text, person: "Bo", light_id: null, colour: null });
const HELD = [entry("chat", "shall we?"), entry("phase", "retro"), entry("chat", "small steps"), entry("phase", "code"), entry("chat", "one more")];

beforeAll(() => loadWords("dojos"));

test("what was said in the retro can be read alone", async () => {
  render(<Timeline entries={HELD} startedAt={0} />);
  await userEvent.selectOptions(screen.getByRole("combobox", { name: "Show" }), "Retro");
  expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual([expect.stringContaining("small steps")]);
});

test("without a retro there is nothing to choose", () => {
  render(<Timeline entries={HELD.slice(3)} startedAt={0} />);
  expect(screen.queryByRole("option", { name: "Retro" })).toBeNull();
});
