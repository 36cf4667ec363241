import { plainly } from '../api/connection-words.ts';
import { type Epoch, formatEpoch } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import type { wafersync } from '../gen/wafersync.js';
import { toNumber } from '../wire/long.ts';
import { syncMonitor } from '../wire/services.ts';
import { withNode } from './node-client.ts';
import { duration, grouped, type Terminal, table } from './output.ts';

/** Options of `wafersync status`. */
export interface StatusOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly json?: boolean;
}

/** Tells the state of a node and of its peers. Resolves to the exit code. */
export async function status(options: StatusOptions, terminal: Terminal): Promise<number> {
  const node = await withNode(syncMonitor, options.node, async (monitor) => {
    const { node } = await monitor.GetNode({});
    if (!node) throw new WafersyncError('unavailable', `the node at ${options.node} gave no state`);
    return toJson(node);
  });
  terminal.out(options.json ? JSON.stringify(node) : text(node));
  return 0;
}

type NodeJson = ReturnType<typeof toJson>;

/** Keys of `--json`: those of the proto, numbers as numbers. */
function toJson(node: wafersync.v1.NodeState.$Properties) {
  return {
    fab_id: node.fab_id ?? '',
    epoch: formatEpoch(toNumber(node.epoch) as Epoch),
    version: node.version ?? '',
    uptime_ms: toNumber(node.uptime_ms),
    updates: toNumber(node.updates),
    held_updates: toNumber(node.held_updates),
    missing_updates: toNumber(node.missing_updates),
    attempts: toNumber(node.attempts),
    results: toNumber(node.results),
    wafers: toNumber(node.wafers),
    open_conflicts: toNumber(node.open_conflicts),
    policy_version: toNumber(node.policy_version),
    last_lag_ms: node.last_lag_ms ?? 0,
    fenced: node.fenced ?? '',
    forked_updates: toNumber(node.forked_updates),
    damaged_updates: toNumber(node.damaged_updates),
    storage: {
      full: node.storage?.full ?? false,
      full_for_ms: toNumber(node.storage?.full_for_ms),
      reason: node.storage?.reason ?? '',
      refused_writes: toNumber(node.storage?.refused_writes),
    },
    retention: retentionOf(node.retention ?? {}),
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
    })),
  };
}

function text(node: NodeJson): string {
  const lag = node.last_lag_ms > 0 ? `, the last from elsewhere took ${duration(node.last_lag_ms)}` : '';
  const facts = [
    `fab ${node.fab_id}, epoch ${node.epoch}, wafersync ${node.version}, up ${duration(node.uptime_ms)}`,
    `${grouped(node.wafers)} wafers, ${grouped(node.attempts)} attempts, ${grouped(node.results)} results in ${grouped(node.updates)} updates${lag}`,
    `${grouped(node.missing_updates)} updates are known elsewhere and not yet here, ${grouped(node.held_updates)} are here and held back`,
  ];
  return [
    ...facts,
    conflicts(node),
    ...odd(node),
    ...fullDisk(node),
    ...retention(node),
    '',
    node.peers.length > 0 ? peerTable(node) : 'no peers',
  ].join('\n');
}

/** Peers that wrote last by another version of the rules are named: they, or this node, lack an edit of them. */
function conflicts({ open_conflicts, policy_version, peers }: NodeJson): string {
  const open = `${grouped(open_conflicts)} conflicts are open for a person, rules of version ${policy_version}`;
  const others = peers.filter((peer) => peer.policy_version > 0 && peer.policy_version !== policy_version);
  const told = others.map((peer) => `${peer.fab_id} wrote by version ${peer.policy_version}`);
  return told.length > 0 ? `${open}; ${told.join(', ')}` : open;
}

function odd(node: NodeJson): string[] {
  const { fenced, forked_updates, damaged_updates } = node;
  const kept = `${grouped(forked_updates)} updates gave way to others that were born under the same numbers; they are kept aside`;
  const damaged = `${grouped(damaged_updates)} updates are damaged in the database, and asked for again`;
  return [
    ...(damaged_updates > 0 ? [damaged] : []),
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

function retentionOf(state: wafersync.v1.RetentionState.$Properties) {
  return {
    values_days: state.values_days ?? 0,
    purges: toNumber(state.purges),
    purged_updates: toNumber(state.purged_updates),
    looked_at_us: toNumber(state.looked_at_us),
    blocked_updates: toNumber(state.blocked_updates),
    blocks: (state.blocks ?? []).map((block) => ({
      fab_id: block.fab_id ?? '',
      updates: toNumber(block.updates),
      heard_at_us: toNumber(block.heard_at_us),
      oldest_us: toNumber(block.oldest_us),
    })),
  };
}

function retention({ retention: state }: NodeJson): string[] {
  const { purges, purged_updates, blocks, blocked_updates, looked_at_us } = state;
  const gone = `the values of ${grouped(purged_updates)} updates were purged, by ${grouped(purges)} purges`;
  const fabs = blocks.map((block) => `${block.fab_id} lacks ${grouped(block.updates)}`).join(', ');
  const at = new Date(looked_at_us / 1000).toISOString();
  return [
    ...(purges > 0 ? [gone] : []),
    ...(blocks.length > 0
      ? [`A PURGE WAS BLOCKED at ${at}, of ${grouped(blocked_updates)} updates: ${fabs}`]
      : []),
  ];
}

function fullDisk({ storage }: NodeJson): string[] {
  if (!storage.full) return [];
  const writes = `${grouped(storage.refused_writes)} writes refused`;
  return [`THE DISK IS FULL for ${duration(storage.full_for_ms)}, ${writes}: ${storage.reason}`];
}

function peerTable({ peers }: NodeJson): string {
  const head = ['PEER', 'ADDRESS', 'CONNECTED', 'SENDS US', 'LACKS UPDATES', 'RTT MS', 'WHY NOT CONNECTED'];
  return table(
    head,
    peers.map((peer) => [
      peer.fab_id,
      peer.address || '-',
      connected(peer.outbound_up, peer.inbound_up),
      peer.live_fabs.join(' ') || '-',
      grouped(peer.behind_updates),
      peer.rtt_ms > 0 ? peer.rtt_ms.toFixed(1) : '-',
      plainly(peer.last_error) || '-',
    ]),
  );
}

function connected(outbound: boolean, inbound: boolean): string {
  if (outbound && inbound) return 'both ways';
  if (outbound) return 'only to it';
  return inbound ? 'only from it' : 'no';
}
