/** Python in a worker of its own: loads Pyodide once, then runs tests one after the other. */
import type { PyodideAPI } from "pyodide";
import type { FromWorker, Outcome, ToPython } from "./messages";
import runner from "./runner.py?raw";
import { closeWaysOut } from "./sandbox";

type Run = (folder: string, files: unknown, show: (text: string) => void) => { toJs(): unknown[]; destroy(): void };

const scope = self as unknown as {
  postMessage: (message: FromWorker) => void;
  addEventListener: (kind: "message", listener: (event: MessageEvent<ToPython>) => void) => void;
};
const say = scope.postMessage.bind(self);

let python: PyodideAPI | null = null;
let runs = 0;

scope.addEventListener("message", ({ data }) => {
  if (data.kind === "load") void load(data.base);
  else run(data.files);
});

async function load(base: string): Promise<void> {
  try {
    const { loadPyodide } = (await import(/* @vite-ignore */ `${base}pyodide.mjs`)) as typeof import("pyodide");
    python = await loadPyodide({ indexURL: base, stdin: () => null });
    closeWaysOut(self);
    python.runPython(runner, { filename: "runner.py" });
    say({ kind: "ready" });
  } catch (error) {
    say({ kind: "failed", why: String(error) });
  }
}

function run(files: readonly { name: string; text: string }[]): void {
  if (python === null) return say({ kind: "failed", why: "not loaded" });
  runs += 1;
  try {
    const given = python.toPy(Object.fromEntries(files.map(({ name, text }) => [name, text]))) as unknown;
    const runTests = python.globals.get("run_tests") as Run;
    const result = runTests(`/dojo/${runs}`, given, (text) => say({ kind: "output", text }));
    const [colour, passed, failed, output, note] = result.toJs();
    result.destroy();
    say({ kind: "done", outcome: { colour, passed, failed, output, note } as Outcome });
  } catch (error) {
    // The interpreter itself gave up (a recursion that is too deep for the browser, memory): it is not used again.
    const outcome: Outcome = { colour: "amber", passed: 0, failed: 0, output: String(error), note: "crashed" };
    say({ kind: "done", outcome });
  }
}
