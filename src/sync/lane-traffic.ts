import type { FabId } from '../clocks/dot.ts';
import { updateBytes } from '../wafer/update.ts';
import type { LaneMessage, PeerStatus, PullRequest } from './messages.ts';
import type { IncomingLaneMessage, Stream, StreamHandlers, Transport } from './transport/transport.ts';

type AnyMessage = LaneMessage | IncomingLaneMessage | PeerStatus | PullRequest;

/** What a lane is for: fresh updates, what is missing, or what is missing on a lane that its answerer dialled. */
export type LaneKind = 'live' | 'catch-up' | 'offer';

/** What went over the lanes of one kind to and from one peer, since the node started. */
export interface Traffic {
  readonly peer: FabId;
  readonly lane: LaneKind;
  sentMessages: number;
  /** Updates and test programs that were sent; what is around them is not counted. */
  sentBytes: number;
  receivedMessages: number;
  receivedBytes: number;
}

/** Counts what goes over lanes. Bound: three entries for each fab that was ever a member while the node ran. */
export class LaneTraffic {
  readonly #traffic = new Map<string, Traffic>();

  /** Everything counted so far. */
  get all(): Iterable<Readonly<Traffic>> {
    return this.#traffic.values();
  }

  /** What is counted of a peer's lanes of one kind. */
  of(peer: FabId, lane: LaneKind): Traffic {
    const key = `${peer} ${lane}`;
    const known = this.#traffic.get(key);
    if (known) return known;
    const fresh = { peer, lane, sentMessages: 0, sentBytes: 0, receivedMessages: 0, receivedBytes: 0 };
    this.#traffic.set(key, fresh);
    return fresh;
  }

  /** Makes a stream whose messages are counted. */
  stream<In extends AnyMessage, Out extends AnyMessage>(
    peer: FabId,
    lane: LaneKind,
    handlers: StreamHandlers<In>,
    connect: (handlers: StreamHandlers<In>) => Stream<Out>,
  ): Stream<Out> {
    const traffic = this.of(peer, lane);
    const stream = connect({
      message: (message) => {
        countReceived(traffic, message);
        handlers.message(message);
      },
      writable: () => handlers.writable(),
      down: (error) => handlers.down(error),
    });
    return {
      send: (message) => {
        countSent(traffic, message);
        return stream.send(message);
      },
      close: (error) => stream.close(error),
    };
  }

  /** A transport whose lanes are counted. */
  counted(transport: Transport): Transport {
    return {
      dialLive: (peer, handlers) =>
        this.stream(peer, 'live', handlers, (counting) => transport.dialLive(peer, counting)),
      dialPull: (peer, handlers) =>
        this.stream(peer, 'catch-up', handlers, (counting) => transport.dialPull(peer, counting)),
      dialOffer: (peer, handlers) =>
        this.stream(peer, 'offer', handlers, (counting) => transport.dialOffer(peer, counting)),
      close: () => transport.close(),
    };
  }
}

/** Counts a message to a peer. */
export function countSent(traffic: Traffic, message: AnyMessage): void {
  traffic.sentMessages++;
  traffic.sentBytes += bytesOf(message);
}

/** Counts a message from a peer. */
export function countReceived(traffic: Traffic, message: AnyMessage): void {
  traffic.receivedMessages++;
  traffic.receivedBytes += bytesOf(message);
}

function bytesOf(message: AnyMessage): number {
  if (!('type' in message)) return 0;
  if (message.type === 'update') return updateBytes(message.update);
  return message.type === 'program' ? message.body.length : 0;
}
