import type { FabId } from '../clocks/dot.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import type { Store } from '../store/store.ts';
import type { MemberState } from '../wafer/document/members.ts';
import type { World } from '../world.ts';
import type { ClockOffset } from './clock-samples.ts';
import type { PeerView } from './events.ts';
import type { Membership } from './membership.ts';
import type { Lag, PeerLags } from './peer-lags.ts';
import type { PeerPauses } from './peer-pauses.ts';
import type { PeerTraffic, TrafficView } from './peer-traffic.ts';
import type { Report } from './report.ts';
import type { SyncRunner } from './sync-runner.ts';

/** Blocks of the log that one answer reads to count what peers lack. */
const MAX_READS = 256;

/** How this node stands with a peer. */
export type PeerCondition =
  | 'connected'
  | 'only-to'
  | 'only-from'
  | 'dialling'
  | 'paused'
  | 'no-address'
  | 'fenced'
  | 'removed'
  | 'evicted';

/** What a peer lacks of what is here. */
export interface Lacking {
  readonly updates: number;
  readonly bytes: number;
  /** Whether all bytes were counted; else the rest is estimated by the mean of those that were. */
  readonly counted: boolean;
  /** About when the oldest was born, ms since 1970 by this node's clock; null for none. */
  readonly sinceMs: number | null;
}

/** One peer, as this node knows it. */
export interface PeerFacts {
  readonly peer: FabId;
  readonly address: string | null;
  readonly condition: PeerCondition;
  /** Since when, ms since 1970. */
  readonly sinceMs: number;
  readonly lacks: Lacking;
  /** Updates that it has and this node has not, and an estimate of their bytes. */
  readonly missing: { readonly updates: number; readonly bytesEstimate: number };
  /** When it was last heard to have anything new, ms since 1970; null before that. */
  readonly reportedAtMs: number | null;
  /** Epoch of its database; null before it was heard of. */
  readonly epoch: number | null;
  readonly lag: Lag | null;
  readonly clock: ClockOffset | null;
  readonly rttMs: number;
  readonly liveFabs: readonly FabId[];
  readonly traffic: TrafficView;
}

/** What peers are known by. */
export interface PeerBookOptions {
  readonly self: FabId;
  readonly store: Pick<Store, 'log' | 'vectors' | 'peers'>;
  readonly sync: Pick<SyncRunner, 'peers' | 'reports' | 'fenced' | 'fences' | 'clocks'>;
  readonly membership: Pick<Membership, 'fabs' | 'stateOf' | 'addressOf'>;
  readonly traffic: PeerTraffic;
  readonly lags: PeerLags;
  readonly world: Pick<World, 'nowMs'>;
  readonly pauses: Pick<PeerPauses, 'of'>;
  /** When the mesh's document said what a fab is, ms since 1970; 0 where it did not. */
  readonly saidAtMs: (fab: FabId) => number;
  /** Settles once what else waits to be done was done. */
  readonly giveWay: () => Promise<void>;
}

/** What was heard of a peer, and when, ms since 1970. */
interface Heard {
  readonly report: Report | undefined;
  readonly atMs: number | null;
}

/** Reads of the log that are left for one answer. */
interface Reads {
  left: number;
}

/** The peers of a node as operators see them, put together of all that is known of each. */
export class PeerBook {
  readonly #options: PeerBookOptions;
  #fencedAtMs = 0;

  constructor(options: PeerBookOptions) {
    this.#options = options;
    options.sync.fences.subscribe(() => {
      this.#fencedAtMs = options.world.nowMs();
    });
  }

  /** Every other fab that is known of, and whoever is connected; sorted by fab. */
  async all(): Promise<PeerFacts[]> {
    const { self, store, sync, membership } = this.#options;
    const views = new Map(sync.peers().map((view) => [view.peer, view]));
    const reports = new Map(sync.reports().map((report) => [report.node.fab, report]));
    const heardAtMs = store.peers.heardAtMs();
    const fabs = new Set([...membership.fabs().map(({ fab }) => fab), ...views.keys()]);
    fabs.delete(self);
    const reads = { left: MAX_READS };
    const all: PeerFacts[] = [];
    for (const fab of [...fabs].sort()) {
      const heard = { report: reports.get(fab), atMs: heardAtMs.get(fab) ?? null };
      all.push(await this.#facts(fab, views.get(fab), heard, reads));
    }
    return all;
  }

  async #facts(
    peer: FabId,
    view: PeerView | undefined,
    { report, atMs }: Heard,
    reads: Reads,
  ): Promise<PeerFacts> {
    const { store, sync, membership, traffic, lags } = this.#options;
    const went = traffic.of(peer);
    const { received } = store.vectors;
    const lacking = report ? received.difference(report.received) : received;
    const missing = report?.received.difference(received);
    const condition = this.#condition(peer, view);
    return {
      peer,
      address: membership.addressOf(peer),
      condition,
      sinceMs: this.#sinceMs(peer, condition, went),
      lacks: await this.#lacks(lacking, reads),
      missing: { updates: missing?.size ?? 0, bytesEstimate: missing ? this.#estimate(missing) : 0 },
      reportedAtMs: atMs,
      epoch: report?.node.epoch ?? null,
      lag: lags.of(peer),
      clock: sync.clocks.offsetOf(peer),
      rttMs: view?.rttMs ?? 0,
      liveFabs: view?.liveFabs ?? [],
      traffic: went,
    };
  }

  #condition(peer: FabId, view: PeerView | undefined): PeerCondition {
    const { sync, membership } = this.#options;
    const said: MemberState | null = membership.stateOf(peer);
    if (sync.fenced) return 'fenced';
    if (said === 'removed' || said === 'evicted') return said;
    if (this.#options.pauses.of(peer)?.lanes === 'all') return 'paused';
    if (view?.outboundUp && view.inboundUp) return 'connected';
    if (view?.outboundUp) return 'only-to';
    if (view?.inboundUp) return 'only-from';
    return membership.addressOf(peer) === null ? 'no-address' : 'dialling';
  }

  #sinceMs(peer: FabId, condition: PeerCondition, { lanes }: TrafficView): number {
    if (condition === 'fenced') return this.#fencedAtMs;
    if (condition === 'paused') return this.#options.pauses.of(peer)?.sinceMs ?? 0;
    if (condition === 'removed' || condition === 'evicted') return this.#options.saidAtMs(peer);
    // What the live lanes make together began when the latest of them changed.
    const live = lanes.filter(({ kind }) => kind === 'live-to' || kind === 'live-from');
    return Math.max(...live.map(({ sinceMs }) => sinceMs));
  }

  async #lacks(lacking: TransportVector, reads: Reads): Promise<Lacking> {
    const { store, sync } = this.#options;
    const { measures } = store.log;
    const updates = lacking.size;
    const sinceMs = measures.oldestMs(lacking, (fab) => sync.clocks.offsetOf(fab)?.offsetMs ?? 0);
    const counting = measures.sizes(lacking);
    let next = counting.next();
    while (!next.done && reads.left > 0) {
      reads.left--;
      await this.#options.giveWay();
      next = counting.next();
    }
    const so = next.value;
    const mean = so.updates > 0 ? so.bytes / so.updates : 0;
    const bytes = Math.round(so.bytes + mean * (updates - so.updates));
    return { updates, bytes, counted: so.updates === updates, sinceMs };
  }

  #estimate(missing: TransportVector): number {
    const { measures } = this.#options.store.log;
    let bytes = 0;
    for (const [origin, set] of missing.entries()) bytes += set.size * (measures.meanBytes(origin) ?? 0);
    return Math.round(bytes);
  }
}
