/** A rate is told over this long, milliseconds. */
export const THROUGHPUT_WINDOW_MS = 10_000;

const SLOT_MS = 1000;
const SLOTS = THROUGHPUT_WINDOW_MS / SLOT_MS;

/** How much went one way of late. */
export interface Rate {
  readonly updatesPerS: number;
  readonly bytesPerS: number;
  /** Over how long, milliseconds. */
  readonly windowMs: number;
}

interface Slot {
  /** Number of the second. */
  readonly second: number;
  updates: number;
  bytes: number;
}

/** Counts updates by the second, as far back as the window reaches. Times are of a clock that is never set. */
export class Throughput {
  readonly #startedMs: number;
  /** Invariant: at most SLOTS, by growing second. */
  readonly #slots: Slot[] = [];

  constructor(startedMs: number) {
    this.#startedMs = startedMs;
  }

  /** An update of some bytes went. */
  count(bytes: number, nowMs: number): void {
    const second = Math.floor(nowMs / SLOT_MS);
    let slot = this.#slots.at(-1);
    if (slot?.second !== second) {
      slot = { second, updates: 0, bytes: 0 };
      this.#slots.push(slot);
      if (this.#slots.length > SLOTS) this.#slots.shift();
    }
    slot.updates++;
    slot.bytes += bytes;
  }

  /** The rate over the last seconds, the one that runs included. */
  rate(nowMs: number): Rate {
    const oldest = Math.floor(nowMs / SLOT_MS) - SLOTS + 1;
    const windowMs = nowMs - Math.max(this.#startedMs, oldest * SLOT_MS);
    let [updates, bytes] = [0, 0];
    for (const slot of this.#slots) {
      if (slot.second < oldest) continue;
      updates += slot.updates;
      bytes += slot.bytes;
    }
    // Within the first second the second is not over.
    const seconds = Math.max(windowMs, SLOT_MS) / 1000;
    return { updatesPerS: updates / seconds, bytesPerS: bytes / seconds, windowMs: seconds * 1000 };
  }
}
