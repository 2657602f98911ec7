/** Which gateway to talk to: by the dojo's id, and the next one when that one does not answer. */

/** FNV-1a over the text's UTF-16 units: the same room picks the same gateway on every machine. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

/** Walks the gateways of one room, beginning at the one that its id names. */
export class Gateways {
  private step = 0;

  /**
   * @param list base addresses, possibly none: then the page's own origin.
   */
  constructor(
    private readonly roomId: string,
    private list: readonly string[],
    private readonly origin: string,
  ) {}

  get current(): string {
    if (this.list.length === 0) return this.origin;
    return this.list[(hash(this.roomId) + this.step) % this.list.length] ?? this.origin;
  }

  /** The present one did not answer. */
  next(): void {
    this.step += 1;
  }

  /** The present one goes away, and says which there are now; one of a former version does not say. */
  leave(told: readonly string[] = []): void {
    const left = this.current;
    if (told.length > 0) this.list = told;
    for (let more = this.list.length; more > 0; more -= 1) {
      this.step += 1;
      if (this.current !== left) return;
    }
  }
}

/** The same address for a WebSocket: http → ws, https → wss. */
export function socketAddress(base: string, path: string): string {
  return base.replace(/^http/, "ws").replace(/\/$/, "") + path;
}

/** Seconds to wait before try number `tries` (0 for the first): doubling from 0.3 to 5, half of it random. */
export function backOff(tries: number, random: () => number = Math.random): number {
  const most = Math.min(5, 0.3 * 2 ** Math.min(tries, 10));
  return most / 2 + (random() * most) / 2;
}
