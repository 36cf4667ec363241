import type { FabId } from '../clocks/dot.ts';
import type { World } from '../world.ts';

/** Longest that what a peer's clock showed is of account, milliseconds. */
const KEPT_MS = 3_600_000;

/**
 * How far the clocks of peers are ahead of this node's, by the times at which they sent their messages. What a message was
 * under way makes a clock seem as much behind.
 */
export class PeerClocks {
  readonly #world: Pick<World, 'nowMs' | 'steadyMs'>;
  /** The latest of each peer. */
  readonly #heard = new Map<FabId, { readonly aheadMs: number; readonly atMs: number }>();

  constructor(world: Pick<World, 'nowMs' | 'steadyMs'>) {
    this.#world = world;
  }

  /** A message came. @param sentAtUs the peer's clock when it sent it, microseconds; 0 where it does not say */
  heard(peer: FabId, sentAtUs: number): void {
    if (sentAtUs === 0) return;
    this.#heard.set(peer, { aheadMs: sentAtUs / 1000 - this.#world.nowMs(), atMs: this.#world.steadyMs() });
  }

  /** By fab, milliseconds; below 0 where it is behind. Such as were heard of within an hour. */
  ahead(): ReadonlyMap<FabId, number> {
    const sinceMs = this.#world.steadyMs() - KEPT_MS;
    const recent = [...this.#heard].filter(([, { atMs }]) => atMs >= sinceMs);
    return new Map(recent.map(([peer, { aheadMs }]) => [peer, aheadMs]));
  }
}
