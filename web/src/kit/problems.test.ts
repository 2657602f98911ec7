import { expect, test } from "vitest";
import { chooseLanguage } from "../i18n";
import { Problem } from "./api";
import { problemText } from "./problems";

test("the code chooses the words, in the person's language", async () => {
  const full = new Problem({ code: "room-full", status: 409, title: "the server's title" });
  expect(problemText(full)).toMatch(/^All seats of the dojo are taken/);
  await chooseLanguage("pt-BR");
  expect(problemText(full)).toMatch(/^Todos os lugares/);
  await chooseLanguage("en");
});

test("how long to wait is said", () => {
  expect(problemText(new Problem({ code: "too-many", status: 429, retry_after: 1.2 }))).toBe("Too many requests. Wait 2 seconds, then try again.");
});

test("a code from a newer server falls back on its title", () => {
  expect(problemText(new Problem({ code: "brand-new", status: 409, title: "This is new." }))).toBe("This is new.");
});

test("what is no problem of the server is ours", () => {
  expect(problemText(new TypeError("x is undefined"))).toMatch(/went wrong on our side/);
});
