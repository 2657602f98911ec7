/** Commands on their way: kept until they are acknowledged, and resent with the same `op_id`. */
import { newId } from "./ids";
import { ownProblem } from "./problems";
import type { Ack, CommandName } from "./protocol";
import { localNow } from "./serverClock";

/** Most commands that wait at once. */
export const OUTBOX_BOUND = 200;
/** Seconds after which a command that was meant for that moment is given up. */
const MOMENT = 15;
/** What is worth sending however late it is. */
const LASTING: ReadonlySet<CommandName> = new Set([
  "chat:send",
  "light:report",
  "file:add",
  "file:rename",
  "file:remove",
  "hand:set",
]);

/** A command that has no answer yet. */
export interface Waiting {
  name: CommandName;
  body: Record<string, unknown> & { room_id: string; op_id: string };
  asked: number;
  isSent: boolean;
  settle: (ack: Ack) => void;
}

const TIMES_KEPT = 50;

/** In the order in which they were asked. */
export class Outbox {
  private readonly waiting = new Map<string, Waiting>();
  /** When the last ones were sent, by `op_id`: their events tell the server's time. */
  private readonly times = new Map<string, number>();

  constructor(private readonly roomId: string) {}

  get size(): number {
    return this.waiting.size;
  }

  /** Puts a command at the end; with a full outbox, `settle` hears at once that it was refused. */
  add(name: CommandName, payload: object, settle: (ack: Ack) => void): Waiting | null {
    if (this.waiting.size >= OUTBOX_BOUND) {
      settle({ ok: false, problem: ownProblem("too-many-waiting") });
      return null;
    }
    const body = { ...payload, room_id: this.roomId, op_id: newId() };
    const entry: Waiting = { name, body, asked: localNow(), isSent: false, settle };
    this.waiting.set(body.op_id, entry);
    return entry;
  }

  /** Those to send now, in order. */
  unsent(): Waiting[] {
    return [...this.waiting.values()].filter((entry) => !entry.isSent);
  }

  /** It is on its way now. */
  sent(entry: Waiting): void {
    entry.isSent = true;
    this.times.set(entry.body.op_id, localNow());
    const [oldest] = this.times.keys();
    if (this.times.size > TIMES_KEPT && oldest !== undefined) this.times.delete(oldest);
  }

  /** When the command was sent that made an event with this `op_id`; null when it was not one of these. */
  sentAt(opId: string | null): number | null {
    return (opId !== null && this.times.get(opId)) || null;
  }

  /** The line broke: whatever has no answer must be sent again. */
  forgetSent(): void {
    for (const entry of this.waiting.values()) entry.isSent = false;
  }

  /** The answer has come. */
  settle(entry: Waiting, ack: Ack): void {
    if (this.waiting.delete(entry.body.op_id)) entry.settle(ack);
  }

  /** Gives up what was meant for a moment that is over; what has been sent may still count. */
  expire(now: number): void {
    for (const entry of this.waiting.values()) {
      if (!LASTING.has(entry.name) && !entry.isSent && now - entry.asked > MOMENT) {
        this.settle(entry, { ok: false, problem: ownProblem("offline") });
      }
    }
  }

  /** Nothing of it will be sent any more. */
  clear(ack: Ack): void {
    for (const entry of [...this.waiting.values()]) this.settle(entry, ack);
  }
}
