import type { FabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import { type BackoffBounds, backoffMs } from './backoff.ts';
import type { MeshEffect } from './events.ts';

/** The catch-up lanes in reverse: a peer that has no lane to this node, and may be unable to dial it, asks on one of ours. */
export class Offers {
  /** Peers to which one is up, or is to be dialled. */
  readonly #made = new Set<FabId>();
  /** How often one failed since the live lane to the peer came up. */
  readonly #failures = new Map<FabId, number>();
  readonly #bounds: BackoffBounds;
  readonly #random: () => number;

  /** @param random uniform in [0, 1) */
  constructor(bounds: BackoffBounds, random: () => number) {
    this.#bounds = bounds;
    this.#random = random;
  }

  /** The live lane to a peer is up. */
  liveUp(peer: FabId): void {
    this.#failures.delete(peer);
  }

  /** A peer has no lane to this node: it gets an offer after a while, unless it has one by then. */
  make(peer: FabId): MeshEffect[] {
    if (this.#made.has(peer)) return [];
    this.#made.add(peer);
    const failures = this.#failures.get(peer) ?? 0;
    return [{ type: 'offer-after', peer, afterMs: backoffMs(failures + 1, this.#bounds, this.#random()) }];
  }

  /** The while is over. */
  due(peer: FabId, needed: boolean): MeshEffect[] {
    if (needed) return [{ type: 'dial-offer', peer }];
    this.#made.delete(peer);
    return [];
  }

  /** The peer needs none any more: it dials this node. */
  end(
    peer: FabId,
    error: WafersyncError = new WafersyncError('cancelled', `${peer} dials itself`),
  ): MeshEffect[] {
    if (!this.#made.delete(peer)) return [];
    return [{ type: 'end-offer', peer, error }];
  }

  down(peer: FabId): void {
    this.#made.delete(peer);
    this.#failures.set(peer, (this.#failures.get(peer) ?? 0) + 1);
  }
}
