import type { Cancel, TimerPurpose, World } from '../../src/world.ts';

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time that stands still between events. Those of one moment run in the order in which they were set. */
export class VirtualTime {
  #nowMs = 0;
  #order = 0;
  /** Events that ran so far. */
  ran = 0;
  /** A binary heap: no entry is earlier than its parent. */
  readonly #heap: Entry[] = [];
  readonly #cancelled = new Set<number>();

  get nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): Cancel {
    const order = this.#order++;
    this.#push({ atMs: this.#nowMs + delayMs, order, run });
    return () => this.#cancelled.add(order);
  }

  /** Runs what falls due in the next `ms`. */
  runFor(ms: number): void {
    const untilMs = this.#nowMs + ms;
    while (this.#heap.length > 0 && this.#heap[0]!.atMs <= untilMs) this.#runNext();
    this.#nowMs = untilMs;
  }

  /** Runs until nothing is left to come. Throws past `maxEvents`: something goes round and round. */
  drain(maxEvents: number): void {
    for (let events = 0; this.#heap.length > 0; events++) {
      if (events > maxEvents) throw new Error(`not quiet after ${maxEvents} events`);
      this.#runNext();
    }
  }

  /** When the next event falls due, milliseconds; null where none is to come. */
  get nextMs(): number | null {
    return this.#heap[0]?.atMs ?? null;
  }

  /** Runs the next event. */
  step(): void {
    if (this.#heap.length > 0) this.#runNext();
  }

  #runNext(): void {
    const next = this.#pop();
    if (this.#cancelled.delete(next.order)) return;
    this.#nowMs = next.atMs;
    this.ran++;
    next.run();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.push(entry) - 1;
    while (i > 0 && before(entry, heap[(i - 1) >> 1]!)) {
      heap[i] = heap[(i - 1) >> 1]!;
      i = (i - 1) >> 1;
    }
    heap[i] = entry;
  }

  #pop(): Entry {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let i = 0;
    for (let child = 1; child < heap.length; child = 2 * i + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Numbers uniform in [0, 1), the same for the same seed (mulberry32, T. Ettinger). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A world of virtual time. Timers of a frozen purpose never fire. */
export function virtualWorld(
  time: VirtualTime,
  random: () => number,
  frozen: ReadonlySet<TimerPurpose> = new Set(),
): World {
  return {
    nowMs: () => time.nowMs,
    steadyMs: () => time.nowMs,
    after: (purpose, delayMs, run) => (frozen.has(purpose) ? () => {} : time.after(delayMs, run)),
    random: (bytes) => Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256)),
  };
}
