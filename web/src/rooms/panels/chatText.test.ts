import { expect, test } from "vitest";
import { piecesOf } from "./chatText";

test("words, code, blocks and links come in their order", () => {
  expect(piecesOf("a `b` https://x.org/y\n```js\nlet c\n```\nd")).toEqual([
    { kind: "text", text: "a " },
    { kind: "code", text: "b" },
    { kind: "text", text: " " },
    { kind: "link", text: "https://x.org/y", href: "https://x.org/y" },
    { kind: "block", text: "let c", language: "js" },
    { kind: "text", text: "d" },
  ]);
});

test("a sentence's punctuation is not part of the address", () => {
  expect(piecesOf("(see https://x.org/y_(z)).")).toEqual([
    { kind: "text", text: "(see " },
    { kind: "link", text: "https://x.org/y_(z)", href: "https://x.org/y_(z)" },
    { kind: "text", text: ")." },
  ]);
});

test("only pages are links", () => {
  expect(piecesOf("javascript:alert(1) data:text/html,x file:///etc/passwd http://")).toEqual([
    { kind: "text", text: "javascript:alert(1) data:text/html,x file:///etc/passwd http://" },
  ]);
});

test("a block that was not closed is still a block", () => {
  expect(piecesOf("```\nx = 1")).toEqual([{ kind: "block", text: "x = 1", language: "" }]);
});
