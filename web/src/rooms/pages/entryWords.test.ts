import i18next from "i18next";
import { afterEach, expect, test } from "vitest";
import { chooseLanguage, loadWords } from "../../i18n";
import type { TimelineEntry } from "../../wire.gen";
import { entryWords } from "./entryWords";

const words = (kind: TimelineEntry["kind"], text: string, person: string | null = "Bo") =>
  entryWords(i18next.getFixedT(null, "dojos"), { at: 1, kind, text, person, light_id: null, colour: null });

afterEach(() => chooseLanguage("en"));

test("reasons are said in words", async () => {
  await loadWords("dojos");
  expect(words("turn", "bell")).toEqual({ line: "Bo took the keyboard", more: "The bell rang." });
  expect(words("ended", "empty", null)).toEqual({ line: "The dojo ended", more: "Nobody was here any more." });
  expect(words("phase", "break", null)).toEqual({ line: "A break", more: "" });
  expect(words("chat", "start")).toEqual({ line: "Bo", more: "start" });
  expect(words("light", "2 passed, 1 failed", null)).toEqual({ line: "Somebody ran the tests", more: "2 passed, 1 failed" });
});

test("in the other language too", async () => {
  await loadWords("dojos");
  await chooseLanguage("pt-BR");
  for (const reason of ["start", "bell", "skip", "absent"]) expect(words("turn", reason).more).toMatch(/ .*\.$/);
  expect(words("light", "2 passed, 1 failed").more).toBe("passaram: 2, falharam: 1");
});

test("what did not run has no counts", async () => {
  await loadWords("dojos");
  expect(words("light", "0 passed, 0 failed").more).toBe("");
});

test("a reason that this version does not know is left out", async () => {
  await loadWords("dojos");
  expect(words("turn", "eclipse")).toEqual({ line: "Bo took the keyboard", more: "" });
});
