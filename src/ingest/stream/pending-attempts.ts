import type { Attempt } from '../../wafer/attempt.ts';
import type { WaferKey } from '../../wafer/wafer-key.ts';
import type { WholeAttempt } from './open-attempt.ts';
import type { StreamBounds } from './stream-bounds.ts';

/** Attempts of one wafer that go out together, in growing order of index. */
export interface WaferAttempts {
  readonly wafer: WaferKey;
  readonly attempts: readonly Attempt[];
  /** When the first result of the first of them came in. */
  readonly arrivedMs: number;
}

/** Attempts of one wafer that wait. */
interface Waiting {
  readonly wafer: WaferKey;
  readonly entries: Entry[];
}

type Entry = Pick<WholeAttempt, 'attempt' | 'arrivedMs'>;

/** Whole attempts that wait to be written, wafer by wafer. */
export class PendingAttempts {
  readonly #bounds: StreamBounds;
  /** Invariant: no wafer without attempts. */
  readonly #wafers = new Map<string, Waiting>();
  /** Invariant: results and bytes of all that waits. */
  #results = 0;
  #bytes = 0;

  constructor(bounds: StreamBounds) {
    this.#bounds = bounds;
  }

  get isEmpty(): boolean {
    return this.#wafers.size === 0;
  }

  /** Whether it is time to write, and to take nothing more until that has begun. */
  get isFull(): boolean {
    return this.#results >= this.#bounds.batchResults || this.#bytes >= this.#bounds.batchBytes;
  }

  /** Least index; Infinity where nothing waits. */
  get first(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { entries } of this.#wafers.values()) {
      for (const { attempt } of entries) first = Math.min(first, attempt.index);
    }
    return first;
  }

  add(wafer: WaferKey, entry: Entry): void {
    const { attempt } = entry;
    const key = JSON.stringify([wafer.lot, wafer.waferId, wafer.insertion]);
    const waiting = this.#wafers.get(key);
    if (waiting) waiting.entries.push(entry);
    else this.#wafers.set(key, { wafer, entries: [entry] });
    this.#results += attempt.results.length;
    this.#bytes += attemptBytes(attempt);
  }

  /** Takes out the next batch: of the wafer that waits longest, at least one attempt, several only within bounds. */
  take(): WaferAttempts | null {
    for (const [key, { wafer, entries }] of this.#wafers) {
      entries.sort((a, b) => a.attempt.index - b.attempt.index);
      const batch = entries.splice(0, this.#fitting(entries));
      if (entries.length === 0) this.#wafers.delete(key);
      for (const { attempt } of batch) {
        this.#results -= attempt.results.length;
        this.#bytes -= attemptBytes(attempt);
      }
      return { wafer, attempts: batch.map(({ attempt }) => attempt), arrivedMs: batch[0]!.arrivedMs };
    }
    return null;
  }

  #fitting(entries: readonly Entry[]): number {
    let results = 0;
    let bytes = 0;
    const over = entries.findIndex(({ attempt }) => {
      results += attempt.results.length;
      bytes += attemptBytes(attempt);
      return results > this.#bounds.batchResults || bytes > this.#bounds.batchBytes;
    });
    return over === -1 ? entries.length : Math.max(over, 1);
  }
}

/** Size of an attempt's columns: more than any encoding of it takes. */
function attemptBytes({ partId, results }: Attempt): number {
  const { tests, testFlags, parmFlags, valueCounts, values, timesUs } = results;
  const columns = tests.byteLength + testFlags.byteLength + parmFlags.byteLength + valueCounts.byteLength;
  return 64 + 3 * partId.length + columns + values.byteLength + (timesUs?.byteLength ?? 0);
}
