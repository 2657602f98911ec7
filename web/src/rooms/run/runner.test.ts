// @vitest-environment node
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { loadPyodide, type PyodideAPI } from "pyodide";
import { beforeAll, describe, expect, it } from "vitest";
import runner from "./runner.py?raw";

interface Result {
  colour: string;
  passed: number;
  failed: number;
  output: string;
  note: string;
}

let python: PyodideAPI;
let runs = 0;
const shown: string[] = [];

beforeAll(async () => {
  const folder = dirname(createRequire(import.meta.url).resolve("pyodide/package.json"));
  python = await loadPyodide({ indexURL: folder, stdin: () => null });
  python.runPython(runner, { filename: "runner.py" });
}, 60_000);

function run(files: Record<string, string>): Result {
  runs += 1;
  const runTests = python.globals.get("run_tests") as (...given: unknown[]) => { toJs(): unknown[] };
  const result = runTests(`/dojo/${runs}`, python.toPy(files), (text: string) => shown.push(text)).toJs();
  const [colour, passed, failed, output, note] = result as [string, number, number, string, string];
  return { colour, passed, failed, output, note };
}

const FIZZ = 'def fizzbuzz(number):\n    return "Fizz" if number % 3 == 0 else str(number)\n';

describe("the Python runner", () => {
  it("is green when every test passes, plain or of unittest", () => {
    const result = run({
      "fizzbuzz.py": FIZZ,
      "test_fizzbuzz.py": 'from fizzbuzz import fizzbuzz\ndef test_one():\n    assert fizzbuzz(1) == "1"\n',
      "more_test.py": [
        "import unittest",
        "from fizzbuzz import fizzbuzz",
        "class More(unittest.TestCase):",
        "    def test_three(self):",
        '        self.assertEqual(fizzbuzz(3), "Fizz")',
        "class TestPlain:",
        "    def test_four(self):",
        '        assert fizzbuzz(4) == "4"',
      ].join("\n"),
    });
    expect(result).toMatchObject({ colour: "green", passed: 3, failed: 0 });
  });

  it("is red with the line and both sides of a comparison that failed", () => {
    const test = 'from fizzbuzz import fizzbuzz\n\ndef test_five():\n    assert fizzbuzz(5) == "Buzz"\n';
    const result = run({ "fizzbuzz.py": FIZZ, "test_fizzbuzz.py": test });
    expect(result).toMatchObject({ colour: "red", passed: 0, failed: 1 });
    expect(result.output).toContain("✗ test_five\n  test_fizzbuzz.py, line 4");
    expect(result.output).toContain("fizzbuzz(5) is '5'");
  });

  it("is red when the code under test throws, and shows where", () => {
    const result = run({
      "a.py": "def f():\n    return 1 / 0\n",
      "test_a.py": "from a import f\ndef test_f():\n    f()\ndef test_other():\n    pass\n",
    });
    expect(result).toMatchObject({ colour: "red", passed: 1, failed: 1 });
    expect(result.output).toContain("a.py, line 2\n    return 1 / 0\n  ZeroDivisionError: division by zero");
  });

  it("is amber for a syntax error, a missing module and no tests", () => {
    const syntax = run({ "test_a.py": "def test_a(:\n    pass\n" });
    expect(syntax).toMatchObject({ colour: "amber", passed: 0 });
    expect(syntax.output).toContain("test_a.py, line 1\n    def test_a(:\n  SyntaxError");
    const missing = run({ "test_a.py": "import nothing_like_this\n" });
    expect(missing.colour).toBe("amber");
    expect(missing.output).toContain("No module named 'nothing_like_this'");
    expect(run({ "a.py": "x = 1\n" })).toMatchObject({ colour: "amber", note: "no-tests" });
    expect(run({ "test_a.py": "x = 1\n" })).toMatchObject({ colour: "amber", note: "no-tests" });
  });

  it("leaves nothing of one run to the next", () => {
    run({ "thing.py": "value = 1\n", "test_a.py": "import builtins, thing\nbuiltins.sum = None\nbuiltins.mine = 1\ndef test_a():\n    pass\n" });
    const result = run({
      "thing.py": "value = 2\n",
      "test_a.py": "import thing\ndef test_a():\n    assert thing.value == 2\n    assert sum([1, 1]) == 2\n    assert 'mine' not in globals()['__builtins__']\n",
    });
    expect(result).toMatchObject({ colour: "green", passed: 1 });
  });

  it("survives tests that end the program, ask for input or recurse", () => {
    const result = run({
      "test_a.py": [
        "import sys",
        "def test_exit():\n    sys.exit(3)",
        "def test_interrupt_is_last():\n    pass",
        "def test_input():\n    input()",
        "def again(n):\n    return again(n + 1)",
        "def test_recursion():\n    again(0)",
        "async def test_async():\n    pass",
      ].join("\n"),
    });
    expect(result).toMatchObject({ colour: "red", passed: 1, failed: 4 });
    expect(result.output).toContain("SystemExit: 3");
    expect(result.output).toContain("EOFError");
    expect(result.output).toContain("RecursionError");
    expect(run({ "test_b.py": "def test_b():\n    pass\n" }).colour).toBe("green");
  });

  it("keeps the end of what was printed, in 4,000 characters", () => {
    const test = "def test_a():\n    for n in range(5000):\n        print('line', n)\n    assert False\n";
    const result = run({ "test_a.py": test });
    expect(result.output.length).toBeLessThanOrEqual(4000);
    expect(result.output).toContain("line 4999");
    expect(result.output.trimEnd()).toMatch(/0 passed, 1 failed$/);
  });

  it("counts subtests once, and skipped tests not at all", () => {
    const result = run({
      "test_a.py": [
        "import unittest",
        "class A(unittest.TestCase):",
        "    def test_many(self):",
        "        for n in range(3):",
        "            with self.subTest(n=n):",
        "                self.assertEqual(n, 0)",
        "    @unittest.skip('later')",
        "    def test_later(self): pass",
        "class B(unittest.TestCase):",
        "    @classmethod",
        "    def setUpClass(cls): raise ValueError('broken set-up')",
        "    def test_b(self): pass",
      ].join("\n"),
    });
    expect(result).toMatchObject({ colour: "red", passed: 0, failed: 2 });
    expect(result.output).toContain("(n=2)");
    expect(result.output).toContain("broken set-up");
  });
});
