import { describe, expect as wants, it as proves } from "vitest";
import { show } from "./equal";
import { assert, expect } from "./expect";
import { Harness } from "./harness";
import { isTestFile, link } from "./link";
import { tail } from "./messages";

async function run(define: (globals: Record<string, (...given: unknown[]) => unknown>) => void) {
  const failures: [string, string][] = [];
  const harness = new Harness((name, error) => failures.push([name, error instanceof Error ? error.message : String(error)]));
  define(harness.globals as Record<string, (...given: unknown[]) => unknown>);
  return { ...(await harness.run()), failures, count: harness.count };
}

describe("the JavaScript harness", () => {
  proves("it counts, names failures with their groups, and waits for promises", async () => {
    const result = await run(({ test, describe: group, it }) => {
      test?.("fine", () => expect(1).toBe(1));
      group?.("outer", () => {
        it?.("late", async () => {
          await Promise.resolve();
          expect([1, 2]).toEqual([1, 3]);
        });
      });
    });
    wants(result).toMatchObject({ passed: 1, failed: 1, count: 2 });
    wants(result.failures[0]?.[0]).toBe("outer › late");
    wants(result.failures[0]?.[1]).toContain("expected: [1, 3]\nreceived: [1, 2]");
  });

  proves("hooks run around each test, and a broken one fails it", async () => {
    const calls: string[] = [];
    const result = await run(({ test, describe: group, beforeEach, afterEach }) => {
      beforeEach?.(() => calls.push("outer"));
      group?.("g", () => {
        beforeEach?.(() => calls.push("inner"));
        afterEach?.(() => {
          throw new Error("after");
        });
        test?.("t", () => calls.push("test"));
      });
    });
    wants(calls).toEqual(["outer", "inner", "test"]);
    wants(result).toMatchObject({ passed: 0, failed: 1 });
  });

  proves("only and skip choose, each makes one test a row", async () => {
    const result = await run(({ test }) => {
      const chosen = test as unknown as { only: (...given: unknown[]) => void; skip: (...given: unknown[]) => void; each: (rows: unknown[]) => (...given: unknown[]) => void };
      chosen.skip("skipped", () => assert(false));
      chosen.only("chosen", () => assert(true));
      chosen.each([[1, 2], [2, 3]])("%s and %s", (a: number, b: number) => expect(a + 1).toBe(b));
    });
    wants(result).toMatchObject({ passed: 1, failed: 0, count: 4 });
  });

  proves("matchers hold and fail as they should", async () => {
    const { expect: e } = { expect };
    const thrower = (): never => {
      throw new RangeError("too far");
    };
    e({ a: [1, new Map([["x", 1]])] }).toEqual({ a: [1, new Map([["x", 1]])] });
    e(thrower).toThrow("far");
    e(thrower).toThrow(RangeError);
    e(() => 1).not.toThrow();
    e(0.1 + 0.2).toBeCloseTo(0.3);
    e("fizzbuzz").toContain("zz");
    e([{ a: 1 }]).toContainEqual({ a: 1 });
    e({ a: 1 }).toHaveProperty("a", 1);
    await e(Promise.reject(new Error("no"))).rejects.toThrow("no");
    await e(Promise.resolve(3)).resolves.toBe(3);
    wants(() => e(thrower).toThrow("near")).toThrow();
    wants(() => e(1).not.toBe(1)).toThrow("not 1");
    wants(() => assert.deepEqual({ a: 1 }, { a: 2 })).toThrow("{ a: 1 } is not like { a: 2 }");
    wants(() => e(NaN).toBeGreaterThan(1)).toThrow();
  });

  proves("values are shown readably, circles too", () => {
    const circle: Record<string, unknown> = { name: "c" };
    circle.self = circle;
    wants(show(circle)).toBe('{ name: "c", self: [circular] }');
    wants(show([undefined, null, -0, 1n, "a"])).toBe('[undefined, null, -0, 1n, "a"]');
    wants(show("x".repeat(500))).toHaveLength(301);
  });
});

describe("linking", () => {
  const source = (files: Record<string, string>) => Object.entries(files).map(([name, text]) => ({ name, text }));

  proves("modules come after what they import, with their names cut out", () => {
    const linked = link(
      source({
        "a.test.js": 'import { b } from "./b.js";\nimport { test } from "vitest";\ntest("x", () => b());',
        "b.js": 'export { c as b } from "./c";\nconst words = "import x from \'./no.js\'";',
        "c.js": "export const c = () => 1;",
        "unused.js": 'import "./missing.js";',
        "notes.md": "# import",
      }),
    );
    wants(linked.problem).toBeNull();
    wants(linked.modules?.map(({ name }) => name)).toEqual(["c.js", "b.js", "a.test.js"]);
    wants(linked.modules?.[2]).toMatchObject({ imports: ["b.js", "(harness)"], brokenLine: null });
    wants(linked.modules?.[2]?.pieces[0]).toBe("import { b } from ");
  });

  proves("what cannot be imported is named with file and line", () => {
    wants(link(source({ "a.test.js": '\nimport "./gone.js";' })).problem).toEqual({ kind: "missing", file: "a.test.js", line: 2, what: "./gone.js" });
    wants(link(source({ "a.test.js": 'import fs from "node:fs";' })).problem).toMatchObject({ kind: "library", what: "node:fs" });
    const circle = link(source({ "a.test.js": 'import "./b.js";', "b.js": 'import "./c.js";', "c.js": 'import "./b.js";' }));
    wants(circle.problem).toMatchObject({ kind: "circle", file: "c.js", what: "b.js → c.js → b.js" });
  });

  proves("the line of a syntax error is known", () => {
    wants(link(source({ "a.test.js": "const a = 1;\nconst b = ;\n" })).modules?.[0]?.brokenLine).toBe(2);
  });

  proves("test files are known by their names", () => {
    wants(["fizz.test.js", "test_fizz.js", "fizz_test.js", "fizz-spec.mjs", "test.js"].filter(isTestFile)).toHaveLength(5);
    wants(["fizz.js", "contest.js", "test.py", "latest.js"].filter(isTestFile)).toEqual([]);
  });
});

describe("output", () => {
  proves("it keeps whole characters of the end, and no NUL", () => {
    wants(tail("a\0b")).toBe("ab");
    const long = tail("😀".repeat(3000) + "x");
    wants(long.length).toBeLessThanOrEqual(4000);
    wants(long.startsWith("😀")).toBe(true);
  });
});
