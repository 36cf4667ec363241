import { realWorld, type TimerPurpose, type World } from '../../src/world.ts';

/** The real world, but timers of some purposes never fire while they are frozen. */
export class FrozenWorld implements World {
  readonly nowMs = realWorld.nowMs;
  readonly steadyMs = realWorld.steadyMs;
  readonly random = realWorld.random;
  readonly #frozen: Set<TimerPurpose>;
  /** Timers that were set while frozen, and not cancelled. */
  readonly #waiting = new Map<object, { readonly purpose: TimerPurpose; readonly run: () => void }>();
  #wake = () => {};

  constructor(frozen: readonly TimerPurpose[]) {
    this.#frozen = new Set(frozen);
  }

  after(purpose: TimerPurpose, delayMs: number, run: () => void): () => void {
    if (!this.#frozen.has(purpose)) return realWorld.after(purpose, delayMs, run);
    const key = {};
    this.#waiting.set(key, { purpose, run });
    this.#wake();
    return () => this.#waiting.delete(key);
  }

  /** How many frozen timers of a purpose were set. */
  waiting(purpose: TimerPurpose): number {
    return [...this.#waiting.values()].filter((timer) => timer.purpose === purpose).length;
  }

  /** Settles when a timer of this purpose waits. */
  async asked(purpose: TimerPurpose): Promise<void> {
    while (this.waiting(purpose) === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Fires what waits for this purpose, and lets its timers run from now on. */
  thaw(purpose: TimerPurpose): void {
    this.#frozen.delete(purpose);
    for (const [key, timer] of [...this.#waiting]) {
      if (timer.purpose !== purpose) continue;
      this.#waiting.delete(key);
      timer.run();
    }
  }
}
