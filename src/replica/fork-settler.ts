import { type Dot, type Epoch, type FabId, type Origin, originKey, sequence } from '../clocks/dot.ts';
import type { Timestamp } from '../clocks/hlc.ts';
import { IntervalSet } from '../clocks/interval-set.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import { type ErrorCode, WafersyncError } from '../errors.ts';
import { FIRST_FORKED, type ForkedPlace, type ForkedUpdate } from '../store/forks.ts';
import type { Store } from '../store/store.ts';
import { reissueEdit, reissueVector } from '../wafer/document/reissue.ts';
import type { Update, UpdateHeader } from '../wafer/update.ts';
import { decodeEdit, encodeEdit } from '../wire/edit.ts';
import { decodePurge } from '../wire/purge.ts';

/** What became of a fork. */
export interface Settled {
  /** The origin that goes on, where the epoch was renewed; else null. */
  readonly renewed: Origin | null;
  /** Updates that gave way here. */
  readonly gaveWay: number;
  /** Of those, and of earlier ones, such as are issued again now: born at this fab, or purges that took values here. */
  readonly reissued: number;
}

/** How the replica writes. */
export interface ForkWriter<Token> {
  /** Runs work inside a transaction; settles once it is committed. */
  durable(bytes: number, work: () => void): Promise<void>;
  /** Takes in an update whose dot is free. */
  take(update: Update, token: Token): void;
  /** An update is born; without a timestamp, now. */
  bear(facts: Omit<UpdateHeader, 'dot' | 'timestamp'>, payload: Uint8Array, timestamp?: Timestamp): Dot;
}

/** What counts against the bound of the commit queue for it. */
const WORK_BYTES = 4096;

/** Bytes of updates that are issued again in one commit, about. */
const REISSUED_BYTES = 16 * 1024 * 1024;

/** What keeps an update from being issued again. */
const STAYS_ASIDE: ReadonlySet<ErrorCode> = new Set(['damaged', 'invalid', 'precondition']);

/** Updates that are read at once for that. */
const READ_AT_ONCE = 16;

/**
 * Settles forks: other updates under the same dots, borne by two databases of one fab. Of two updates the one with the
 * smaller timestamp keeps the dot, at equal ones the smaller digest. At the fab that bore them everything from the first
 * difference on gives way to what the mesh has, and is issued again under the epoch that goes on. A purge of another fab
 * is issued again by whoever has carried it out: that fab may have lost it, and what it took is gone.
 */
export class ForkSettler<Token> {
  readonly #store: Store;
  readonly #writer: ForkWriter<Token>;

  constructor(store: Store, writer: ForkWriter<Token>) {
    this.#store = store;
    this.#writer = writer;
  }

  /**
   * Settles a fork, or goes on under another epoch, in one commit, of which more follow where much is to be issued again.
   * Null where neither was needed.
   * @param updates another node's updates, of which some differ from those here
   * @param token of who brought them
   * @param above where the epoch is to be renewed whatever differs: one that others know of
   */
  async settle(
    origin: Origin,
    updates: readonly Update[],
    token: Token,
    above: Epoch | null,
  ): Promise<Settled | null> {
    const store = this.#store;
    let settled: Settled | null = null;
    let next: ForkedPlace | null = null;
    await this.#writer.durable(WORK_BYTES, () => {
      const differing = this.#differing(updates);
      const isOwn = originKey(origin) === originKey(store.origin);
      const renewed = isOwn && (above !== null || differing.length > 0);
      if (renewed) store.renewEpoch(above ?? origin.epoch);
      if (!renewed && differing.length === 0) return;
      const gaveWay = this.#giveWay(origin, differing, token);
      if (!renewed && gaveWay === 0) return;
      const { reissued, ...rest } = this.#reissueSome(origin.fab, FIRST_FORKED);
      next = rest.next;
      settled = { gaveWay, reissued, renewed: renewed ? store.origin : null };
    });
    const later = await this.#reissueAll(origin.fab, next);
    return settled && later > 0 ? countedIn(settled, later) : settled;
  }

  /** Issues again what gave way of this fab and was not issued again before the process ended. Tells how many. */
  resume(): Promise<number> {
    return this.#reissueAll(this.#store.origin.fab, FIRST_FORKED);
  }

  async #reissueAll(fab: FabId, from: ForkedPlace | null): Promise<number> {
    let reissued = 0;
    for (let next = from; next !== null; ) {
      const after = next;
      await this.#writer.durable(WORK_BYTES, () => {
        const some = this.#reissueSome(fab, after);
        reissued += some.reissued;
        next = some.next;
      });
    }
    return reissued;
  }

  /**
   * Inside a transaction: issues again what gave way of a fab, as much as one commit takes. Of this fab all; of another such
   * purges as took values here.
   */
  #reissueSome(
    fab: FabId,
    after: ForkedPlace,
  ): { readonly reissued: number; readonly next: ForkedPlace | null } {
    const { forks } = this.#store;
    let reissued = 0;
    let bytes = 0;
    for (let place = after; ; ) {
      const page = forks.unissued(fab, place, READ_AT_ONCE);
      for (const forked of page) {
        bytes += forked.bytes;
        if (this.#tryAgain(forked, fab)) reissued++;
      }
      const last = page.at(-1);
      if (!last) return { reissued, next: null };
      if (bytes >= REISSUED_BYTES) return { reissued, next: last.place };
      place = last.place;
    }
  }

  /** Inside a transaction: gives way where the rule says so, and takes what stands in its place. Tells how many gave way. */
  #giveWay(origin: Origin, differing: readonly Update[], token: Token): number {
    const losing = this.#losing(origin, differing);
    this.#store.giveWay(losing);
    const free = differing.filter(({ header }) => this.#store.log.digestOf(header.dot) === null);
    for (const update of free) this.#writer.take(update, token);
    return losing.length;
  }

  /** Whether another node's updates differ from those here. */
  #differing(updates: readonly Update[]): Update[] {
    return updates.filter((update) => {
      const own = this.#store.log.digestOf(update.header.dot);
      if (own === null || Buffer.compare(own, update.digest) === 0) return false;
      // What is damaged here is no other update: reading it tells.
      return this.#store.log.getSound(update.header.dot) !== null;
    });
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

  /** One that this version cannot read or fold, or that has rotted, stays aside, and stops no other. */
  #tryAgain(forked: ForkedUpdate, fab: FabId): boolean {
    const { forks, origin } = this.#store;
    try {
      return this.#store.savepoint(() => {
        const update = forked.open();
        if (fab !== origin.fab && !this.#leftStubs(update)) return false;
        forks.reissued(forked.place.id, this.#issueAgain(update));
        return true;
      });
    } catch (thrown) {
      if (!STAYS_ASIDE.has(WafersyncError.from(thrown).code)) throw thrown;
      return false;
    }
  }

  /** Whether it is a purge that made stubs here which no other purge names. */
  #leftStubs({ header, payload }: Update): boolean {
    if (header.kind !== 'purge') return false;
    const { log, stubs } = this.#store;
    return decodePurge(payload).purged.some(({ dot, stubDigest }) => {
      const named = log.getSound(dot);
      return named !== null && sameBytes(named.stubDigest, stubDigest) && stubs.waits(named);
    });
  }

  #issueAgain({ header, payload }: Update): Dot {
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

function countedIn(settled: Settled, later: number): Settled {
  return { ...settled, reissued: settled.reissued + later };
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
