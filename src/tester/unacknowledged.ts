import type { OutgoingBatch } from '../api/tester-messages.ts';

/** What was handed in and is not known to be durable, in order of position. */
export class Unacknowledged {
  #batches: OutgoingBatch[] = [];
  /** How many of #batches have gone out on the present call. Invariant: 0 ≤ #sent ≤ #batches.length. */
  #sent = 0;
  /** Invariant: results of #batches together. */
  #results = 0;

  /** Results that wait, sent or not. */
  get results(): number {
    return this.#results;
  }

  /** Whether all that waits has gone out on the present call. */
  get allSent(): boolean {
    return this.#sent === this.#batches.length;
  }

  add(batch: OutgoingBatch): void {
    this.#batches.push(batch);
    this.#results += batch.values.length;
  }

  /** Everything up to a position is durable: batches that lie below it wait no more. */
  durableThrough(position: number): void {
    let count = 0;
    while (count < this.#batches.length && lastOf(this.#batches[count]!) <= position) {
      this.#results -= this.#batches[count]!.values.length;
      count++;
    }
    this.#batches.splice(0, count);
    this.#sent = Math.max(0, this.#sent - count);
  }

  /** The next batch to send; null where all has gone out. */
  next(): OutgoingBatch | null {
    if (this.allSent) return null;
    return this.#batches[this.#sent++]!;
  }

  /** A new call has begun: everything that waits goes out again. */
  rewind(): void {
    this.#sent = 0;
  }
}

function lastOf({ first, values }: OutgoingBatch): number {
  return first + values.length - 1;
}
