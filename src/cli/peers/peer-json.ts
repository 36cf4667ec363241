import { wafersync } from '../../gen/wafersync.js';
import { toNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';

/** A peer as `wafersync peers --json` prints it. */
export type PeerJson = ReturnType<typeof peerJson>;

/** Keys of `--json`: those of the proto, numbers as numbers, what is absent as null, enums as words. */
export function peerJson(peer: Message<'Peer'>) {
  return {
    fab_id: peer.fab_id ?? '',
    address: peer.address ?? '',
    state: conditionWord(peer.state),
    since_ms: toNumber(peer.since_ms),
    last_failure: peer.last_failure
      ? {
          reason: peer.last_failure.reason ?? '',
          remedy: peer.last_failure.remedy ?? '',
          at_ms: toNumber(peer.last_failure.at_ms),
          lane: laneWord(peer.last_failure.lane),
        }
      : null,
    lacks_updates: toNumber(peer.lacks_updates),
    lacks_bytes: toNumber(peer.lacks_bytes),
    lacks_bytes_counted: peer.lacks_bytes_counted ?? false,
    lacks_since_ms: toNumber(peer.lacks_since_ms),
    missing_updates: toNumber(peer.missing_updates),
    missing_bytes_estimate: toNumber(peer.missing_bytes_estimate),
    reported_at_ms: toNumber(peer.reported_at_ms),
    lag: peer.lag ? lagOf(peer.lag) : null,
    rtt_ms: peer.rtt_ms ?? 0,
    clock: peer.clock ? clockOf(peer.clock) : null,
    sent: throughputOf(peer.sent ?? {}),
    received: throughputOf(peer.received ?? {}),
    lanes: (peer.lanes ?? []).map((lane) => ({
      kind: laneWord(lane.kind),
      up: lane.up ?? false,
      since_ms: toNumber(lane.since_ms),
      updates: toNumber(lane.updates),
      bytes: toNumber(lane.bytes),
    })),
    live_fabs: peer.live_fabs ?? [],
    epoch: toNumber(peer.epoch),
  };
}

function lagOf({ ms, corrected, uncertainty_ms, at_ms }: Message<'PeerLag'>) {
  return {
    ms: ms ?? 0,
    corrected: corrected ?? false,
    uncertainty_ms: uncertainty_ms ?? 0,
    at_ms: toNumber(at_ms),
  };
}

function clockOf(clock: Message<'PeerClock'>) {
  return {
    offset_ms: clock.offset_ms ?? 0,
    uncertainty_ms: clock.uncertainty_ms ?? 0,
    samples: clock.samples ?? 0,
    measured_at_ms: toNumber(clock.measured_at_ms),
  };
}

function throughputOf({ updates_per_s, bytes_per_s, window_ms }: Message<'PeerThroughput'>) {
  return {
    updates_per_s: updates_per_s ?? 0,
    bytes_per_s: bytes_per_s ?? 0,
    window_ms: window_ms ?? 0,
  };
}

function conditionWord(value: number | null | undefined): string {
  return wordOf(wafersync.v1.PeerCondition, value, 'PEER_CONDITION_');
}

function laneWord(value: number | null | undefined): string {
  return wordOf(wafersync.v1.PeerLaneKind, value, 'PEER_LANE_KIND_');
}

/** `only-to` of PEER_CONDITION_ONLY_TO; of a value that only a newer version knows, its number. */
function wordOf(
  names: Readonly<Record<string, string | number>>,
  value: number | null | undefined,
  prefix: string,
) {
  const name = Object.entries(names).find(([, known]) => known === (value ?? 0))?.[0];
  return name?.slice(prefix.length).toLowerCase().replaceAll('_', '-') ?? String(value);
}
