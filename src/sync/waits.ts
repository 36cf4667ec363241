import type { FabId } from '../clocks/dot.ts';
import type { Cancel, World } from '../world.ts';

/** One wait a peer: a later one replaces the one before. */
export class Waits {
  readonly #world: World;
  readonly #timers = new Map<FabId, Cancel>();
  #ended = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** Runs after a while; at once for 0. */
  after(peer: FabId, afterMs: number, run: () => void): void {
    this.cancel(peer);
    if (this.#ended) return;
    if (afterMs === 0) {
      run();
      return;
    }
    const cancel = this.#world.after('reconnect', afterMs, () => {
      this.#timers.delete(peer);
      run();
    });
    this.#timers.set(peer, cancel);
  }

  /** Ends the wait of a peer, if there is one. */
  cancel(peer: FabId): void {
    this.#timers.get(peer)?.();
    this.#timers.delete(peer);
  }

  /** Ends all waits, and takes no more. */
  end(): void {
    this.#ended = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}
