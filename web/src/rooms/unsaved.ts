/** Own edits that the server has not acknowledged: kept, and sent again after a break. */
import * as Y from "yjs";

/** One update to send; `edits` counts the changes in it. */
interface Held {
  number: number;
  update: Uint8Array;
  edits: number;
}

/** The server takes 256 kB at once; merged edits stay below it. */
const MERGE_BELOW = 200_000;
const MERGE_FROM = 200;

/** In the order of typing; numbers are never used twice. */
export class Unsaved {
  private held: Held[] = [];
  private last = 0;

  /** Changes that are not stored yet. */
  get edits(): number {
    return this.held.reduce((sum, { edits }) => sum + edits, 0);
  }

  /** Keeps an update, and gives the number to send it with. */
  add(update: Uint8Array): number {
    this.last += 1;
    this.held.push({ number: this.last, update, edits: 1 });
    if (this.held.length > MERGE_FROM * 2) this.merge(MERGE_FROM);
    return this.last;
  }

  /** The server stored it. */
  ack(number: number): void {
    this.held = this.held.filter((held) => held.number !== number);
  }

  /**
   * What to send after a break, in few pieces with new numbers.
   *
   * @param vector what the server has already, as a Yjs state vector.
   */
  again(vector: Uint8Array | null): { number: number; update: Uint8Array }[] {
    this.merge(this.held.length);
    for (const held of this.held) {
      this.last += 1;
      held.number = this.last;
      if (vector !== null && vector.length > 1) held.update = Y.diffUpdate(held.update, vector);
    }
    this.held = this.held.filter(({ update }) => !isEmpty(update));
    return this.held.map(({ number, update }) => ({ number, update }));
  }

  clear(): void {
    this.held = [];
  }

  /** Merges the first `count` into pieces below the size that the server takes. */
  private merge(count: number): void {
    const pieces: Held[] = [];
    let group: Held[] = [];
    let size = 0;
    const close = (): void => {
      const last = group.at(-1);
      if (last === undefined) return;
      const edits = group.reduce((sum, held) => sum + held.edits, 0);
      const update = group.length === 1 ? last.update : Y.mergeUpdates(group.map((held) => held.update));
      pieces.push({ number: last.number, update, edits });
      group = [];
      size = 0;
    };
    for (const held of this.held.slice(0, count)) {
      if (size + held.update.length > MERGE_BELOW) close();
      group.push(held);
      size += held.update.length;
    }
    close();
    this.held = [...pieces, ...this.held.slice(count)];
  }
}

/** No items, no deletions. */
function isEmpty(update: Uint8Array): boolean {
  return update.length === 2 && update[0] === 0 && update[1] === 0;
}
