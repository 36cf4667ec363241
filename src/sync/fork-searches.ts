import type { Chain } from '../clocks/chain.ts';
import { type Dot, type Epoch, type FabId, type Origin, originKey, sequence } from '../clocks/dot.ts';
import { IntervalSet } from '../clocks/interval-set.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import type { RenewalReason } from '../store/life.ts';
import type { Update } from '../wafer/update.ts';
import type { CatchUp } from './catch-up.ts';
import type { Dials } from './dials.ts';
import type { LaneId, MeshEffect } from './events.ts';
import type { PullEnd, PullRequest } from './messages.ts';

/** Heights asked for at once. */
const HEIGHTS = 16;

/** Updates from the first that differs on that are fetched to be compared, at most. */
const FETCHED = 64;

/** Why this node is to go on under another epoch, whatever the search finds. */
export interface RenewalWish {
  readonly reason: RenewalReason;
  /** An epoch that others know of. */
  readonly above: Epoch;
}

/** What a search came to. */
export interface ForkFound {
  readonly origin: Origin;
  /** The other node's updates from the first that differs on; none where nothing differs. */
  readonly updates: readonly Update[];
  readonly renewal: RenewalWish | null;
  readonly lane: LaneId;
}

interface Search {
  readonly peer: FabId;
  readonly origin: Origin;
  renewal: RenewalWish | null;
  /** Both have the same up to here. */
  low: number;
  /** They differ at or below; null while that is not known. */
  high: number | null;
  /** The request under way. */
  asked: { readonly lane: LaneId; readonly id: number } | null;
  /** How many updates are to be fetched. */
  window: number;
  /** What was fetched, by sequence; null before. */
  fetched: Map<number, Update> | null;
}

/** How this node's chains are read. */
export interface OwnChains {
  /** Hash of an origin's chain at a height; null where it does not reach it. */
  at(origin: Origin, height: number): string | null;
  /** Greatest height of an origin's chain. */
  top(origin: Origin): number;
}

/**
 * Finds the first update in which this node and a peer differ, by the hashes of their chains, and fetches the peer's.
 * One search a peer and origin.
 */
export class ForkSearches {
  readonly #chains: OwnChains;
  readonly #searches = new Map<string, Search>();

  constructor(chains: OwnChains) {
    this.#chains = chains;
  }

  /** A peer told its chains: where they differ from this node's, a search begins. */
  heard(peer: FabId, chains: readonly Chain[]): void {
    for (const { origin, height, hash } of chains) {
      const own = this.#chains.at(origin, height);
      if (own !== null && own !== hash) this.#begin(peer, origin, null, height);
    }
  }

  /** Something speaks for a fork of an origin. */
  suspect(peer: FabId, origin: Origin, renewal: RenewalWish | null): void {
    this.#begin(peer, origin, renewal, null);
  }

  /** Whose updates are searched. */
  origins(): Origin[] {
    return [...this.#searches.values()].map(({ origin }) => origin);
  }

  /** Requests to make now, and lanes to dial for them. @param reached whether a peer answers its live lane */
  ask(dials: Dials, catchUp: CatchUp, reached: (peer: FabId) => boolean): MeshEffect[] {
    if (this.#searches.size === 0) return [];
    const wanted = dials.peers().filter((peer) => {
      return (
        this.#of(peer).some(({ asked }) => asked === null) && catchUp.laneOf(peer) === null && reached(peer)
      );
    });
    const requests = catchUp.lanes().flatMap(({ id, peer }): MeshEffect[] => {
      const request = this.plan(peer, id, catchUp.nextRequest);
      return request ? [{ type: 'send-pull', lane: id, request }] : [];
    });
    return [...wanted.flatMap((peer) => dials.dialPull(peer)), ...requests];
  }

  /** The next request to a peer, if there is none under way; null without one. */
  plan(peer: FabId, lane: LaneId, nextId: () => number): PullRequest | null {
    const searches = this.#of(peer);
    if (searches.some(({ asked }) => asked !== null)) return null;
    const [search] = searches;
    if (!search) return null;
    const id = nextId();
    search.asked = { lane, id };
    return requestOf(search, id, this.#chains.top(search.origin));
  }

  /** An update came on a lane; tells whether a search had asked for it. */
  take(lane: LaneId, update: Update): boolean {
    const { dot } = update.header;
    for (const search of this.#searches.values()) {
      if (search.asked?.lane !== lane || !search.fetched || originKey(search.origin) !== originKey(dot))
        continue;
      if (dot.sequence <= search.low || dot.sequence > search.low + search.window) continue;
      search.fetched.set(dot.sequence, update);
      return true;
    }
    return false;
  }

  /** An answer ended; what its search came to, if it is over. One that gets nowhere is begun anew with the next heartbeat. */
  ended(lane: LaneId, end: PullEnd): ForkFound | null {
    const entry = [...this.#searches].find(([, { asked }]) => asked?.lane === lane && asked.id === end.id);
    if (!entry) return null;
    const [key, search] = entry;
    search.asked = null;
    const goesOn = search.fetched ? wasCut(search, end) : this.#narrow(search, end.chains ?? []);
    if (goesOn) return null;
    this.#searches.delete(key);
    const { origin, renewal } = search;
    const updates = [...(search.fetched?.values() ?? [])];
    return updates.length > 0 || renewal ? { origin, renewal, lane, updates } : null;
  }

  /** A lane is down: what was asked on it is asked again on another. */
  laneDown(lane: LaneId): void {
    for (const search of this.#searches.values()) {
      if (search.asked?.lane !== lane) continue;
      search.asked = null;
      search.fetched?.clear();
    }
  }

  /** Takes hashes in; tells whether the search goes on. */
  #narrow(search: Search, told: readonly Chain[]): boolean {
    const { low, high } = search;
    for (const { origin, height, hash } of told) {
      if (originKey(origin) !== originKey(search.origin)) continue;
      const own = this.#chains.at(origin, height);
      if (own === null) continue;
      if (own === hash) search.low = Math.max(search.low, height);
      else search.high = Math.min(search.high ?? height, height);
    }
    if (search.high === null) return false;
    if (search.high - search.low <= 1) search.fetched = new Map();
    return search.low !== low || search.high !== high;
  }

  #begin(peer: FabId, origin: Origin, renewal: RenewalWish | null, high: number | null): void {
    const key = `${peer} ${originKey(origin)}`;
    const known = this.#searches.get(key);
    if (known) known.renewal = laterWish(known.renewal, renewal);
    else {
      const fetched = high === 1 ? new Map() : null;
      this.#searches.set(key, { peer, origin, renewal, low: 0, high, asked: null, window: FETCHED, fetched });
    }
  }

  #of(peer: FabId): Search[] {
    return [...this.#searches.values()].filter((search) => search.peer === peer);
  }
}

/**
 * Whether the first update that differs was cut off, since an answer has the newest of what was asked for, up to a bound of
 * bytes: then fewer are to be asked for.
 */
function wasCut(search: Search, { unavailable }: PullEnd): boolean {
  const { origin, low, window, fetched } = search;
  const first: Dot = { ...origin, sequence: sequence(low + 1) };
  if (window === 1 || fetched?.has(low + 1) || unavailable.has(first)) return false;
  search.window = Math.max(1, Math.floor(window / 2));
  fetched?.clear();
  return true;
}

/** The wish that goes above what both name. */
function laterWish(a: RenewalWish | null, b: RenewalWish | null): RenewalWish | null {
  if (a === null || b === null) return a ?? b;
  return b.above > a.above ? b : a;
}

function requestOf(search: Search, id: number, top: number): PullRequest {
  const { origin, low, high, window, fetched } = search;
  const base = { id, programs: [], maxBytes: Number.MAX_SAFE_INTEGER };
  if (fetched) {
    const wanted = TransportVector.of([[origin, IntervalSet.range(low + 1, low + window)]]);
    return { ...base, wanted, chains: [] };
  }
  return { ...base, wanted: TransportVector.empty, chains: [{ origin, heights: spread(low, high ?? top) }] };
}

/** Some heights above one and up to another, that other included. */
function spread(low: number, high: number): number[] {
  const count = Math.min(HEIGHTS, high - low);
  const heights = Array.from(
    { length: Math.max(0, count) },
    (_, i) => low + Math.ceil(((i + 1) * (high - low)) / count),
  );
  return [...new Set(heights)];
}
