import { WafersyncError } from '../errors.ts';

/** 2020-01-01T00:00:00Z: where hybrid logical time begins, so that it fits a JS-safe integer until 2089. */
export const HLC_EPOCH_MS = Date.UTC(2020, 0, 1);

const COUNTER = 4096;
const PHYSICAL_MAX = 2 ** 41 - 1;

declare const brand: unique symbol;

/** Milliseconds since {@link HLC_EPOCH_MS} × 4096 + a counter. Ordered as a number; JS-safe. */
export type Timestamp = number & { readonly [brand]: 'Timestamp' };

/** Checks a timestamp. @throws WafersyncError `invalid` */
export function timestamp(value: number): Timestamp {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new WafersyncError('invalid', `timestamp ${value} is not valid`);
  return value as Timestamp;
}

/** Physical part of a timestamp, milliseconds since 1970-01-01T00:00:00Z. */
export function timestampMs(value: Timestamp): number {
  return Math.floor(value / COUNTER) + HLC_EPOCH_MS;
}

/** Timestamp of a moment, counter 0. */
export function timestampAt(unixMs: number): Timestamp {
  const physical = Math.floor(unixMs) - HLC_EPOCH_MS;
  if (!(physical >= 0 && physical <= PHYSICAL_MAX)) {
    throw new WafersyncError('precondition', `the clock reads ${unixMs} ms, outside 2020 to 2089`, {
      hint: 'Set the machine clock.',
    });
  }
  return (physical * COUNTER) as Timestamp;
}

/**
 * Hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014): close to physical time, never equal or
 * less than what was issued or observed before. A full counter runs over into the milliseconds.
 */
export class HybridClock {
  readonly #nowMs: () => number;
  /** Invariant: every timestamp issued or observed so far is ≤ this. */
  #last: Timestamp;

  /** @param restored the greatest timestamp known from before a restart; none is issued at or below it */
  constructor(nowMs: () => number, restored: Timestamp = 0 as Timestamp) {
    this.#nowMs = nowMs;
    this.#last = restored;
  }

  /** Greatest timestamp issued or observed. */
  get last(): Timestamp {
    return this.#last;
  }

  /** A timestamp greater than all before. @throws WafersyncError `precondition` where timestamps end */
  tick(): Timestamp {
    const next = Math.max(timestampAt(this.#nowMs()), this.#last + 1);
    if (next > Number.MAX_SAFE_INTEGER) {
      throw new WafersyncError(
        'precondition',
        'no timestamp is left: one from 2089 was observed or restored',
        {
          hint: 'Set the machine clock and begin a new epoch.',
        },
      );
    }
    this.#last = next as Timestamp;
    return this.#last;
  }

  /** Takes in a timestamp from elsewhere unless it is more than `maxDriftMs` ahead; tells whether it did. */
  observe(seen: Timestamp, maxDriftMs: number): boolean {
    if (timestampMs(seen) - this.#nowMs() > maxDriftMs) return false;
    if (seen > this.#last) this.#last = seen;
    return true;
  }
}
