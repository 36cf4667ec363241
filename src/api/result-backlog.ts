import { decodeAttemptTable } from '../wafer/payload/decode.ts';
import type { Update } from '../wafer/update.ts';

/** Bounds of what waits for one watcher. Payloads are shared with the other watchers. */
export interface BacklogBounds {
  readonly updates: number;
  /** Bytes of their payloads. */
  readonly bytes: number;
}

/** What a watcher was not told. */
export interface Missed {
  readonly attempts: number;
  readonly results: number;
}

const NONE: Missed = { attempts: 0, results: 0 };

/** Results updates that wait until a watcher takes them. What is over the bounds is counted and let go. */
export class ResultBacklog {
  readonly #bounds: BacklogBounds;
  readonly #updates: Update[] = [];
  /** Invariant: bytes of the payloads of #updates. */
  #bytes = 0;
  #missed = NONE;
  #wake = () => {};

  constructor(bounds: BacklogBounds) {
    this.#bounds = bounds;
  }

  push(update: Update): void {
    const { length } = update.payload;
    if (this.#updates.length >= this.#bounds.updates || this.#bytes + length > this.#bounds.bytes)
      this.#miss(update);
    else {
      this.#updates.push(update);
      this.#bytes += length;
    }
    this.#wake();
  }

  /** Wakes who waits, without anything new. */
  wake(): void {
    this.#wake();
  }

  /** Waits until something is here, or until it is woken. */
  async filled(): Promise<void> {
    if (this.#updates.length > 0 || this.#missed !== NONE) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  /** The one that waits longest; undefined where none does. */
  shift(): Update | undefined {
    const update = this.#updates.shift();
    this.#bytes -= update?.payload.length ?? 0;
    return update;
  }

  /** What was let go since this was last asked. */
  takeMissed(): Missed {
    const missed = this.#missed;
    this.#missed = NONE;
    return missed;
  }

  #miss({ payload }: Update): void {
    const attempts = decodeAttemptTable(payload);
    const results = attempts.reduce((sum, { resultCount }) => sum + resultCount, 0);
    this.#missed = {
      attempts: this.#missed.attempts + attempts.length,
      results: this.#missed.results + results,
    };
  }
}
