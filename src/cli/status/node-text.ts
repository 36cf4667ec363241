import { plainly } from '../../api/connection-words.ts';
import { counted, duration, grouped, signed, size, table, utc } from '../output.ts';
import { lagText } from '../peers/peers.ts';
import { limitText } from '../steering/limit.ts';
import { pauseText } from '../steering/peer.ts';
import type { LatestLag } from './latest-lag.ts';
import type { NodeJson } from './node-json.ts';

/** What a person reads of a node itself. @param latest lag of the last update from elsewhere */
export function nodeLines(node: NodeJson, latest: LatestLag | null): string[] {
  const lag = latest ? `, the last from elsewhere took ${lagText(latest)}` : '';
  const facts = [
    `fab ${node.fab_id}, epoch ${node.epoch}, wafersync ${node.version}, up ${duration(node.uptime_ms)}`,
    `${counted(node.wafers, 'wafer')}, ${counted(node.attempts, 'attempt')}, ${counted(node.results, 'result')} in ${counted(node.updates, 'update')}${lag}`,
    `${counted(node.missing_updates, 'update')} ${are(node.missing_updates)} known elsewhere and not yet here, ${grouped(node.held_updates)} ${are(node.held_updates)} here and held back`,
  ];
  return [
    ...facts,
    conflicts(node),
    ...database(node),
    ...odd(node),
    ...fullDisk(node),
    ...stuckLog(node),
    ...renewal(node),
    ...retention(node),
  ];
}

function are(count: number): string {
  return count === 1 ? 'is' : 'are';
}

/** The database, and below it the clocks. An older node does not tell. */
function database({ database: { file, bytes, wal_bytes, free_bytes }, clock }: NodeJson): string[] {
  if (!file) return [];
  const free = free_bytes === null ? '' : `, ${size(free_bytes)} of its volume are free`;
  const { greatest_offset_fab_id: fab, greatest_offset_ms, greatest_offset_uncertainty_ms } = clock;
  const offset = `${signed(greatest_offset_ms)} ±${greatest_offset_uncertainty_ms.toFixed(1)} ms`;
  return [
    `database ${file} of ${size(bytes)} and ${size(wal_bytes)} of log${free}`,
    ...(fab ? [`of all clocks that of ${fab} is farthest off, ${offset}`] : []),
  ];
}

/** Peers that wrote last by another version of the rules are named: they, or this node, lack an edit of them. */
function conflicts({ open_conflicts, policy_version, peers }: NodeJson): string {
  const open = `${counted(open_conflicts, 'conflict')} ${are(open_conflicts)} open for a person, rules of version ${policy_version}`;
  const others = peers.filter((peer) => peer.policy_version > 0 && peer.policy_version !== policy_version);
  const told = others.map((peer) => `${peer.fab_id} wrote by version ${peer.policy_version}`);
  return told.length > 0 ? `${open}; ${told.join(', ')}` : open;
}

function odd(node: NodeJson): string[] {
  const { fenced, forked_updates, damaged_updates, dropped_updates, draining, peers } = node;
  const kept = `${counted(forked_updates, 'update')} gave way to others that were born under the same numbers, and ${are(forked_updates)} kept aside`;
  const dropped = `${counted(dropped_updates, 'update')} more ${are(dropped_updates)} held back and dropped: \`wafersync held list\``;
  const damaged = `${counted(damaged_updates, 'update')} ${are(damaged_updates)} damaged in the database, and asked for again`;
  return [
    ...(damaged_updates > 0 ? [damaged] : []),
    ...(dropped_updates > 0 ? [dropped] : []),
    ...(draining ? [`DRAINING: ${draining}`] : []),
    ...peers.flatMap(({ pause }) => (pause ? [`PAUSED: ${pauseText(pause)}`] : [])),
    ...peers.flatMap(({ limit }) => (limit ? [`limited: ${limitText(limit)}`] : [])),
    ...(fenced ? [`FENCED: ${fenced}`] : []),
    ...departed(node),
    ...(forked_updates > 0 ? [kept] : []),
  ];
}

function departed({ fab_id, evicted_fabs, removed_fabs }: NodeJson): string[] {
  const others = (fabs: readonly string[], what: string) => {
    const named = fabs.filter((fab) => fab !== fab_id);
    return named.length > 0
      ? [`${named.join(', ')} ${what}: nobody waits for ${named.length > 1 ? 'them' : 'it'}`]
      : [];
  };
  const own = evicted_fabs.includes(fab_id) ? 'EVICTED' : removed_fabs.includes(fab_id) ? 'REMOVED' : null;
  return [
    ...(own
      ? [`${own}: nobody waits for this fab; \`wafersync fab add ${fab_id}\` at another takes it back`]
      : []),
    ...others(evicted_fabs, 'evicted'),
    ...others(removed_fabs, 'removed'),
  ];
}

function renewal({ renewal: state }: NodeJson): string[] {
  if (!state) return [];
  const { reason, from_epoch, renewed_at_us, missing_own_updates: missing } = state;
  const rest =
    missing > 0
      ? `${counted(missing, 'update')} of its own ${are(missing)} still to come from other fabs`
      : 'nothing of its own that others have is missing';
  return [`ANOTHER EPOCH since ${utc(renewed_at_us)} (${reason}), before it was ${from_epoch}: ${rest}`];
}

function retention({ retention: state }: NodeJson): string[] {
  const { purges, purged_updates, blocks, blocked_updates, looked_at_us, planned } = state;
  const gone = `the values of ${counted(purged_updates, 'update')} were purged, by ${counted(purges, 'purge')}`;
  const fabs = blocks.map((block) => `${block.fab_id} lacks ${counted(block.updates, 'update')}`).join(', ');
  const what = planned ? 'a purge would be blocked, as of' : 'A PURGE WAS BLOCKED at';
  return [
    ...(purges > 0 ? [gone] : []),
    ...(blocks.length > 0
      ? [`${what} ${utc(looked_at_us)}, of ${counted(blocked_updates, 'update')}: ${fabs}`]
      : []),
  ];
}

function fullDisk({ storage }: NodeJson): string[] {
  if (!storage.full) return [];
  const writes = `${counted(storage.refused_writes, 'write')} refused`;
  return [`THE DISK IS FULL for ${duration(storage.full_for_ms)}, ${writes}: ${storage.reason}`];
}

function stuckLog({ storage: { wal_stuck, wal_stuck_for_ms, wal_stuck_reason } }: NodeJson): string[] {
  if (!wal_stuck) return [];
  return [`THE WRITE-AHEAD LOG IS STUCK for ${duration(wal_stuck_for_ms)}: ${wal_stuck_reason}`];
}

/** How the node and its peers are connected. */
export function peerTable({ peers }: NodeJson): string {
  if (peers.length === 0) return 'no peers';
  const head = ['PEER', 'ADDRESS', 'CONNECTED', 'SENDS US', 'LACKS UPDATES', 'RTT MS', 'WHY NOT CONNECTED'];
  return table(
    head,
    peers.map((peer) => [
      peer.fab_id,
      peer.address || '-',
      isPaused(peer) ? 'paused' : connected(peer.outbound_up, peer.inbound_up),
      peer.live_fabs.join(' ') || '-',
      grouped(peer.behind_updates),
      peer.rtt_ms > 0 ? peer.rtt_ms.toFixed(1) : '-',
      isPaused(peer) ? `paused here: ${peer.pause?.reason}` : plainly(peer.last_error) || '-',
    ]),
  );
}

/** Whether a peer is not connected because somebody paused it here. */
export function isPaused({ pause }: Pick<NodeJson['peers'][number], 'pause'>): boolean {
  return pause?.lanes === 'all';
}

function connected(outbound: boolean, inbound: boolean): string {
  if (outbound && inbound) return 'both ways';
  if (outbound) return 'only to it';
  return inbound ? 'only from it' : 'no';
}
