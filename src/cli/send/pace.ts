import type { World } from '../../world.ts';

/** Lets no more than so many results a second pass. */
export class Pace {
  readonly #world: World;
  readonly #perSecond: number;
  #startMs: number | null = null;
  #results = 0;

  /** @param perSecond results a second; Infinity for no limit */
  constructor(world: World, perSecond: number) {
    this.#world = world;
    this.#perSecond = perSecond;
  }

  /** Counts results that are about to pass, and waits until it is their time. */
  async pass(results: number): Promise<void> {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return;
    this.#startMs ??= this.#world.steadyMs();
    const dueMs = this.#startMs + (this.#results / this.#perSecond) * 1000;
    this.#results += results;
    const waitMs = dueMs - this.#world.steadyMs();
    // Timers are coarse: what is due within a few milliseconds may pass.
    if (waitMs < COARSE_MS) return;
    await new Promise<void>((resolve) => this.#world.after('notify', waitMs, resolve));
  }
}

const COARSE_MS = 4;
