/** Pyodide's worker: loaded on demand, kept warm, replaced when a run had to be stopped. */
import type { SourceFile } from "../../wire.gen";
import type { FromWorker, Outcome, ToPython } from "./messages";

/** What the Python runtime is doing; JavaScript is always "ready". */
export interface RuntimeStatus {
  phase: "idle" | "loading" | "ready" | "failed";
  /** 0 to 1 while loading, as far as it can be known. */
  progress: number;
}

const IDLE: RuntimeStatus = { phase: "idle", progress: 0 };
const LOADING: RuntimeStatus = { phase: "loading", progress: 0 };
const READY: RuntimeStatus = { phase: "ready", progress: 1 };
const FAILED: RuntimeStatus = { phase: "failed", progress: 0 };

/** Where our server has Pyodide's files. */
const BASE = "/pyodide/";
/** Its large files, and their bytes together. */
const LARGE = ["pyodide.asm.wasm", "python_stdlib.zip", "pyodide.asm.mjs"] as const;
const TOTAL = 13_400_000;
/** How much of the progress is fetching; the rest is starting. */
const FETCHING = 0.85;

/** One interpreter at a time. Runs must not overlap: the caller waits for one before the next. */
export class PythonRuntime {
  private worker: Worker | null = null;
  private loading: Promise<void> | null = null;
  private isFetched = false;
  private status: RuntimeStatus = IDLE;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly newWorker: () => Worker,
    private readonly base: () => string = () => new URL(BASE, location.href).href,
  ) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): RuntimeStatus => this.status;

  /** Resolves when Python can run; rejects when it cannot be loaded. A later call tries again. */
  load(): Promise<void> {
    this.loading ??= this.start().catch((error: unknown) => {
      this.end(FAILED);
      throw error;
    });
    return this.loading;
  }

  /** Runs the tests among the files. Rejects when `signal` stops it; a fresh interpreter is then loaded. */
  async run(files: readonly SourceFile[], show: (text: string) => void, signal: AbortSignal): Promise<Outcome> {
    await this.load();
    const worker = this.worker;
    if (worker === null) throw new Error("Python is not loaded.");
    try {
      const outcome = await new Promise<Outcome>((resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("stopped")));
        worker.onerror = (event) => reject(new Error(event.message));
        worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
          if (data.kind === "output") show(data.text);
          if (data.kind === "done") resolve(data.outcome);
        };
        this.tell(worker, { kind: "run", files });
      });
      if (outcome.note === "crashed") this.renew();
      return outcome;
    } catch (error) {
      this.renew();
      throw error;
    }
  }

  /** Throws the interpreter away and loads another, so that the next run does not wait for it. */
  private renew(): void {
    this.end(IDLE);
    // Whoever runs next hears of a failure: `load` rejects for them as well.
    this.load().catch(() => undefined);
  }

  private async start(): Promise<void> {
    this.to(LOADING);
    await this.fetch();
    const worker = this.newWorker();
    this.worker = worker;
    await new Promise<void>((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message || "The worker cannot be loaded."));
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        if (data.kind === "failed") reject(new Error(data.why));
        if (data.kind !== "ready") return;
        this.to(READY);
        resolve();
      };
      this.tell(worker, { kind: "load", base: this.base() });
    });
  }

  /**
   * Brings the large files into the browser's cache, counting. The worker then takes them from there by
   * itself: a browser keeps compiled code only for what it fetched untouched.
   */
  private async fetch(): Promise<void> {
    if (this.isFetched) return this.to({ phase: "loading", progress: FETCHING });
    let bytes = 0;
    const count = (more: number): void => {
      bytes += more;
      this.to({ phase: "loading", progress: Math.min(FETCHING, (bytes / TOTAL) * FETCHING) });
    };
    await Promise.all(LARGE.map((name) => drain(this.base() + name, count)));
    this.isFetched = true;
  }

  private tell(worker: Worker, message: ToPython): void {
    worker.postMessage(message);
  }

  private end(status: RuntimeStatus): void {
    this.worker?.terminate();
    this.worker = null;
    this.loading = null;
    this.to(status);
  }

  private to(status: RuntimeStatus): void {
    this.status = status;
    for (const listener of this.listeners) listener();
  }
}

async function drain(address: string, count: (bytes: number) => void): Promise<void> {
  const response = await fetch(address);
  if (!response.ok || response.body === null) throw new Error(`${address}: ${response.status}`);
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) count(part.value.length);
}
