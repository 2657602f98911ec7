/**
 * One page's line to one dojo: enters, applies every event in order, comes back by itself.
 *
 * The framework is not in here: `subscribe` and `snapshot` are what React's store hook wants.
 */
import { io, type Socket } from "socket.io-client";
import type { Drain, Expelled, NodeStatus, ProblemBody, RoomState } from "../wire.gen";
import { backOff, Gateways } from "./gateways";
import { newId } from "./ids";
import { isTooLargeForSocket, passes } from "./largeCommands";
import { Outbox, type Waiting } from "./outbox";
import { ownProblem, type OwnProblem } from "./problems";
import type { Ack, CommandName, CommandPayload, Dojo, DojoOptions, DojoStatus, Entered, Entry, Signal } from "./protocol";
import { localNow, ServerClock } from "./serverClock";
import { Signals } from "./signals";
import { apply } from "./state";
import { Timers } from "./timers";

const RECENT_KEPT = 50;
const EARLY_BOUND = 2000;
/** Seconds until a command that HTTP did not take is tried again. */
const POST_AGAIN = 2;
/** Statuses in which nothing goes on by itself any more. */
const FINAL: ReadonlySet<DojoStatus> = new Set(["expelled", "ended", "refused", "denied"]);

/** The line. `start` opens it, `stop` closes it for good. */
export class DojoConnection {
  private socket: Socket | null = null;
  private gateways: Gateways | null = null;
  private state: RoomState | null = null;
  private status: DojoStatus = "connecting";
  private since = localNow();
  private problem: ProblemBody | null = null;
  private recent: readonly Entry[] = [];
  private roundTrip: number | null = null;
  private isDegraded = false;
  private readonly clock = new ServerClock();
  private readonly outbox: Outbox;
  private readonly signals = new Signals(() => this.changed());
  /** Events that came while the answer to `room:enter` was on its way; null otherwise. */
  private early: Entry[] | null = null;
  private tries = 0;
  private isEntering = false;
  private isStopped = true;
  /** Whose eyes saw `state`: another person may see other messages. */
  private enteredAs: string | null = null;
  /** The token with which the line was opened, or last renewed. */
  private token: string | null = null;
  /** A token that the server refused. */
  private stale: string | null = null;
  /** Gaps seen since the last good entry: with a second one the whole state is asked for. */
  private gaps = 0;
  private unsubscribe: (() => void) | null = null;
  private readonly timers = new Timers();
  private readonly listeners = new Set<() => void>();
  private view: Dojo;

  constructor(private readonly options: DojoOptions) {
    this.outbox = new Outbox(options.roomId);
    this.view = this.look();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): Dojo => this.view;

  start(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    if (FINAL.has(this.status)) this.to("connecting", null);
    if (this.enteredAs !== this.options.credentials.myId()) this.state = null;
    this.unsubscribe = this.options.credentials.subscribe((token) => this.renew(token));
    void this.connect();
  }

  /** Closes the line without leaving the dojo: the seat is kept for a while. */
  stop(): void {
    this.isStopped = true;
    this.unsubscribe?.();
    this.hangUp();
    this.timers.cancel("expire");
    this.signals.clear();
    this.outbox.clear({ ok: false, problem: ownProblem("offline") });
  }

  /** The machine is online again, or the page visible: do not wait for the back-off. */
  readonly hurry = (): void => {
    if (this.timers.has("connect")) this.timers.later("connect", 0, () => void this.connect());
  };

  readonly serverNow = (): number => this.clock.now();

  readonly command = <N extends CommandName>(name: N, payload: CommandPayload<N>): Promise<Ack> => {
    if (name === "signal:send") return this.signal(payload);
    if (FINAL.has(this.status)) return Promise.resolve({ ok: false, problem: this.problem ?? ownProblem("left") });
    return new Promise((resolve) => {
      this.outbox.add(name, payload, resolve);
      if (this.status !== "in") this.expireLater();
      this.flush();
      this.changed();
    });
  };

  readonly knock = (): void => {
    if (!FINAL.has(this.status)) return this.hurry();
    this.to("connecting", null);
    if (this.socket?.connected) void this.enter();
    else void this.connect();
  };

  readonly leave = async (): Promise<void> => {
    if (this.socket?.connected) await this.ask("room:leave", this.body(), 2);
    this.to("ended", ownProblem("left"));
    this.hangUp();
  };

  // ── the line ────────────────────────────────────────────────────────────────────────────────

  private async connect(): Promise<void> {
    this.hangUp();
    if (this.isStopped || FINAL.has(this.status)) return;
    try {
      this.gateways ??= new Gateways(this.options.roomId, await this.options.gateways(), this.options.origin);
      const token = await this.options.credentials.token(this.stale);
      if (this.isStopped || this.socket !== null) return;
      if (token === null) return this.finish("ended", "signed-out");
      this.token = token;
      this.open(this.gateways.current, token);
    } catch {
      this.retry();
    }
  }

  private open(address: string, token: string): void {
    const socket = io(address, {
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnection: false,
      forceNew: true,
      timeout: 5000,
      auth: { token },
    });
    this.socket = socket;
    socket.on("connect", () => void this.enter());
    socket.on("connect_error", (error) => this.lost(error));
    socket.on("disconnect", () => this.lost(null));
    socket.on("room:event", (entry: Entry) => this.receive(entry));
    socket.on("room:signal", (signal: Omit<Signal, "id" | "at">) => this.signals.add(signal, this.serverNow()));
    socket.on("lobby:changed", (change: { outcome: "admitted" | "denied" | "closed" }) => this.lobby(change.outcome));
    socket.on("room:expelled", ({ reason }: Expelled) => this.finish(reason === "left" ? "ended" : "expelled", reason));
    socket.on("session:ended", () => this.finish("ended", "signed-out"));
    socket.on("node:status", (word: NodeStatus) => this.changed(word.is_degraded));
    socket.on("node:drain", (word: Drain) => this.drain(word));
  }

  private lost(error: (Error & { data?: ProblemBody }) | null): void {
    this.hangUp();
    if (this.isStopped || FINAL.has(this.status)) return;
    if (error?.data?.status === 401) this.stale = this.token;
    else if (error !== null) this.gateways?.next();
    const isCrowded = error?.data?.code === "too-many";
    this.retry(error?.data?.retry_after ?? 0, isCrowded ? ownProblem("too-many-windows") : null);
  }

  private retry(atLeast = 0, problem: ProblemBody | null = null): void {
    if (this.isStopped || FINAL.has(this.status)) return;
    this.to(this.status === "in" ? "reconnecting" : this.status, problem);
    this.timers.later("connect", Math.max(atLeast, backOff(this.tries)), () => void this.connect());
    this.tries += 1;
    this.expireLater();
  }

  private drain({ wait_ms, gateways }: Drain): void {
    this.gateways?.leave(gateways);
    this.timers.later("connect", (Math.random() * Math.max(0, wait_ms)) / 1000, () => {
      if (this.status === "in") this.to("reconnecting", null);
      void this.connect();
    });
  }

  private hangUp(): void {
    this.timers.cancel("connect", "knock");
    this.outbox.forgetSent();
    this.isEntering = false;
    this.isDegraded = false;
    this.early = null;
    this.socket?.removeAllListeners();
    this.socket?.disconnect();
    this.socket = null;
  }

  private finish(status: "expelled" | "ended" | "refused", why: OwnProblem | ProblemBody): void {
    const problem = typeof why === "string" ? ownProblem(why) : why;
    this.to(status, problem);
    this.hangUp();
    this.outbox.clear({ ok: false, problem });
  }

  // ── coming in ───────────────────────────────────────────────────────────────────────────────

  private async enter(): Promise<void> {
    const socket = this.socket;
    if (socket === null || this.isEntering) return;
    this.isEntering = true;
    this.early ??= [];
    const had = this.gaps > 1 ? null : this.state && { epoch: this.state.epoch, seq: this.state.seq };
    const sent = localNow();
    const ack = await this.ask<Entered>("room:enter", { ...this.body(), device: this.options.device, ...had });
    if (socket !== this.socket) return;
    this.isEntering = false;
    if (!ack.ok) return this.notEntered(ack.problem);
    if (ack.data.server_time) this.clock.sample(ack.data.server_time, sent, localNow());
    this.tries = 0;
    if (ack.data.status === "waiting") this.wait();
    else this.entered(ack.data);
  }

  private entered(answer: Entered): void {
    const { snapshot } = answer;
    const isNewer = snapshot !== null && (snapshot.epoch !== this.state?.epoch || snapshot.seq >= this.state.seq);
    if (isNewer) this.state = snapshot;
    this.enteredAs = this.options.credentials.myId();
    if (this.state === null) return this.notEntered(ownProblem("no-answer"));
    if (answer.more) return this.readOn(answer.events);
    const missed = [...answer.events, ...(this.early ?? [])];
    this.early = null;
    if (this.state.is_open) this.to("in", null);
    for (const entry of missed) this.take(entry);
    if (!this.state.is_open) this.to("ended", null);
    this.flush();
    this.changed();
  }

  /** So much was missed that it comes in pages; what happens meanwhile waits. */
  private readOn(page: readonly Entry[]): void {
    for (const entry of page) this.take(entry);
    this.changed();
    void this.enter();
  }

  private notEntered(problem: ProblemBody): void {
    if (problem.status === 401) {
      this.stale = this.token;
    } else if (problem.code === "room-closed" && this.state !== null) {
      this.state = { ...this.state, is_open: false };
      return this.finish("ended", problem);
    } else if (problem.status !== 429 && problem.status < 500) {
      return this.finish(problem.code === "banned" ? "expelled" : "refused", problem);
    }
    this.hangUp();
    this.retry(problem.retry_after ?? 0);
  }

  private wait(): void {
    this.early = null;
    this.to("waiting", null);
    this.timers.later("knock", this.options.knockEvery ?? 5, () => void this.enter());
  }

  private lobby(outcome: "admitted" | "denied" | "closed"): void {
    if (outcome === "admitted") return void this.enter();
    this.timers.cancel("knock");
    this.to(outcome === "denied" ? "denied" : "ended", null);
  }

  /** The session store has a newer token: the gateway closes the line when the old one ends. */
  private renew(token: string | null): void {
    if (token === null) {
      if (this.token !== null && !FINAL.has(this.status)) this.finish("ended", "signed-out");
    } else if (token !== this.token && this.socket?.connected) {
      this.token = token;
      void this.ask("session:renew", { token });
    }
  }

  // ── events ──────────────────────────────────────────────────────────────────────────────────

  private receive(entry: Entry): void {
    if (entry.room_id !== this.options.roomId) return;
    const sent = this.outbox.sentAt(entry.op_id);
    if (sent !== null) this.clock.sample(entry.at, sent, localNow());
    this.clock.bound(entry.at, localNow());
    if (this.early !== null) {
      if (this.early.length < EARLY_BOUND) this.early.push(entry);
      return;
    }
    this.take(entry);
    this.changed();
  }

  private take(entry: Entry): void {
    const state = this.state;
    if (state === null || (entry.epoch === state.epoch && entry.seq <= state.seq)) return;
    if (entry.epoch !== state.epoch || entry.seq !== state.seq + 1) {
      this.gaps += 1;
      return void this.enter();
    }
    this.gaps = 0;
    this.state = apply(state, entry);
    this.recent = [...this.recent, entry].slice(-RECENT_KEPT);
    if (entry.kind === "session_closed") this.to("ended", null);
  }

  // ── commands ────────────────────────────────────────────────────────────────────────────────

  private flush(): void {
    if (this.status !== "in" || !this.socket?.connected || this.isEntering) return;
    for (const waiting of this.outbox.unsent()) void this.send(waiting);
  }

  private async send(waiting: Waiting): Promise<void> {
    const socket = this.socket;
    this.outbox.sent(waiting);
    const isLarge = isTooLargeForSocket(waiting);
    const ack = isLarge ? await this.options.post(waiting) : await this.ask<{ seq: number }>(waiting.name, waiting.body);
    if (isLarge && !ack.ok && passes(ack.problem)) return this.postLater(waiting, ack.problem);
    if (!ack.ok && ack.problem.code === "no-answer") {
      if (socket === this.socket && waiting.isSent) this.lost(null);
      return;
    }
    this.outbox.settle(waiting, ack);
    this.changed();
  }

  /** HTTP did not get through; the line itself may be well. */
  private postLater(waiting: Waiting, problem: ProblemBody): void {
    this.timers.later(`post ${waiting.body.op_id}`, Math.max(problem.retry_after ?? 0, POST_AGAIN), () => {
      waiting.isSent = false;
      this.flush();
    });
  }

  private signal(payload: object): Promise<Ack> {
    if (this.status !== "in" || !this.socket?.connected) {
      return Promise.resolve({ ok: false, problem: ownProblem("offline") });
    }
    return this.ask("signal:send", { ...payload, room_id: this.options.roomId });
  }

  private expireLater(): void {
    if (!this.timers.has("expire") && this.outbox.size > 0) this.timers.later("expire", 1, () => this.expire());
  }

  private expire(): void {
    this.outbox.expire(localNow());
    if (this.status !== "in") this.expireLater();
    this.changed();
  }

  /** Emits with an answer in time, or the problem `no-answer`. */
  private async ask<T = null>(event: string, body: object, patience?: number): Promise<Ack<T>> {
    const socket = this.socket;
    const sent = localNow();
    try {
      if (socket === null) return { ok: false, problem: ownProblem("no-answer") };
      const wait = (patience ?? this.options.patience ?? 10) * 1000;
      const ack = (await socket.timeout(wait).emitWithAck(event, body)) as Ack<T>;
      this.roundTrip = localNow() - sent;
      return ack;
    } catch {
      return { ok: false, problem: ownProblem("no-answer") };
    }
  }

  private body(): { room_id: string; op_id: string } {
    return { room_id: this.options.roomId, op_id: newId() };
  }

  // ── the view ────────────────────────────────────────────────────────────────────────────────

  private to(status: DojoStatus, problem: ProblemBody | null): void {
    if (status !== this.status) this.since = localNow();
    this.status = status;
    this.problem = problem;
    this.changed();
  }

  private changed(isDegraded = this.isDegraded): void {
    this.isDegraded = isDegraded;
    this.view = this.look();
    for (const listener of this.listeners) listener();
  }

  private look(): Dojo {
    const myId = this.options.credentials.myId();
    return {
      roomId: this.options.roomId,
      status: this.status,
      since: this.since,
      state: this.state,
      myId,
      me: (myId !== null && this.state?.people[myId]) || null,
      problem: this.problem,
      signals: this.signals.list,
      queued: this.status === "in" ? 0 : this.outbox.size,
      recent: this.recent,
      roundTrip: this.roundTrip,
      isDegraded: this.isDegraded,
      serverNow: this.serverNow,
      command: this.command,
      knock: this.knock,
      leave: this.leave,
    };
  }
}
