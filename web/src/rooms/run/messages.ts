/** What the page and the workers that run tests say to each other. */
import type { SourceFile } from "../../wire.gen";

/** How a run ended inside a worker; `note` asks the page for words of ours. */
export interface Outcome {
  colour: "red" | "amber" | "green";
  passed: number;
  failed: number;
  output: string;
  note: "" | "no-tests" | "crashed";
}

export type FromWorker =
  | { kind: "ready" }
  | { kind: "failed"; why: string }
  | { kind: "output"; text: string }
  | { kind: "done"; outcome: Outcome };

/** A module whose imports are known: its text in pieces, between them the names of the modules that it imports. */
export interface LinkedModule {
  name: string;
  /** As it was written. */
  text: string;
  pieces: readonly string[];
  imports: readonly string[];
  /** Where our own reader stumbled: the browser does not say where a syntax error is. */
  brokenLine: number | null;
}

export type ToPython = { kind: "load"; base: string } | { kind: "run"; files: readonly SourceFile[] };
export interface ToJavaScript {
  kind: "run";
  /** Each after those that it imports. */
  modules: readonly LinkedModule[];
  tests: readonly string[];
}

/** Most characters of output that are kept: its end. */
export const OUTPUT_KEPT = 4000;

/** The end of `text`, whole characters only, without what the server does not store. */
export function tail(text: string): string {
  return text.replaceAll("\0", "").slice(-OUTPUT_KEPT).replace(/[\ud800-\udfff]/gu, "");
}
