import type { FabId } from '../../clocks/dot.ts';
import type { WafersyncError } from '../../errors.ts';
import type { LaneMessage, PeerStatus, PullRequest } from '../messages.ts';

/** One side of a stream between two nodes. */
export interface Stream<Out> {
  /** Hands a message over, in order. False: send no more until `writable`. */
  send(message: Out): boolean;
  /** Ends the stream; `down` follows, once. */
  close(error: WafersyncError): void;
}

/** What a stream tells its owner. */
export interface StreamHandlers<In> {
  message(message: In): void;
  /** The stream takes messages again. */
  writable(): void;
  /** The stream is over; told once, and nothing after it. */
  down(error: WafersyncError): void;
}

/** A lane message as it arrives: an update may turn out to be damaged, or over the size bound. */
export type IncomingLaneMessage = LaneMessage | { readonly type: 'refused'; readonly error: WafersyncError };

/** Dials peers. Live and catch-up lanes are connections of their own. */
export interface Transport {
  dialLive(peer: FabId, handlers: StreamHandlers<PeerStatus>): Stream<LaneMessage>;
  dialPull(peer: FabId, handlers: StreamHandlers<IncomingLaneMessage>): Stream<PullRequest>;
  /** A catch-up lane in reverse: the peer asks on it. */
  dialOffer(peer: FabId, handlers: StreamHandlers<PullRequest>): Stream<LaneMessage>;
  /** Ends all connections. */
  close(): void;
}
