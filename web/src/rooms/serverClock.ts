/** The server's clock as seen from here. */

const SAMPLE_AGE = 600;

/** Unix seconds on this machine. */
export function localNow(): number {
  return Date.now() / 1000;
}

/** Keeps the offset of the sample with the shortest round trip of the last ten minutes. */
export class ServerClock {
  private offset = 0;
  private best: { roundTrip: number; taken: number } | null = null;

  constructor(private readonly local: () => number = localNow) {}

  now(): number {
    return this.local() + this.offset;
  }

  /** The server said `at` somewhere between `sent` and `received` (both local). */
  sample(at: number, sent: number, received: number): void {
    const roundTrip = Math.max(0, received - sent);
    const isStale = this.best === null || received - this.best.taken > SAMPLE_AGE;
    if (!isStale && this.best !== null && roundTrip > this.best.roundTrip) return;
    this.best = { roundTrip, taken: received };
    this.offset = at - (sent + received) / 2;
  }

  /** Something stamped `at` has arrived: the server's present cannot be before it. */
  bound(at: number, received: number): void {
    if (received + this.offset < at) this.offset = at - received;
  }
}
