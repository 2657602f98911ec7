/** One run of JavaScript tests: the worker lives as long as the run. */
import { show } from "./equal";
import { Harness } from "./harness";
import { HARNESS } from "./harnessName";
import { tail, type FromWorker, type LinkedModule, type Outcome, type ToJavaScript } from "./messages";
import { closeWaysOut } from "./sandbox";

const scope = self as unknown as {
  postMessage: (message: FromWorker) => void;
  addEventListener: (kind: string, listener: (event: never) => void) => void;
};
const say = scope.postMessage.bind(self);
const addressOf = URL.createObjectURL.bind(URL);

/** What was printed, and where the files were loaded from. */
let output = "";
let saidAt = Number.NEGATIVE_INFINITY;
const addresses = new Map<string, string>();
const sources = new Map<string, LinkedModule>();

function print(text: string): void {
  output = tail(`${output}${text}\n`);
  const now = performance.now();
  if (now - saidAt < 100) return;
  saidAt = now;
  say({ kind: "output", text: output });
}

function captureConsole(): void {
  const line = (...parts: unknown[]): void =>
    print(parts.map((part) => (typeof part === "string" ? part : show(part, 2000))).join(" "));
  for (const name of ["log", "info", "warn", "error", "debug", "table", "dir"] as const) console[name] = line;
}

/** Puts the addresses of the modules that it imports between a module's pieces. */
function publish(module: LinkedModule): string {
  const text = module.pieces
    .map((piece, index) => {
      const target = module.imports[index];
      return target === undefined ? piece : `${piece}${JSON.stringify(addresses.get(target))}`;
    })
    .join("");
  return addressOf(new Blob([text], { type: "text/javascript" }));
}

const HARNESS_MODULE = `
const { test, it, describe, suite, expect, assert, beforeAll, beforeEach, afterEach, afterAll } = globalThis;
export { test, it, describe, suite, expect, assert, beforeAll, beforeEach, afterEach, afterAll };
export const { ok, equal, strictEqual, notStrictEqual, notEqual, deepEqual, deepStrictEqual, notDeepEqual, match, fail,
  throws, rejects } = assert;
export default Object.assign((...given) => (typeof given[0] === "string" ? test(...given) : assert(...given)), assert);
`;

/** The error with the person's own lines: "file.js, line 3", and that line. */
function explain(error: unknown): string {
  const words = error instanceof Error ? `${error.name}: ${error.message}` : show(error);
  const lines = words.split("\n").map((line) => `  ${line}`);
  return [...placesOf(error), ...lines].join("\n");
}

function placesOf(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const places: string[] = [];
  for (const [, address, number] of stack.matchAll(/(blob:[^\s)]+?):(\d+):\d+/g)) {
    const name = [...addresses].find(([, one]) => one === address)?.[0];
    if (name === undefined || name === HARNESS || places.length >= 4) continue;
    places.push(`  ${name}, line ${number}\n    ${lineOf(name, Number(number))}`);
  }
  return places;
}

function lineOf(name: string, number: number): string {
  return sources.get(name)?.text.split("\n")[number - 1]?.trim() ?? "";
}

/** A file could not be loaded; the browser does not say where a syntax error is, our own reader may know. */
function explainLoading(error: unknown, file: string): string {
  if (!(error instanceof SyntaxError)) return `✗ ${file}\n${explain(error)}`;
  const broken = [...sources.values()].find(({ brokenLine }) => brokenLine !== null);
  if (broken === undefined) return `✗ ${file}\n  ${error.name}: ${error.message}`;
  const { name, brokenLine } = broken;
  const place = `  ${name}, line ${brokenLine}\n    ${lineOf(name, brokenLine ?? 1)}`;
  return `✗ ${file}\n${place}\n  ${error.name}: ${error.message}`;
}

async function run({ modules, tests }: ToJavaScript): Promise<Outcome> {
  const harness = new Harness((name, error) => print(`✗ ${name}\n${explain(error)}\n`));
  Object.assign(self, harness.globals);
  captureConsole();
  let stray = 0;
  scope.addEventListener("unhandledrejection", (event: PromiseRejectionEvent) => {
    event.preventDefault();
    stray += 1;
    print(`✗ unhandled rejection\n${explain(event.reason)}\n`);
  });
  addresses.set(HARNESS, addressOf(new Blob([HARNESS_MODULE], { type: "text/javascript" })));
  for (const module of modules) {
    sources.set(module.name, module);
    addresses.set(module.name, publish(module));
  }
  for (const file of tests) {
    try {
      await import(/* @vite-ignore */ addresses.get(file) ?? "");
    } catch (error) {
      print(explainLoading(error, file));
      return { colour: "amber", passed: 0, failed: 0, output, note: "" };
    }
  }
  if (harness.count === 0) return { colour: "amber", passed: 0, failed: 0, output, note: "no-tests" };
  const { passed, failed } = await harness.run();
  // The browser tells of a rejection that nobody handled only a moment later.
  await new Promise((resolve) => setTimeout(resolve, 20));
  print(`${passed} passed, ${failed + stray} failed`);
  const colour = failed + stray > 0 || passed === 0 ? "red" : "green";
  return { colour, passed, failed: failed + stray, output, note: "" };
}

scope.addEventListener("message", ({ data }: MessageEvent<ToJavaScript>) => {
  closeWaysOut(self);
  void run(data).then((outcome) => say({ kind: "done", outcome }));
});
