import type { FabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import { type BackoffBounds, backoffMs } from './backoff.ts';
import type { MeshEffect } from './events.ts';

/** What is known of dialling one peer. */
interface Dial {
  /** Live lanes that failed since one was greeted. */
  liveFailures: number;
  /** The latest live lane was ended from this side for what the peer said: dialling sooner does not help. */
  refused: boolean;
  /** Catch-up lanes that failed since one brought something that could be stored. */
  pullFailures: number;
  /** A catch-up lane is being dialled. */
  pullDialling: boolean;
  /** Why the live lane is down; empty while it is up. */
  lastError: string;
}

/** Decides when peers are dialled, live and to catch up. */
export class Dials {
  readonly #dials = new Map<FabId, Dial>();
  readonly #bounds: BackoffBounds;
  readonly #random: () => number;

  /** @param random uniform in [0, 1) */
  constructor(peers: readonly FabId[], bounds: BackoffBounds, random: () => number) {
    this.#bounds = bounds;
    this.#random = random;
    for (const peer of peers) this.#dials.set(peer, newDial());
  }

  peers(): FabId[] {
    return [...this.#dials.keys()];
  }

  lastError(peer: FabId): string {
    return this.#dials.get(peer)?.lastError ?? '';
  }

  dialAll(): MeshEffect[] {
    return this.peers().map((peer) => ({ type: 'dial-outbound', peer, afterMs: 0 }));
  }

  /** Dials these peers from now on: those that are new at once, and no others any more. */
  dialOnly(peers: readonly FabId[]): { readonly dropped: readonly FabId[]; readonly effects: MeshEffect[] } {
    const dropped = this.peers().filter((peer) => !peers.includes(peer));
    for (const peer of dropped) this.#dials.delete(peer);
    const added = peers.filter((peer) => !this.#dials.has(peer));
    for (const peer of added) this.#dials.set(peer, newDial());
    return {
      dropped,
      effects: [
        ...dropped.map((peer): MeshEffect => ({ type: 'stop-dialling', peer })),
        ...added.map((peer): MeshEffect => ({ type: 'dial-outbound', peer, afterMs: 0 })),
      ],
    };
  }

  /** A peer is dialled at once, whatever was left to wait. */
  dialNow(peer: FabId): MeshEffect[] {
    return this.#dials.has(peer) ? [{ type: 'dial-outbound', peer, afterMs: 0 }] : [];
  }

  /** The live lane was greeted. */
  liveUp(peer: FabId): void {
    const dial = this.#of(peer);
    dial.liveFailures = 0;
    dial.refused = false;
    dial.lastError = '';
  }

  /** What the peer said on the live lane cannot be accepted. */
  refuse(peer: FabId): void {
    this.#of(peer).refused = true;
  }

  /** The live lane is down: dials again after a while. */
  liveDown(peer: FabId, error: WafersyncError): MeshEffect[] {
    const dial = this.#of(peer);
    dial.liveFailures++;
    const log: MeshEffect[] =
      dial.lastError === error.line
        ? []
        : [{ type: 'log', level: 'warn', event: 'lane.outbound_down', fields: { peer, reason: error.line } }];
    dial.lastError = error.line;
    return [...log, { type: 'dial-outbound', peer, afterMs: this.#wait(dial.liveFailures) }];
  }

  /**
   * A peer that dials is there: no need to wait out the backoff. Unless it was there before and was refused: two nodes
   * that refuse each other would dial each other without end.
   */
  peerAppeared(peer: FabId): MeshEffect[] {
    const dial = this.#dials.get(peer);
    if (!dial || dial.liveFailures === 0 || dial.refused) return [];
    return [{ type: 'dial-outbound', peer, afterMs: 0 }];
  }

  /** Dials a catch-up lane, unless that is under way. */
  dialPull(peer: FabId): MeshEffect[] {
    const dial = this.#of(peer);
    if (dial.pullDialling) return [];
    dial.pullDialling = true;
    return [{ type: 'dial-pull', peer, afterMs: this.#wait(dial.pullFailures) }];
  }

  pullUp(peer: FabId): void {
    this.#of(peer).pullDialling = false;
  }

  /** A catch-up lane brought something that could be stored. */
  pullServed(peer: FabId): void {
    const dial = this.#dials.get(peer);
    if (dial) dial.pullFailures = 0;
  }

  pullDown(peer: FabId): void {
    const dial = this.#dials.get(peer);
    if (dial) dial.pullFailures++;
  }

  #wait(failures: number): number {
    return backoffMs(failures, this.#bounds, this.#random());
  }

  #of(peer: FabId): Dial {
    const known = this.#dials.get(peer);
    if (!known) throw new WafersyncError('internal', `${peer} is not among the peers that this node dials`);
    return known;
  }
}

function newDial(): Dial {
  return {
    liveFailures: 0,
    refused: false,
    pullFailures: 0,
    pullDialling: false,
    lastError: 'not connected yet',
  };
}
