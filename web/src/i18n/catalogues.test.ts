import { expect, test } from "vitest";
import { en } from "./en";
import { ptBR } from "./pt-BR";

/** `one.two` keys with their placeholders; plural forms count as one key, for languages differ in them. */
function entries(words: object, prefix = ""): string[] {
  return Object.entries(words).flatMap(([name, value]: [string, unknown]) => {
    const key = `${prefix}${name.replace(/_(zero|one|two|few|many|other)$/, "")}`;
    if (typeof value === "object" && value !== null) return entries(value, `${key}.`);
    const holes = [...String(value).matchAll(/{{\s*(\w+)/g)].map((hole) => hole[1]).filter((hole) => hole !== "count");
    return [`${key} ${[...new Set(holes)].sort().join(",")}`];
  });
}

test("both languages have the same messages with the same placeholders", () => {
  expect([...new Set(entries(ptBR))].sort()).toEqual([...new Set(entries(en))].sort());
});

test("no message is empty", () => {
  const empty = [en, ptBR].flatMap((words) => JSON.stringify(words).match(/"[^"]*":""/g) ?? []);
  expect(empty).toEqual([]);
});
