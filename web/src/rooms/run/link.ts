/** Reads which file imports which, so that a worker can load them as modules without a server. */
import { javascriptLanguage } from "@codemirror/lang-javascript";
import type { SourceFile } from "../../wire.gen";
import { HARNESS } from "./harnessName";
import type { LinkedModule } from "./messages";

const LIBRARIES: ReadonlySet<string> = new Set([
  "vitest",
  "@jest/globals",
  "node:test",
  "node:assert",
  "node:assert/strict",
  "assert",
  "assert/strict",
]);

/** Why files cannot be loaded as modules; `line` counts from 1. */
export interface LinkProblem {
  kind: "missing" | "circle" | "library";
  file: string;
  line: number;
  /** The import, or for a circle the files in it. */
  what: string;
}

export type Linked =
  | { modules: LinkedModule[]; tests: string[]; problem: null }
  | { modules: null; tests: string[]; problem: LinkProblem };

type SyntaxNode = ReturnType<typeof javascriptLanguage.parser.parse>["topNode"];

interface Import {
  from: number;
  to: number;
  what: string;
}

/** Whether a file is named as tests are. */
export function isTestFile(name: string): boolean {
  return /(^test_.*|^test|.*[._-](test|spec))\.m?js$/.test(name);
}

/** Every script after those that it imports; data and words files are left out. */
export function link(files: readonly SourceFile[]): Linked {
  const scripts = new Map(files.filter(({ name }) => /\.m?js$/.test(name)).map(({ name, text }) => [name, text]));
  const tests = [...scripts.keys()].filter(isTestFile).sort();
  const modules = new Map<string, LinkedModule>();
  const path: string[] = [];

  const visit = (name: string): LinkProblem | null => {
    if (modules.has(name)) return null;
    const text = scripts.get(name) ?? "";
    const { imports, brokenAt } = read(text);
    path.push(name);
    const targets: string[] = [];
    for (const one of imports) {
      const target = resolve(one.what, scripts);
      const kind = target === null ? (/^\.{1,2}\//.test(one.what) ? "missing" : "library") : "circle";
      if (target === null || path.includes(target)) {
        const what = target === null ? one.what : [...path.slice(path.indexOf(target)), target].join(" → ");
        return { kind, file: name, line: lineAt(text, one.from), what };
      }
      const problem = target === HARNESS ? null : visit(target);
      if (problem !== null) return problem;
      targets.push(target);
    }
    path.pop();
    const brokenLine = brokenAt === null ? null : lineAt(text, brokenAt);
    modules.set(name, { name, text, pieces: cut(text, imports), imports: targets, brokenLine });
    return null;
  };

  for (const name of tests) {
    const problem = visit(name);
    if (problem !== null) return { modules: null, tests, problem };
  }
  return { modules: [...modules.values()], tests, problem: null };
}

function resolve(what: string, scripts: ReadonlyMap<string, string>): string | null {
  if (LIBRARIES.has(what)) return HARNESS;
  if (!what.startsWith("./")) return null;
  const name = what.slice(2);
  return [name, `${name}.js`, `${name}.mjs`].find((candidate) => scripts.has(candidate)) ?? null;
}

/** The places of the imported names, quotes included, and of the first thing that is no JavaScript. */
function read(text: string): { imports: Import[]; brokenAt: number | null } {
  const imports: Import[] = [];
  let brokenAt: number | null = null;
  javascriptLanguage.parser.parse(text).iterate({
    enter: ({ node }) => {
      if (node.type.isError) brokenAt ??= node.from;
      const place = importedName(node);
      if (place !== null) imports.push({ from: place.from, to: place.to, what: text.slice(place.from + 1, place.to - 1) });
    },
  });
  return { imports, brokenAt };
}

function importedName(node: SyntaxNode): SyntaxNode | null {
  if (node.name === "ImportDeclaration") return node.getChild("String");
  if (node.name === "ExportDeclaration") {
    const from = node.getChild("from");
    return from === null ? null : node.getChild("String", "from");
  }
  return node.name === "DynamicImport" ? node.getChild("String") : null;
}

function cut(text: string, imports: readonly Import[]): string[] {
  const starts = [0, ...imports.map(({ to }) => to)];
  return starts.map((start, index) => text.slice(start, imports[index]?.from ?? text.length));
}

function lineAt(text: string, position: number): number {
  return text.slice(0, position).split("\n").length;
}
