import type { FabId } from '../clocks/dot.ts';
import type { LaneId, PeerView } from './events.ts';
import type { InboundLane } from './inbound-lane.ts';
import type { OutboundLane } from './outbound-lane.ts';

/** The live lanes of a node: those that it dialled, and those that were dialled to it. */
export class LiveLanes {
  readonly outbound = new Map<LaneId, OutboundLane>();
  readonly inbound = new Map<LaneId, InboundLane>();

  outboundTo(peer: FabId): OutboundLane | undefined {
    return [...this.outbound.values()].find((lane) => lane.peer === peer);
  }

  inboundFrom(peer: FabId): InboundLane | undefined {
    return [...this.inbound.values()].find((lane) => lane.peer === peer);
  }

  /** Takes a lane that a peer dialled; gives back the one whose place it takes. */
  accept(lane: InboundLane): InboundLane | undefined {
    const former = this.inboundFrom(lane.peer);
    if (former) this.inbound.delete(former.id);
    this.inbound.set(lane.id, lane);
    return former;
  }

  /** The lanes to and from a peer, as operators see them. */
  view(peer: FabId): Pick<PeerView, 'peer' | 'outboundUp' | 'inboundUp' | 'rttMs'> {
    const outbound = this.outboundTo(peer);
    const inboundUp = this.inboundFrom(peer) !== undefined;
    return { peer, outboundUp: outbound?.open ?? false, inboundUp, rttMs: outbound?.rttMs ?? 0 };
  }

  /** Some peers and those that have a lane to this node, sorted. */
  peers(some: readonly FabId[]): FabId[] {
    return [...new Set([...some, ...[...this.inbound.values()].map(({ peer }) => peer)])].sort();
  }
}
