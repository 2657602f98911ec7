import { expect, test } from "vitest";
import { EVERYTHING, isEverything, readQuery, toggleTag, writeQuery } from "./query";
import type { Query } from "./query";

const read = (text: string) => readQuery(new URLSearchParams(text));

test.each<Query>([
  EVERYTHING,
  { q: "roman numerals", language: "python", tags: ["kata", "tdd"], only: "mine" },
  { q: "é & ç", language: null, tags: ["c++", "c#"].sort(), only: "favourites" },
])("what is written is read again: %o", (query) => {
  expect(readQuery(writeQuery(query))).toEqual(query);
});

test("the same query has one address, whatever the order of its tags", () => {
  const one = writeQuery({ ...EVERYTHING, tags: ["b", "a", "b"] });
  expect(one.toString()).toBe("tag=a&tag=b");
  expect(writeQuery(read("tag=b&tag=a")).toString()).toBe(one.toString());
});

test("nothing to find has an empty address", () => {
  expect(writeQuery({ ...EVERYTHING, q: "   " }).toString()).toBe("");
  expect(isEverything(read(""))).toBe(true);
  expect(isEverything(read("only=mine"))).toBe(false);
});

test("an address that somebody made up is read as far as it makes sense", () => {
  expect(read("only=nonsense&tag=&language=&other=1")).toEqual(EVERYTHING);
  expect(read(`q=${"a".repeat(500)}`).q).toHaveLength(200);
});

test("a tag is put in and taken out", () => {
  const once = toggleTag(EVERYTHING, "kata");
  expect(once.tags).toEqual(["kata"]);
  expect(toggleTag(once, "kata").tags).toEqual([]);
});
