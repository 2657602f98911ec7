/** Test runs in the browser: nothing of a participant ever runs on the server. */
import i18next from "i18next";
import type { SourceFile } from "../../wire.gen";
import type { Colour, Language } from "../protocol";
import type { LinkProblem } from "./link";
import { tail, type FromWorker, type Outcome } from "./messages";
import { PythonRuntime } from "./pythonRuntime";

/** How a run ended. `output` is the end of what it printed, at most 4,000 characters. */
export interface RunResult {
  colour: Colour;
  seconds: number;
  passed: number;
  failed: number;
  output: string;
}

/** The one Python of this page: loaded on demand, kept warm. */
export const python = new PythonRuntime(
  () => new Worker(new URL("./python.worker.ts", import.meta.url), { type: "module", name: "python" }),
);

const TIMEOUT = 10;

/**
 * Runs the tests among the files. A run that does not end in time is stopped: colour `timeout`.
 * Loading Python the first time does not count.
 */
export async function run(
  language: Language,
  files: readonly SourceFile[],
  { timeoutSeconds = TIMEOUT }: { timeoutSeconds?: number } = {},
): Promise<RunResult> {
  if (language === "python") {
    await python.load();
    return timed(timeoutSeconds, (show, signal) => python.run(files, show, signal));
  }
  const { link } = await import("./link");
  const linked = link(files);
  if (linked.problem !== null) return amber(linkWords(linked.problem));
  if (linked.tests.length === 0) return amber(i18next.t("rooms:run.no_tests_javascript"));
  return timed(timeoutSeconds, (show, signal) => {
    const worker = new Worker(new URL("./javascript.worker.ts", import.meta.url), { type: "module", name: "javascript" });
    return runOnce(worker, { kind: "run", modules: linked.modules, tests: linked.tests }, show, signal);
  });
}

type Start = (show: (text: string) => void, signal: AbortSignal) => Promise<Outcome>;

async function timed(timeoutSeconds: number, start: Start): Promise<RunResult> {
  const stop = new AbortController();
  let printed = "";
  const began = performance.now();
  const timer = setTimeout(() => stop.abort(), timeoutSeconds * 1000);
  try {
    const outcome = await start((text) => (printed = text), stop.signal);
    return finished(outcome, (performance.now() - began) / 1000);
  } catch (error) {
    if (!stop.signal.aborted) return amber(error instanceof Error ? error.message : String(error));
    const words = i18next.t("rooms:run.timeout", { seconds: timeoutSeconds });
    return { colour: "timeout", seconds: timeoutSeconds, passed: 0, failed: 0, output: tail(joined(printed, words)) };
  } finally {
    clearTimeout(timer);
  }
}

/** A worker for one run. Rejects when it is stopped, or cannot be loaded. */
function runOnce(worker: Worker, task: object, show: (text: string) => void, signal: AbortSignal): Promise<Outcome> {
  return new Promise<Outcome>((resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("stopped")));
    worker.onerror = (event) => reject(new Error(event.message || i18next.t("rooms:run.broken")));
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === "output") show(data.text);
      if (data.kind === "done") resolve(data.outcome);
    };
    worker.postMessage(task);
  }).finally(() => worker.terminate());
}

function finished(outcome: Outcome, seconds: number): RunResult {
  const { colour, passed, failed } = outcome;
  const notes = {
    "": "",
    "no-tests": i18next.t("rooms:run.no_tests"),
    crashed: i18next.t("rooms:run.crashed"),
  };
  return { colour, seconds, passed, failed, output: tail(joined(outcome.output, notes[outcome.note])) };
}

function amber(words: string): RunResult {
  return { colour: "amber", seconds: 0, passed: 0, failed: 0, output: tail(words) };
}

function joined(output: string, words: string): string {
  return [output.trimEnd(), words].filter(Boolean).join("\n\n");
}

function linkWords({ kind, file, line, what }: LinkProblem): string {
  return i18next.t(`rooms:run.link.${kind}`, { file, line, what });
}

export type { RuntimeStatus } from "./pythonRuntime";
