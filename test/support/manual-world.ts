import type { TimerPurpose, World } from '../../src/world.ts';

/** A world whose clock and timers move only when a test moves them. */
export class ManualWorld implements World {
  now = Date.UTC(2026, 0, 2);
  #seed = 1;
  readonly #timers = new Set<{ purpose: TimerPurpose; atMs: number; run: () => void }>();

  readonly nowMs = (): number => this.now;

  readonly steadyMs = (): number => this.now;

  readonly after = (purpose: TimerPurpose, delayMs: number, run: () => void): (() => void) => {
    const timer = { purpose, atMs: this.now + delayMs, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  readonly random = (bytes: number): Uint8Array => {
    return Uint8Array.from({ length: bytes }, () => {
      this.#seed = (this.#seed * 1103515245 + 12345) % 2 ** 31;
      return this.#seed >> 16;
    });
  };

  /** Timers that are set, by purpose. */
  waiting(purpose: TimerPurpose): number {
    return [...this.#timers].filter((timer) => timer.purpose === purpose).length;
  }

  /** Lets time pass; timers that are due run in order. */
  advance(ms: number): void {
    this.now += ms;
    const due = [...this.#timers].filter(({ atMs }) => atMs <= this.now).sort((a, b) => a.atMs - b.atMs);
    for (const timer of due) {
      this.#timers.delete(timer);
      timer.run();
    }
  }
}
