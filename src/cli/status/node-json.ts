import { type Epoch, formatEpoch } from '../../clocks/dot.ts';
import { toNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';
import { limitJson } from '../steering/limit.ts';
import { pauseJson } from '../steering/peer.ts';

/** A node as `wafersync status --json` prints it. */
export type NodeJson = ReturnType<typeof nodeJson>;

/** Keys of `--json`: those of the proto, numbers as numbers. */
export function nodeJson(node: Message<'NodeState'>) {
  return {
    fab_id: node.fab_id ?? '',
    epoch: formatEpoch(toNumber(node.epoch) as Epoch),
    version: node.version ?? '',
    uptime_ms: toNumber(node.uptime_ms),
    updates: toNumber(node.updates),
    held_updates: toNumber(node.held_updates),
    dropped_updates: toNumber(node.dropped_updates),
    missing_updates: toNumber(node.missing_updates),
    attempts: toNumber(node.attempts),
    results: toNumber(node.results),
    wafers: toNumber(node.wafers),
    open_conflicts: toNumber(node.open_conflicts),
    policy_version: toNumber(node.policy_version),
    last_lag_ms: node.last_lag_ms ?? 0,
    fenced: node.fenced ?? '',
    draining: node.draining ?? '',
    forked_updates: toNumber(node.forked_updates),
    damaged_updates: toNumber(node.damaged_updates),
    storage: {
      full: node.storage?.full ?? false,
      full_for_ms: toNumber(node.storage?.full_for_ms),
      reason: node.storage?.reason ?? '',
      refused_writes: toNumber(node.storage?.refused_writes),
      wal_stuck: node.storage?.wal_stuck ?? false,
      wal_stuck_for_ms: toNumber(node.storage?.wal_stuck_for_ms),
      wal_stuck_reason: node.storage?.wal_stuck_reason ?? '',
    },
    retention: retentionOf(node.retention ?? {}),
    renewal: node.renewal ? renewalOf(node.renewal) : null,
    database: databaseOf(node.database ?? {}),
    clock: clockOf(node.clock ?? {}),
    members: node.members ?? [],
    removed_fabs: node.removed_fabs ?? [],
    evicted_fabs: node.evicted_fabs ?? [],
    peers: (node.peers ?? []).map((peer) => ({
      fab_id: peer.fab_id ?? '',
      address: peer.address ?? '',
      outbound_up: peer.outbound_up ?? false,
      inbound_up: peer.inbound_up ?? false,
      live_fabs: peer.live_fabs ?? [],
      behind_updates: toNumber(peer.behind_updates),
      rtt_ms: peer.rtt_ms ?? 0,
      last_error: peer.last_error ?? '',
      policy_version: toNumber(peer.policy_version),
      pause: pauseJson(peer.pause),
      limit: limitJson(peer.limit),
      max_push_bytes_per_s: toNumber(peer.max_push_bytes_per_s),
    })),
  };
}

function retentionOf(state: Message<'RetentionState'>) {
  return {
    values_days: state.values_days ?? 0,
    purges: toNumber(state.purges),
    purged_updates: toNumber(state.purged_updates),
    looked_at_us: toNumber(state.looked_at_us),
    blocked_updates: toNumber(state.blocked_updates),
    planned: state.planned ?? false,
    blocks: (state.blocks ?? []).map((block) => ({
      fab_id: block.fab_id ?? '',
      updates: toNumber(block.updates),
      heard_at_us: toNumber(block.heard_at_us),
      oldest_us: toNumber(block.oldest_us),
    })),
  };
}

function renewalOf(state: Message<'RenewalState'>) {
  return {
    reason: state.reason ?? '',
    from_epoch: formatEpoch(toNumber(state.from_epoch) as Epoch),
    renewed_at_us: toNumber(state.renewed_at_us),
    missing_own_updates: toNumber(state.missing_own_updates),
  };
}

function databaseOf({ file, bytes, wal_bytes, free_bytes }: Message<'DatabaseState'>) {
  return {
    file: file ?? '',
    bytes: toNumber(bytes),
    wal_bytes: toNumber(wal_bytes),
    free_bytes: free_bytes === null || free_bytes === undefined ? null : toNumber(free_bytes),
  };
}

function clockOf(clock: Message<'ClockState'>) {
  return {
    now_ms: toNumber(clock.now_ms),
    hybrid_ahead_ms: clock.hybrid_ahead_ms ?? 0,
    greatest_offset_ms: clock.greatest_offset_ms ?? 0,
    greatest_offset_fab_id: clock.greatest_offset_fab_id ?? '',
    greatest_offset_uncertainty_ms: clock.greatest_offset_uncertainty_ms ?? 0,
  };
}
