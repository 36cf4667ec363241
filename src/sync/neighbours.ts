import type { FabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import type { PeerPause } from '../store/pauses.ts';
import type { CatchUp } from './catch-up.ts';
import type { Dials } from './dials.ts';
import type { MeshEffect } from './events.ts';
import type { LiveLanes } from './live-lanes.ts';
import type { Offers } from './offers.ts';

/** The peers that are paused, and how. */
export type Paused = ReadonlyMap<FabId, Pick<PeerPause, 'lanes' | 'reason'>>;

/** A kind of lanes. */
export type LaneKind = 'live' | 'catch-up';

/** What belongs to the lanes of a node. */
export interface NeighboursOptions {
  readonly self: FabId;
  readonly peers: readonly FabId[];
  readonly paused: Paused;
  readonly lanes: LiveLanes;
  readonly dials: Dials;
  readonly offers: Offers;
  readonly catchUp: CatchUp;
}

/**
 * With whom a node syncs: the peers that it dials, less those that are paused. Where only the live lanes of a peer rest
 * they stay up, for what is said on them; nothing is pushed on them, and nothing wanted.
 *
 * Invariant: there is no lane of a peer of which all rest, and no catch-up lane of one of which these rest.
 */
export class Neighbours {
  readonly #options: NeighboursOptions;
  #peers: readonly FabId[];
  #paused: Paused;

  constructor(options: NeighboursOptions) {
    this.#options = options;
    this.#peers = options.peers;
    this.#paused = options.paused;
    options.dials.dialOnly(this.#dialled());
  }

  /** Peers that are dialled or paused. */
  known(): FabId[] {
    return [...new Set([...this.#peers, ...this.#paused.keys()])];
  }

  /** Whether nothing is to be pushed, wanted or asked for on a peer's lanes of a kind. */
  rests(peer: FabId, kind: LaneKind): boolean {
    const lanes = this.#paused.get(peer)?.lanes;
    return lanes === 'all' || lanes === kind;
  }

  /** Why a lane that a peer dials is refused; null where it is not. */
  refusal(peer: FabId, kind: LaneKind): WafersyncError | null {
    const { self } = this.#options;
    const pause = this.#paused.get(peer);
    if (!pause || (pause.lanes !== 'all' && (kind === 'live' || pause.lanes !== kind))) return null;
    return new WafersyncError('unavailable', `${self} has paused ${peer}: ${pause.reason}`, {
      hint: `Nothing is lost: ${peer} catches up after \`wafersync peer resume ${peer}\` at ${self}.`,
    });
  }

  /** These are dialled from now on, and no others; lanes that this node dialled to others are closed. */
  dialOnly(peers: readonly FabId[], moved: readonly FabId[]): MeshEffect[] {
    const { dials, lanes } = this.#options;
    this.#peers = peers;
    const effects = this.#dial();
    for (const peer of moved) if (!lanes.outboundTo(peer)) effects.push(...dials.dialNow(peer));
    return effects;
  }

  /** These are paused from now on, and no others. */
  pause(paused: Paused): MeshEffect[] {
    this.#paused = paused;
    for (const lane of this.#options.lanes.outbound.values()) this.greetOutbound(lane.peer);
    return [...this.#dial(), ...[...paused.keys()].flatMap((peer) => this.#rest(peer))];
  }

  /** A live lane to a peer is as its pause says. */
  greetOutbound(peer: FabId): void {
    this.#options.lanes.outboundTo(peer)?.rest(this.rests(peer, 'live'));
  }

  #dialled(): FabId[] {
    return this.#peers.filter((peer) => this.#paused.get(peer)?.lanes !== 'all');
  }

  #dial(): MeshEffect[] {
    const { dials, lanes, catchUp, offers } = this.#options;
    const { dropped, effects } = dials.dialOnly(this.#dialled());
    const closed = dropped.flatMap((peer) => {
      const error =
        this.refusal(peer, 'live') ?? new WafersyncError('cancelled', `${peer} is not dialled any more`);
      const live = lanes.outboundTo(peer);
      if (live) lanes.outbound.delete(live.id);
      const ended = [...(live ? [live.id] : []), ...catchUp.lanesOf(peer)];
      return [
        ...ended.map((lane): MeshEffect => ({ type: 'close', lane, error })),
        ...offers.end(peer, error),
      ];
    });
    return [...effects, ...closed];
  }

  /** Ends the lanes of a paused peer that may not be. */
  #rest(peer: FabId): MeshEffect[] {
    const { lanes, catchUp, offers } = this.#options;
    const ended = (lane: number, error: WafersyncError): MeshEffect => ({ type: 'close', lane, error });
    const noLive = this.refusal(peer, 'live');
    const noPulls = this.refusal(peer, 'catch-up');
    const inbound = noLive && lanes.inboundFrom(peer);
    if (inbound) lanes.inbound.delete(inbound.id);
    const pulls = noPulls ? catchUp.lanesOf(peer) : [];
    for (const lane of pulls) catchUp.closed(lane);
    return [
      ...(inbound ? [ended(inbound.id, noLive)] : []),
      ...(noPulls ? [...pulls.map((lane) => ended(lane, noPulls)), ...offers.end(peer, noPulls)] : []),
    ];
  }
}
