import type { FabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import { updateBytes } from '../wafer/update.ts';
import type { LaneMessage } from './messages.ts';
import type { CountedLane, LaneKind, PeerTraffic } from './peer-traffic.ts';
import type { IncomingLaneMessage, Stream, StreamHandlers, Transport } from './transport/transport.ts';

/** A transport whose lanes are counted: one that this node dialled is up once something has come on it. */
export function countedTransport(transport: Transport, traffic: PeerTraffic): Transport {
  return {
    dialLive(peer, handlers) {
      const lane = traffic.lane(peer, 'live-to');
      return sending(transport.dialLive(peer, watched(lane, handlers)), lane);
    },
    dialPull(peer, handlers) {
      const lane = traffic.lane(peer, 'catch-up-from');
      return transport.dialPull(peer, receiving(lane, handlers));
    },
    dialOffer(peer, handlers) {
      const lane = traffic.lane(peer, 'offered-to');
      return sending(transport.dialOffer(peer, watched(lane, handlers)), lane);
    },
    close: () => transport.close(),
  };
}

/** Counts a lane that a peer dialled and sends updates on: up from now on. */
export function countedFrom(
  traffic: PeerTraffic,
  peer: FabId,
  kind: LaneKind,
  handlers: StreamHandlers<IncomingLaneMessage>,
): StreamHandlers<IncomingLaneMessage> {
  const lane = traffic.lane(peer, kind);
  lane.up();
  return receiving(lane, handlers);
}

/** Counts the answers on a catch-up lane that a peer dialled. */
export async function* countedAnswers(
  traffic: PeerTraffic,
  peer: FabId,
  messages: AsyncIterable<LaneMessage>,
): AsyncGenerator<LaneMessage> {
  const lane = traffic.lane(peer, 'catch-up-to');
  lane.up();
  let error: WafersyncError | null = null;
  try {
    for await (const message of messages) {
      count(lane, message);
      yield message;
    }
  } catch (thrown) {
    error = WafersyncError.from(thrown);
    throw thrown;
  } finally {
    lane.down(error);
  }
}

function sending(stream: Stream<LaneMessage>, lane: CountedLane): Stream<LaneMessage> {
  return {
    send: (message) => {
      count(lane, message);
      return stream.send(message);
    },
    close: (error) => stream.close(error),
  };
}

function receiving(
  lane: CountedLane,
  handlers: StreamHandlers<IncomingLaneMessage>,
): StreamHandlers<IncomingLaneMessage> {
  const { message, ...others } = watched(lane, handlers);
  return {
    ...others,
    message: (incoming) => {
      count(lane, incoming);
      message(incoming);
    },
  };
}

/** Tells when a lane is up and over. What its first message breaks was never up. */
function watched<In>(lane: CountedLane, handlers: StreamHandlers<In>): StreamHandlers<In> {
  return {
    message: (message) => {
      handlers.message(message);
      lane.up();
    },
    writable: () => handlers.writable(),
    down: (error) => {
      handlers.down(error);
      lane.down(error);
    },
  };
}

function count(lane: CountedLane, message: IncomingLaneMessage): void {
  if (message.type === 'update') lane.carried(updateBytes(message.update));
}
