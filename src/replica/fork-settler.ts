import { type Dot, type Origin, originKey, sequence } from '../clocks/dot.ts';
import type { Timestamp } from '../clocks/hlc.ts';
import { IntervalSet } from '../clocks/interval-set.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import { WafersyncError } from '../errors.ts';
import type { ForkedUpdate } from '../store/forks.ts';
import type { Store } from '../store/store.ts';
import { reissueEdit, reissueVector } from '../wafer/document/reissue.ts';
import type { Update, UpdateHeader } from '../wafer/update.ts';
import { decodeEdit, encodeEdit } from '../wire/edit.ts';
import { decodePurge } from '../wire/purge.ts';

/** What became of a fork. */
export interface Settlement {
  /** Updates that gave way here. */
  readonly gaveWay: number;
  /** Of those, and of earlier ones, such as are issued again now: born at this fab, or purges that took values here. */
  readonly reissued: number;
}

/** How the replica writes. */
export interface ForkWriter {
  /** Takes in an update whose dot is free. */
  take(update: Update): void;
  /** An update is born; without a timestamp, now. */
  bear(facts: Omit<UpdateHeader, 'dot' | 'timestamp'>, payload: Uint8Array, timestamp?: Timestamp): Dot;
}

/** Updates issued again in one commit at most. */
const REISSUED_AT_ONCE = 100_000;

/**
 * Settles forks: other updates under the same dots, borne by two databases of one fab. Of two updates the one with the
 * smaller timestamp keeps the dot, at equal ones the smaller digest. At the fab that bore them everything from the first
 * difference on gives way to what the mesh has, and is issued again under the epoch that goes on. A purge of another fab
 * is issued again by whoever has carried it out: that fab may have lost it, and what it took is gone.
 */
export class ForkSettler {
  readonly #store: Store;
  readonly #writer: ForkWriter;

  constructor(store: Store, writer: ForkWriter) {
    this.#store = store;
    this.#writer = writer;
  }

  /** Whether another node's updates differ from those here. */
  differing(updates: readonly Update[]): Update[] {
    return updates.filter((update) => {
      const own = this.#store.log.digestOf(update.header.dot);
      if (own === null || Buffer.compare(own, update.digest) === 0) return false;
      // What is damaged here is no other update: reading it tells.
      return this.#store.log.get(update.header.dot) !== null;
    });
  }

  /** Inside a transaction, under the epoch that goes on: gives way where the rule says so, and issues again what is to be. */
  settle(origin: Origin, differing: readonly Update[]): Settlement {
    const losing = this.#losing(origin, differing);
    this.#store.giveWay(losing);
    const free = differing.filter(({ header }) => this.#store.log.digestOf(header.dot) === null);
    for (const update of free) this.#writer.take(update);
    return { gaveWay: losing.length, reissued: this.#reissue(origin) };
  }

  #losing(origin: Origin, differing: readonly Update[]): Dot[] {
    if (differing.length === 0) return [];
    const store = this.#store;
    if (origin.fab === store.origin.fab && store.forks.firstOf(origin) === null) {
      const first = Math.min(...differing.map(({ header }) => header.dot.sequence));
      return dotsFrom(origin, store.vectors.received.get(origin), first);
    }
    return differing.filter((update) => this.#isBefore(update)).map(({ header }) => header.dot);
  }

  /** Whether another node's update comes before the one here. */
  #isBefore(update: Update): boolean {
    const own = this.#store.log.get(update.header.dot);
    if (!own) return false;
    const byTime = update.header.timestamp - own.header.timestamp;
    return byTime < 0 || (byTime === 0 && Buffer.compare(update.digest, own.digest) < 0);
  }

  #reissue({ fab }: Origin): number {
    const { forks, origin } = this.#store;
    let reissued = 0;
    for (const forked of forks.unissued(origin.fab, REISSUED_AT_ONCE)) if (this.#tryAgain(forked)) reissued++;
    if (fab === origin.fab) return reissued;
    for (const forked of forks.unissued(fab, REISSUED_AT_ONCE))
      if (this.#leftStubs(forked) && this.#tryAgain(forked)) reissued++;
    return reissued;
  }

  /** Whether it is a purge that made stubs here which no other purge names. */
  #leftStubs({ update: { header, payload } }: ForkedUpdate): boolean {
    if (header.kind !== 'purge') return false;
    const { log, stubs } = this.#store;
    return decodePurge(payload).purged.some(({ dot, stubDigest }) => {
      const named = log.get(dot);
      return named !== null && sameBytes(named.stubDigest, stubDigest) && stubs.waits(named);
    });
  }

  /** One that this version cannot read or fold stays aside, and stops no other. */
  #tryAgain(forked: ForkedUpdate): boolean {
    try {
      this.#store.savepoint(() => this.#store.forks.reissued(forked.id, this.#issueAgain(forked)));
      return true;
    } catch (thrown) {
      const { code } = WafersyncError.from(thrown);
      if (code !== 'damaged' && code !== 'invalid' && code !== 'precondition') throw thrown;
      return false;
    }
  }

  #issueAgain({ update: { header, payload } }: ForkedUpdate): Dot {
    const { dot, timestamp, ...facts } = header;
    if (facts.kind === 'edit' || facts.kind === 'retire') {
      const edit = reissueEdit(decodeEdit(payload), this.#store.forks);
      return this.#writer.bear(facts, encodeEdit(edit), timestamp);
    }
    if (facts.kind !== 'results') return this.#writer.bear(facts, payload);
    // What an origin bore it knew; of another life of the same fab that has to be said.
    const own = TransportVector.of(dot.sequence === 1 ? [] : [[dot, IntervalSet.range(1, dot.sequence - 1)]]);
    const seen = reissueVector((facts.seen ?? TransportVector.empty).join(own), this.#store.forks);
    const others = seen.filter((origin) => originKey(origin) !== originKey(this.#store.origin));
    const { seen: _, ...rest } = facts;
    return this.#writer.bear(others.isEmpty ? rest : { ...rest, seen: others }, payload);
  }
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}

function dotsFrom(origin: Origin, set: IntervalSet, first: number): Dot[] {
  const dots: Dot[] = [];
  for (const { from, to } of set.intervals) {
    for (let n = Math.max(from, first); n <= to; n++) {
      dots.push({ fab: origin.fab, epoch: origin.epoch, sequence: sequence(n) });
    }
  }
  return dots;
}
