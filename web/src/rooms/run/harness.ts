/** Collects `test`, `describe` and their like, and runs what was collected. Runs in the worker. */
import { assert, expect } from "./expect";

type Act = () => unknown;
type Hook = "beforeAll" | "beforeEach" | "afterEach" | "afterAll";

interface Group {
  name: string;
  parent: Group | null;
  hooks: Record<Hook, Act[]>;
  items: (Group | Case)[];
}
interface Case {
  name: string;
  act: Act;
  mode: "run" | "skip" | "only";
}

export interface Tally {
  passed: number;
  failed: number;
}

type Define = (name: string, act: Act) => void;
type Test = Define & { skip: Define; only: Define; todo: (name: string) => void; each: Each };
type Each = (rows: readonly unknown[]) => (name: string, act: (...row: never[]) => unknown) => void;

const isGroup = (item: Group | Case): item is Group => "items" in item;

/** One run's tests. `globals` is what test files find without importing it. */
export class Harness {
  private readonly root = newGroup("", null);
  private group = this.root;

  /** @param report hears of each failure: the test's full name and what was thrown. */
  constructor(private readonly report: (name: string, error: unknown) => void) {}

  get globals(): Record<string, unknown> {
    const test = this.define();
    const hooks = (["beforeAll", "beforeEach", "afterEach", "afterAll"] as const).map((name) => [
      name,
      (act: Act) => void this.group.hooks[name].push(act),
    ]);
    const describe = Object.assign((name: string, act: Act) => this.describe(name, act), { skip: () => undefined });
    return { test, it: test, describe, suite: describe, expect, assert, ...Object.fromEntries(hooks) };
  }

  /** How many tests there are. */
  get count(): number {
    const under = (group: Group): number =>
      group.items.reduce((sum, item) => sum + (isGroup(item) ? under(item) : 1), 0);
    return under(this.root);
  }

  /** Runs them in the order of the files. */
  async run(): Promise<Tally> {
    const tally = { passed: 0, failed: 0 };
    await this.runGroup(this.root, tally, hasOnly(this.root));
    return tally;
  }

  private define(): Test {
    const as =
      (mode: Case["mode"]): Define =>
      (name, act) =>
        void this.group.items.push({ name: String(name), act, mode });
    const each: Each = (rows) => (name, act) => {
      for (const row of rows) {
        const cells = Array.isArray(row) ? row : [row];
        as("run")(fill(name, cells), () => act(...(cells as never[])));
      }
    };
    return Object.assign(as("run"), { skip: as("skip"), only: as("only"), todo: () => undefined, each });
  }

  private describe(name: string, act: Act): void {
    const outer = this.group;
    const inner = newGroup(String(name), outer);
    outer.items.push(inner);
    this.group = inner;
    try {
      act();
    } finally {
      this.group = outer;
    }
  }

  private async runGroup(group: Group, tally: Tally, only: boolean): Promise<void> {
    if (!(await this.attempt(group.name || "beforeAll", tally, group.hooks.beforeAll))) return;
    for (const item of group.items) {
      if (isGroup(item)) await this.runGroup(item, tally, only);
      else if (item.mode === "only" || (item.mode === "run" && !only)) await this.runCase(group, item, tally);
    }
    await this.attempt(group.name || "afterAll", tally, group.hooks.afterAll);
  }

  private async runCase(group: Group, one: Case, tally: Tally): Promise<void> {
    const path = lineage(group);
    const before = path.flatMap(({ hooks }) => hooks.beforeEach);
    const after = path.toReversed().flatMap(({ hooks }) => hooks.afterEach);
    const name = [...path.map((each) => each.name), one.name].filter(Boolean).join(" › ");
    const isGood = (await this.attempt(name, tally, [...before, one.act])) && (await this.attempt(name, tally, after));
    if (isGood) tally.passed += 1;
  }

  /** True when all of them came to an end; the first that throws counts as one failure. */
  private async attempt(name: string, tally: Tally, acts: readonly Act[]): Promise<boolean> {
    try {
      for (const act of acts) await act();
      return true;
    } catch (error) {
      tally.failed += 1;
      this.report(name, error);
      return false;
    }
  }
}

function newGroup(name: string, parent: Group | null): Group {
  return { name, parent, hooks: { beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] }, items: [] };
}

function lineage(group: Group): Group[] {
  return group.parent === null ? [group] : [...lineage(group.parent), group];
}

function hasOnly(group: Group): boolean {
  return group.items.some((item) => (isGroup(item) ? hasOnly(item) : item.mode === "only"));
}

/** `%s`, `%d`, `%i`, `%j`, `%o` in turn, as other test libraries do. */
function fill(name: string, cells: readonly unknown[]): string {
  let next = 0;
  return name.replace(/%[sdijo]/g, () => {
    const cell = cells[next];
    next += 1;
    return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
  });
}
