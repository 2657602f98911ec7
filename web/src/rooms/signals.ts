/** Reactions and typing marks: shown for a moment, then gone by themselves. */
import type { Signal } from "./protocol";

const SHOWN: Record<Signal["kind"], number> = { reaction: 4, typing: 3 };
const BOUND = 50;

/** The present ones, oldest first; `changed` is called on each change. */
export class Signals {
  list: readonly Signal[] = [];
  private count = 0;
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(private readonly changed: () => void) {}

  /** A newer typing mark replaces the older one of the same person. */
  add(signal: Omit<Signal, "id" | "at">, at: number): void {
    const id = (this.count += 1);
    const others = this.list.filter((old) => !(signal.kind === "typing" && old.kind === "typing" && old.by === signal.by));
    const { kind, value, by } = signal;
    this.list = [...others, { id, kind, value, by, at }].slice(-BOUND);
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.list = this.list.filter((old) => old.id !== id);
      this.changed();
    }, SHOWN[kind] * 1000);
    this.timers.add(timer);
    this.changed();
  }

  clear(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.list = [];
  }
}
