import { wafersync } from '../gen/wafersync.js';
import type { ClockOffset } from '../sync/clock-samples.ts';
import type { PeerBook, PeerCondition, PeerFacts } from '../sync/peer-facts.ts';
import type { Lag } from '../sync/peer-lags.ts';
import type { LaneFailure, LaneKind, LaneView } from '../sync/peer-traffic.ts';
import type { Rate } from '../sync/throughput.ts';
import { fromNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import { unary } from './call.ts';
import { plainly, remedyOf } from './connection-words.ts';

const { PeerCondition: Condition, PeerLaneKind: Kind } = wafersync.v1;

const CONDITIONS: Readonly<Record<PeerCondition, wafersync.v1.PeerCondition>> = {
  connected: Condition.PEER_CONDITION_CONNECTED,
  'only-to': Condition.PEER_CONDITION_ONLY_TO,
  'only-from': Condition.PEER_CONDITION_ONLY_FROM,
  dialling: Condition.PEER_CONDITION_DIALLING,
  paused: Condition.PEER_CONDITION_PAUSED,
  'no-address': Condition.PEER_CONDITION_NO_ADDRESS,
  fenced: Condition.PEER_CONDITION_FENCED,
  removed: Condition.PEER_CONDITION_REMOVED,
  evicted: Condition.PEER_CONDITION_EVICTED,
};

const KINDS: Readonly<Record<LaneKind, wafersync.v1.PeerLaneKind>> = {
  'live-to': Kind.PEER_LANE_KIND_LIVE_TO,
  'live-from': Kind.PEER_LANE_KIND_LIVE_FROM,
  'catch-up-from': Kind.PEER_LANE_KIND_CATCH_UP_FROM,
  'catch-up-to': Kind.PEER_LANE_KIND_CATCH_UP_TO,
  'offered-from': Kind.PEER_LANE_KIND_OFFERED_FROM,
  'offered-to': Kind.PEER_LANE_KIND_OFFERED_TO,
};

/** Handler of ListPeers. */
export function listPeers(book: Pick<PeerBook, 'all'>) {
  return unary<Message<'ListPeersRequest'>, Message<'ListPeersResponse'>>(async () => ({
    peers: (await book.all()).map(toPeer),
  }));
}

function toPeer(facts: PeerFacts): Message<'Peer'> {
  const { traffic, lacks, missing, lag, clock } = facts;
  return {
    fab_id: facts.peer,
    address: facts.address ?? '',
    state: CONDITIONS[facts.condition],
    since_ms: whole(facts.sinceMs),
    last_failure: traffic.failure && toFailure(traffic.failure, facts),
    lacks_updates: fromNumber(lacks.updates),
    lacks_bytes: fromNumber(lacks.bytes),
    lacks_bytes_counted: lacks.counted,
    lacks_since_ms: whole(lacks.sinceMs ?? 0),
    missing_updates: fromNumber(missing.updates),
    missing_bytes_estimate: fromNumber(missing.bytesEstimate),
    reported_at_ms: whole(facts.reportedAtMs ?? 0),
    lag: lag && toLag(lag),
    rtt_ms: facts.rttMs,
    clock: clock && toClock(clock),
    sent: toThroughput(traffic.sent),
    received: toThroughput(traffic.received),
    lanes: traffic.lanes.filter(({ kind, wasUp }) => wasUp || kind.startsWith('live')).map(toLane),
    live_fabs: [...facts.liveFabs],
    epoch: fromNumber(facts.epoch ?? 0),
  };
}

/** For what the library says of a lane that was up. */
const NOTHING_TO_DO = 'Nothing needs to be done: it is dialled again by itself.';

function toFailure({ kind, error, atMs }: LaneFailure, { peer, address }: PeerFacts): Message<'PeerFailure'> {
  const known = remedyOf(error.message, peer, address);
  const remedy = known ? `${known} It is dialled again by itself.` : NOTHING_TO_DO;
  return {
    reason: plainly(error.message),
    remedy: error.hint || remedy,
    at_ms: whole(atMs),
    lane: KINDS[kind],
  };
}

function toLag({ ms, uncertaintyMs, atMs }: Lag): Message<'PeerLag'> {
  return { ms, corrected: uncertaintyMs !== null, uncertainty_ms: uncertaintyMs ?? 0, at_ms: whole(atMs) };
}

function toClock(clock: ClockOffset): Message<'PeerClock'> {
  return {
    offset_ms: clock.offsetMs,
    uncertainty_ms: clock.uncertaintyMs,
    samples: clock.samples,
    measured_at_ms: whole(clock.measuredAtMs),
  };
}

function toThroughput({ updatesPerS, bytesPerS, windowMs }: Rate): Message<'PeerThroughput'> {
  return { updates_per_s: updatesPerS, bytes_per_s: bytesPerS, window_ms: Math.round(windowMs) };
}

function toLane({ kind, up, sinceMs, updates, bytes }: LaneView): Message<'PeerLane'> {
  return {
    kind: KINDS[kind],
    up,
    since_ms: whole(sinceMs),
    updates: fromNumber(updates),
    bytes: fromNumber(bytes),
  };
}

function whole(ms: number) {
  return fromNumber(Math.floor(ms));
}
