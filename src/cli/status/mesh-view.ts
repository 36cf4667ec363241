import { plainly } from '../../api/connection-words.ts';
import { WafersyncError } from '../../errors.ts';
import { rateText } from '../../sync/steering-words.ts';
import { counted, duration } from '../output.ts';
import type { PeerJson } from '../peers/peer-json.ts';
import type { Answer } from './ask.ts';
import { type LatestLag, latestLag } from './latest-lag.ts';
import type { NodeJson } from './node-json.ts';
import { isPaused } from './node-text.ts';

/** A clock that is farther off than this is told, milliseconds. */
const TOLD_OFFSET_MS = 1_000;

/** One fab of the mesh, as `wafersync status --json` prints it in `mesh`. */
export interface MeshRow {
  readonly fab_id: string;
  readonly address: string;
  /** Whether its node answered; else the row is what the named node knows of it. */
  readonly answered: boolean;
  /** Why it did not; empty where it did, or where no address of it is known. */
  readonly error: string;
  /** How the named node stands with it, in the words of `wafersync peers`; `asked` for that node itself. */
  readonly state: string;
  /** Since when, ms since 1970; 0 where that is not known. */
  readonly since_ms: number;
  /** Updates that somebody who answered knows and it has not. */
  readonly behind_updates: number;
  /** Their bytes; 0 where nobody tells. */
  readonly behind_bytes: number;
  readonly behind_bytes_counted: boolean;
  /** When the oldest of them was born, ms since 1970; 0 where it lacks nothing, or nobody tells. */
  readonly behind_since_ms: number;
  /** The rest by itself; null where it did not answer. */
  readonly version: string | null;
  readonly updates: number | null;
  readonly held_updates: number | null;
  readonly open_conflicts: number | null;
  /** How long the last update that came from elsewhere took, visible or held, by the clocks as they are. */
  readonly last_lag_ms: number | null;
  /** How long the last one took that became visible, released ones included; null where none has since its start, or it did not answer. */
  readonly latest_lag: LatestLag | null;
  readonly free_bytes: number | null;
  /** What is wrong with it, or keeps it behind; empty where all is well. */
  readonly why: readonly string[];
}

/** What is known of the mesh: the named node's answer, and those of the others by fab. */
export interface MeshAnswers {
  readonly named: Answer;
  readonly others: ReadonlyMap<string, Answer | WafersyncError>;
  readonly addresses: ReadonlyMap<string, string>;
  /** Address of the named node, as it was named. */
  readonly address: string;
}

/**
 * A row for each fab that somebody knows of, sorted.
 * @param oncePerPair that two fabs are not connected is told of one of them alone: the one that more are not connected with
 */
export function meshRows(answers: MeshAnswers, { oncePerPair = false } = {}): MeshRow[] {
  const { named, others } = answers;
  const answered = new Map<string, Answer>([[named.node.fab_id, named]]);
  for (const [fab, answer] of others) if (!(answer instanceof WafersyncError)) answered.set(fab, answer);
  const known = [...answered.values()].flatMap(({ node, peers }) => [
    ...[...node.peers, ...(peers ?? [])].map(({ fab_id }) => fab_id),
    ...node.members,
  ]);
  const fabs = [...new Set([...answered.keys(), ...others.keys(), ...known])].sort();
  const partings = partingsOf(answered);
  const told = oncePerPair ? partingsOncePerPair(partings) : partings;
  return fabs.map((fab) => rowOf(fab, answers, answered, told));
}

function rowOf(
  fab: string,
  answers: MeshAnswers,
  answered: ReadonlyMap<string, Answer>,
  partings: readonly Parting[],
): MeshRow {
  const { named, others, addresses } = answers;
  const isNamed = fab === named.node.fab_id;
  const own = answered.get(fab)?.node;
  const failure = others.get(fab);
  const seen = named.peers?.find(({ fab_id }) => fab_id === fab);
  const told = [...answered.values()].flatMap(
    ({ peers }) => peers?.filter(({ fab_id }) => fab_id === fab) ?? [],
  );
  return {
    fab_id: fab,
    address: isNamed ? answers.address : (addresses.get(fab) ?? ''),
    answered: own !== undefined,
    error: failure instanceof WafersyncError ? failure.line : '',
    state: isNamed ? 'asked' : (seen?.state ?? stateBefore(fab, named)),
    since_ms: seen?.since_ms ?? 0,
    ...behindOf(fab, told, answered),
    version: own?.version ?? null,
    updates: own?.updates ?? null,
    held_updates: own?.held_updates ?? null,
    open_conflicts: own?.open_conflicts ?? null,
    last_lag_ms: own?.last_lag_ms ?? null,
    latest_lag: latestLagOf(answered.get(fab)),
    free_bytes: own?.database.free_bytes ?? null,
    why: whyOf(fab, answers, answered, partings),
  };
}

function latestLagOf(answer: Answer | undefined): LatestLag | null {
  return answer ? latestLag(answer) : null;
}

/** How a node stands with a peer where it is of a version without ListPeers. */
function stateBefore(fab: string, { node }: Answer): string {
  const peer = node.peers.find(({ fab_id }) => fab_id === fab);
  if (!peer) return 'unknown';
  if (peer.outbound_up && peer.inbound_up) return 'connected';
  if (peer.outbound_up) return 'only-to';
  return peer.inbound_up ? 'only-from' : 'dialling';
}

/** A node that is cut off does not know what it misses: the greatest of what it and the others say counts. */
function behindOf(fab: string, told: readonly PeerJson[], answered: ReadonlyMap<string, Answer>) {
  const counts = [...answered.values()].flatMap(({ node }) =>
    node.peers.filter(({ fab_id }) => fab_id === fab).map(({ behind_updates }) => behind_updates),
  );
  const own = answered.get(fab)?.node.missing_updates ?? 0;
  const since = told.map(({ lacks_since_ms }) => lacks_since_ms).filter((ms) => ms > 0);
  const most = [...told].sort((a, b) => b.lacks_bytes - a.lacks_bytes)[0];
  return {
    behind_updates: Math.max(own, ...counts, ...told.map(({ lacks_updates }) => lacks_updates)),
    behind_bytes: most?.lacks_bytes ?? 0,
    behind_bytes_counted: most?.lacks_bytes_counted ?? false,
    behind_since_ms: since.length > 0 ? Math.min(...since) : 0,
  };
}

function whyOf(
  fab: string,
  { named, others }: MeshAnswers,
  answered: ReadonlyMap<string, Answer>,
  partings: readonly Parting[],
): string[] {
  const own = answered.get(fab);
  const failure = others.get(fab);
  return [
    ...(own ? ownReasons(own) : []),
    ...(named.node.evicted_fabs.includes(fab) ? ['evicted'] : []),
    ...(named.node.removed_fabs.includes(fab) ? ['removed'] : []),
    ...apart(partings.filter((parting) => parting.fab === fab)),
    ...(own ? catchingUp(own) : []),
    ...limited(fab, answered),
    ...(failure instanceof WafersyncError
      ? [`shown as the others know it, for it did not answer: ${failure.message}`]
      : []),
    ...skewed(fab, named),
  ];
}

function ownReasons({ node }: Answer): string[] {
  return [
    ...(node.fenced ? [`fenced: ${node.fenced}`] : []),
    ...(node.draining ? ['drained for maintenance'] : []),
    ...(node.storage.full ? [`its disk is full for ${duration(node.storage.full_for_ms)}`] : []),
    ...(node.storage.wal_stuck
      ? [`its write-ahead log is stuck for ${duration(node.storage.wal_stuck_for_ms)}`]
      : []),
    ...(node.held_updates > 0 ? [`${counted(node.held_updates, 'update')} held back`] : []),
    ...(node.damaged_updates > 0 ? [`${counted(node.damaged_updates, 'update')} damaged`] : []),
  ];
}

/** A fab that answered has no lane to another, or none from it. */
interface Parting {
  /** The other. */
  readonly fab: string;
  /** The one that says so. */
  readonly by: string;
  /** What the other is to it, as a verb. */
  readonly how: 'does not dial' | 'only dials' | 'is not connected with';
  /** Empty where it does not know. */
  readonly reason: string;
}

function partingsOf(answered: ReadonlyMap<string, Answer>): Parting[] {
  return [...answered].flatMap(([by, { node, peers }]) =>
    node.peers
      .filter(({ outbound_up, inbound_up }) => !outbound_up || !inbound_up)
      .map((peer) => ({
        fab: peer.fab_id,
        by,
        how: peer.outbound_up ? 'does not dial' : peer.inbound_up ? 'only dials' : 'is not connected with',
        reason: partingReason(by, peer, peers ?? []),
      })),
  );
}

/** Of a pause in the words that the paused side is told, which has them with what to do. */
function partingReason(by: string, peer: NodeJson['peers'][number], peers: readonly PeerJson[]): string {
  if (isPaused(peer)) return `${by} has paused ${peer.fab_id}: ${peer.pause?.reason}`;
  const failure = peers.find(({ fab_id }) => fab_id === peer.fab_id)?.last_failure?.reason ?? '';
  return plainly(peer.last_error || failure);
}

/**
 * Of what both of a pair say of each other one is left, with the longer reason, unless they give different ones. Of a pause the
 * one side has the reason alone, the other what to do as well.
 */
function partingsOncePerPair(partings: readonly Parting[]): Parting[] {
  const count = (one: string) => partings.filter(({ fab }) => fab === one).length;
  const goesFirst = (a: string, b: string) => count(a) > count(b) || (count(a) === count(b) && a < b);
  return partings.flatMap((parting) => {
    const { fab, by, how, reason } = parting;
    const back = partings.find((other) => other.fab === by && other.by === fab && other.how === how);
    if (!back || how !== 'is not connected with') return [parting];
    const [shorter, longer] = [reason, back.reason].sort((a, b) => a.length - b.length) as [string, string];
    if (!longer.startsWith(shorter)) return [parting];
    return goesFirst(fab, by) ? [{ ...parting, reason: longer }] : [];
  });
}

/** How the others stand with one; reasons that are alike are told once. */
function apart(partings: readonly Parting[]): string[] {
  const told = new Map<string, string[]>();
  for (const { by, how, reason } of partings) {
    const key = JSON.stringify([how, reason]);
    told.set(key, [...(told.get(key) ?? []), by]);
  }
  return [...told].map(([key, by]) => {
    const [how, reason] = JSON.parse(key) as [string, string];
    return `${how} ${by.sort().join(', ')}${reason ? `: ${reason}` : ''}`;
  });
}

function catchingUp({ node, peers }: Answer): string[] {
  const rate = (peers ?? []).reduce((sum, { received }) => sum + received.updates_per_s, 0);
  if (node.missing_updates === 0 || rate === 0) return [];
  return [`receives ${rate.toFixed(1)} updates/s`];
}

/** With whom it exchanges no more than so much, as somebody at either side said. */
function limited(fab: string, answered: ReadonlyMap<string, Answer>): string[] {
  const rates = new Map<string, number>();
  for (const [by, { node }] of answered) {
    for (const { fab_id, limit, max_push_bytes_per_s } of node.peers) {
      const other = by === fab ? fab_id : fab_id === fab ? by : null;
      if (other === null) continue;
      const said = [rates.get(other), limit?.now_bytes_per_s, max_push_bytes_per_s].filter((rate) => rate);
      if (said.length > 0) rates.set(other, Math.min(...said.map(Number)));
    }
  }
  return [...rates].sort().map(([other, rate]) => `limited to ${rateText(rate)} with ${other}`);
}

function skewed(fab: string, { peers }: Answer): string[] {
  const clock = peers?.find(({ fab_id }) => fab_id === fab)?.clock;
  if (!clock || Math.abs(clock.offset_ms) < TOLD_OFFSET_MS) return [];
  return [`its clock is ${duration(Math.abs(clock.offset_ms))} ${clock.offset_ms > 0 ? 'ahead' : 'behind'}`];
}
