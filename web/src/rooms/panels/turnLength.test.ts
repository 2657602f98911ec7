import { expect, test } from "vitest";
import { parseTurn, writeTurn } from "./turnLength";

test.each([
  ["4", 240],
  ["4:30", 270],
  ["45s", 45],
  ["1m 30s", 90],
  ["2.5", 150],
  ["2,5", 150],
  ["60", 3600],
])("%s is %d seconds", (words, seconds) => {
  expect(parseTurn(words)).toBe(seconds);
});

test.each(["", "soon", "4:75", "4s", "61", "-3", "1:2:3"])("%j is no turn", (words) => {
  expect(parseTurn(words)).toBeNull();
});

test("a turn is written as on a clock", () => {
  expect([240, 45, 3600].map(writeTurn)).toEqual(["4:00", "0:45", "60:00"]);
});
