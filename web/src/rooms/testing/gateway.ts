/** A gateway for tests: a real Socket.IO server that keeps one dojo's log and can misbehave on demand. */
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type Socket } from "socket.io";
import type { ProblemBody, RoomEvent } from "../../wire.gen";
import type { Ack, Entered, Entry } from "../protocol";
import { apply } from "../state";
import { ANA, openState, ROOM } from "./state";

type Body = Record<string, unknown>;

/** Answers as the contract says; `answers` replaces what one event gets. */
export class Gateway {
  state = openState();
  log: Entry[] = [];
  received: { event: string; body: Body; token: unknown }[] = [];
  door: "waiting" | "in" = "in";
  /** Why nobody may connect, while it is not null; `refused` counts whom that met. */
  refusal: ProblemBody | null = null;
  refused = 0;
  /** Missed events in one answer. */
  page = 500;
  /** Events that get no answer although they are done. */
  readonly mute = new Set<string>();
  readonly answers = new Map<string, Ack<unknown>>();
  private done = new Map<string, number>();
  private http: HttpServer = createServer();
  private io: Server | null = null;

  async start(port = 0): Promise<this> {
    this.http = createServer();
    this.io = new Server(this.http);
    this.io.use((_, next) => next(this.refuse()));
    this.io.on("connection", (socket) => this.accept(socket));
    await new Promise<void>((resolve) => this.http.listen(port, "127.0.0.1", resolve));
    return this;
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port;
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.io?.disconnectSockets(true);
    await this.io?.close();
  }

  emit(event: string, body: Body): void {
    this.io?.emit(event, body);
  }

  /** Writes an event to the log; `tell` false keeps it from those who listen. */
  append(payload: RoomEvent | null, { tell = true, opId = null as string | null } = {}): number {
    const seq = this.state.seq + 1;
    const kind = payload?.kind ?? "hidden";
    const at = Date.now() / 1000 + 100;
    const entry: Entry = { room_id: ROOM, epoch: 1, seq, op_id: opId, kind, actor_id: ANA, at, payload };
    this.state = apply(this.state, entry);
    this.log.push(entry);
    if (tell) this.io?.emit("room:event", entry);
    return seq;
  }

  told(event: string): Body[] {
    return this.received.filter((one) => one.event === event).map(({ body }) => body);
  }

  private refuse(): Error | undefined {
    if (this.refusal === null) return undefined;
    this.refused += 1;
    return Object.assign(new Error(this.refusal.title), { data: this.refusal });
  }

  private accept(socket: Socket): void {
    socket.onAny((event: string, body: Body, ack: (answer: unknown) => void) => {
      this.received.push({ event, body, token: socket.handshake.auth.token });
      const answer = this.answers.get(event) ?? { ok: true, data: this.answer(event, body) };
      if (!this.mute.has(event)) ack(answer);
    });
  }

  private answer(event: string, body: Body): unknown {
    if (event === "room:enter") return this.enter(body);
    if (event === "session:renew" || event === "signal:send") return null;
    const opId = String(body.op_id);
    const before = this.done.get(opId);
    if (before !== undefined) return { seq: before };
    const message = { id: opId, by: ANA, name: "Ana", to: null, text: String(body.text), at: 1 };
    const seq = this.append({ kind: "chat_sent", message }, { opId });
    this.done.set(opId, seq);
    return { seq };
  }

  private enter(body: Body): Entered {
    if (this.door === "waiting") return { status: "waiting", snapshot: null, events: [] };
    const server_time = Date.now() / 1000 + 100;
    if (body.epoch !== this.state.epoch || typeof body.seq !== "number") {
      return { status: "in", snapshot: this.state, events: [], server_time };
    }
    const since = body.seq;
    const missed = this.log.filter(({ seq }) => seq > since);
    const more = missed.length > this.page;
    return { status: "in", snapshot: null, events: missed.slice(0, this.page), more, server_time };
  }
}
