import { syncMonitor } from '../../wire/services.ts';
import { realWorld } from '../../world.ts';
import { withNode } from '../node-client.ts';
import { duration, grouped, signed, size, type Terminal, table } from '../output.ts';
import { type PeerJson, peerJson } from './peer-json.ts';

/** Options of `wafersync peers`. */
export interface PeersOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly json?: boolean;
}

/** Tells how a node stands with its peers. Resolves to the exit code. */
export async function listPeers(options: PeersOptions, terminal: Terminal): Promise<number> {
  const { peers } = await withNode(syncMonitor, options.node, (monitor) => monitor.ListPeers({}));
  const rows = (peers ?? []).map(peerJson);
  terminal.out(options.json ? JSON.stringify(rows) : peersText(rows, realWorld.nowMs()));
  return 0;
}

/** States in plain words: how the node and the peer are connected. */
const CONNECTED: Readonly<Record<string, string>> = {
  connected: 'both ways',
  'only-to': 'only to it',
  'only-from': 'only from it',
  dialling: 'no, dialled',
  'no-address': 'no, no address',
};

/** The state of a peer in plain words. */
export function stateText(state: string): string {
  return CONNECTED[state] ?? state;
}

/** What a person reads of the peers: a table, and below it what is wrong. */
function peersText(peers: readonly PeerJson[], nowMs: number): string {
  if (peers.length === 0) return 'no peers';
  const head = ['PEER', 'CONNECTED', 'FOR', 'LACKS', 'BYTES', 'SINCE', 'NOT HERE', 'LAG', 'RTT', 'CLOCK'];
  const rows = peers.map((peer) => [
    peer.fab_id,
    stateText(peer.state),
    peer.since_ms > 0 ? ago(peer.since_ms, nowMs) : '-',
    grouped(peer.lacks_updates),
    bytesText(peer.lacks_bytes, peer.lacks_bytes_counted),
    peer.lacks_since_ms > 0 ? ago(peer.lacks_since_ms, nowMs) : '-',
    peer.missing_updates > 0
      ? `${grouped(peer.missing_updates)}, ~${size(peer.missing_bytes_estimate)}`
      : '0',
    lagText(peer.lag),
    peer.rtt_ms > 0 ? `${peer.rtt_ms.toFixed(1)} ms` : '-',
    clockText(peer.clock),
  ]);
  const lanes = ['PEER', 'LANE', 'UP', 'FOR', 'UPDATES', 'BYTES'];
  const laneRows = peers.flatMap((peer) =>
    peer.lanes.map((lane) => [
      peer.fab_id,
      lane.kind.replaceAll('-', ' '),
      lane.up ? 'yes' : 'no',
      ago(lane.since_ms, nowMs),
      grouped(lane.updates),
      size(lane.bytes),
    ]),
  );
  return [
    table(head, rows),
    '',
    ...peers.flatMap(flowLines),
    '',
    table(lanes, laneRows),
    ...failures(peers, nowMs),
  ].join('\n');
}

function flowLines({ fab_id, sent, received }: PeerJson): string[] {
  const one = ({ updates_per_s, bytes_per_s }: PeerJson['sent']) =>
    `${updates_per_s.toFixed(1)} updates/s, ${size(Math.round(bytes_per_s))}/s`;
  const seconds = Math.round(sent.window_ms / 1000);
  return [`${fab_id}: ${one(sent)} to it, ${one(received)} from it, over ${seconds} s`];
}

function failures(peers: readonly PeerJson[], nowMs: number): string[] {
  const lines = peers.flatMap(({ fab_id, last_failure, lanes }) => {
    if (!last_failure) return [];
    const { reason, remedy, at_ms, lane } = last_failure;
    const isUp = lanes.some(({ kind, up }) => kind === lane && up);
    const told = isUp ? 'It is up again.' : remedy;
    return [`${fab_id}, ${lane.replaceAll('-', ' ')}, ${ago(at_ms, nowMs)} ago: ${sentence(reason)} ${told}`];
  });
  return lines.length > 0 ? ['', 'last failures:', ...lines] : [];
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** A lag; with `?` where the offset of the clocks is not taken out. */
export function lagText(lag: Pick<NonNullable<PeerJson['lag']>, 'ms' | 'corrected'> | null): string {
  if (!lag) return '-';
  return lag.corrected ? duration(lag.ms) : `${duration(lag.ms)} ?`;
}

function clockText(clock: PeerJson['clock']): string {
  if (!clock) return '-';
  const { offset_ms, uncertainty_ms } = clock;
  return `${signed(offset_ms)} ±${uncertainty_ms.toFixed(1)} ms`;
}

/** Bytes that were counted, or partly estimated. */
export function bytesText(bytes: number, counted: boolean): string {
  return counted ? size(bytes) : `~${size(bytes)}`;
}

/** How long ago a moment was. */
export function ago(ms: number, nowMs: number): string {
  return duration(Math.max(0, nowMs - ms));
}
