import type { FabId } from '../../clocks/dot.ts';
import { WafersyncError } from '../../errors.ts';
import { updateBytes } from '../../wafer/update.ts';
import type { LaneMessage, PeerStatus, PullRequest } from '../messages.ts';
import type { Direction, PeerRates } from '../peer-rates.ts';
import type { IncomingLaneMessage, Stream, StreamHandlers, Transport } from './transport.ts';

/** A transport whose lanes go no faster than the limits of their peers, and that hears what peers say of theirs. */
export function pacedTransport(transport: Transport, rates: PeerRates): Transport {
  return {
    dialLive: (peer, handlers) => transport.dialLive(peer, hearing(peer, rates, handlers)),
    dialPull: (peer, handlers) =>
      askingInTurn(peer, rates, transport.dialPull(peer, counted(peer, rates, handlers))),
    dialOffer: (peer, handlers) => {
      const message = (request: PullRequest) =>
        rates.inTurn(peer, 'to', () =>
          endingOnFailure(stream, () => handlers.message(chunked(peer, rates, request))),
        );
      const stream = transport.dialOffer(peer, { ...handlers, message });
      return {
        send: (sent) => {
          count(peer, rates, 'to', sent);
          return stream.send(sent);
        },
        close: (error) => stream.close(error),
      };
    },
    close: () => {
      rates.stop();
      transport.close();
    },
  };
}

/** Hears how much a peer takes pushed, for as long as the lane is up. */
function hearing(
  peer: FabId,
  rates: PeerRates,
  handlers: StreamHandlers<PeerStatus>,
): StreamHandlers<PeerStatus> {
  return {
    ...handlers,
    message: (status) => {
      rates.said(peer, status.maxPushBytesPerS ?? 0);
      handlers.message(status);
    },
    down: (error) => {
      rates.said(peer, 0);
      handlers.down(error);
    },
  };
}

/** What comes from a peer, counted as it comes. */
export function counted(
  peer: FabId,
  rates: PeerRates,
  handlers: StreamHandlers<IncomingLaneMessage>,
): StreamHandlers<IncomingLaneMessage> {
  return {
    ...handlers,
    message: (message) => {
      count(peer, rates, 'from', message);
      handlers.message(message);
    },
  };
}

/** A catch-up lane on which a peer is asked for no more than its limit lets through. */
export function askingInTurn(
  peer: FabId,
  rates: PeerRates,
  stream: Stream<PullRequest>,
): Stream<PullRequest> {
  return {
    send: (request) => {
      rates.inTurn(peer, 'from', () =>
        endingOnFailure(stream, () => stream.send(chunked(peer, rates, request))),
      );
      return true;
    },
    close: (error) => stream.close(error),
  };
}

/** What waited for its turn is done by a timer: what it throws ends its lane, as anything does that a lane brings. */
function endingOnFailure(stream: Pick<Stream<never>, 'close'>, work: () => void): void {
  try {
    work();
  } catch (thrown) {
    stream.close(WafersyncError.from(thrown));
  }
}

/** A request for no more at once than the limit of the peer lets through in half a second. */
export function chunked(peer: FabId, rates: PeerRates, request: PullRequest): PullRequest {
  return { ...request, maxBytes: rates.chunk(peer, request.maxBytes) };
}

/** Counts what goes to a peer, or comes from it. */
export function count(
  peer: FabId,
  rates: PeerRates,
  direction: Direction,
  message: LaneMessage | IncomingLaneMessage,
): void {
  if (message.type === 'update') rates.spend(peer, direction, updateBytes(message.update));
  else if (message.type === 'program') rates.spend(peer, direction, message.body.length);
}
