import { type Dot, type FabId, formatDot, type Origin, originKey } from '../clocks/dot.ts';
import { HLC_EPOCH_MS, type Timestamp, timestampAt } from '../clocks/hlc.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import { WafersyncError } from '../errors.ts';
import type { Log } from '../log.ts';
import { logged, type Unsubscribe } from '../replica/event-source.ts';
import type { Replica } from '../replica/replica.ts';
import type { Purgeable, PurgeablePlace } from '../store/purges.ts';
import type { Store } from '../store/store.ts';
import { MAX_PURGED_BYTES, MAX_PURGED_UPDATES } from '../wafer/purge.ts';
import type { Update } from '../wafer/update.ts';
import { decodePurge } from '../wire/purge.ts';
import type { Cancel, World } from '../world.ts';
import { appliedByMember, appliedEverywhere, OutlookCount, type PurgeOutlook } from './purge-plan.ts';
import type { Report } from './report.ts';
import type { Carrier } from './sync-runner.ts';

/** What retention is made of. */
export interface RetentionOptions {
  readonly store: Store;
  readonly replica: Pick<Replica<Carrier>, 'purge' | 'commits'>;
  /** Fabs that must have applied what is purged, this one included unless it was shut out, as of now. */
  readonly members: () => readonly FabId[];
  /** Latest reports of all nodes, this one included. */
  readonly reports: () => readonly Report[];
  readonly world: World;
  readonly log: Log;
  /** Origins of which it is not certain that all have the same under their dots. */
  readonly suspected: () => readonly Origin[];
  /** How far the clocks of other fabs are ahead of this node's, milliseconds. */
  readonly clocks: () => ReadonlyMap<FabId, number>;
  /** By how much a clock may be ahead of another's for ages to be gone by, milliseconds. */
  readonly maxClockDriftMs: number;
  /** Age at which values born at this fab are purged daily, days; 0 for never. */
  readonly valuesDays: number;
}

/** Which updates are meant. */
export interface PurgeWish {
  /** Least age since their birth, days; 0 for all. */
  readonly olderThanDays: number;
  /** Only those born at this fab. */
  readonly fab?: FabId;
}

/** What became of a wish. */
export interface Purged {
  readonly purges: readonly Dot[];
  readonly updates: number;
  readonly freedBytes: number;
  /** What is left, and what blocks it. */
  readonly left: PurgeOutlook;
}

/** What the node tells of it. */
export interface RetentionView {
  readonly valuesDays: number;
  /** What was found when it last looked; null before it did. */
  readonly last: {
    readonly outlook: PurgeOutlook;
    readonly atMs: number;
    /** It was asked what a purge would take: none was to be made. */
    readonly planned: boolean;
  } | null;
}

const DAY_MS = 24 * 3600 * 1000;

/** From the start to the first daily purge: by then the others have reported. */
const FIRST_AFTER_MS = 60_000;

/** From a daily purge that failed to the next try. */
const RETRY_MS = 3600 * 1000;

/** Updates looked at before other work is let through. */
const PAGE = 2048;

/** Purges of one request; what is left takes another one. */
const MAX_PURGES = 1024;

/** Behind every timestamp. */
const ALL_TIME = Number.MAX_SAFE_INTEGER as Timestamp;

/**
 * Purges the values of old results, by wish and daily.
 *
 * Invariant: a purge names only what the latest reports of all members say that they have applied. What a report says stays
 * true of the life of the database that made it.
 */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #unsubscribe: Unsubscribe;
  #last: RetentionView['last'] = null;
  #cancel: Cancel = () => {};
  #stopped = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#unsubscribe = options.replica.commits.subscribe(
      logged(options.log, 'purges', ({ added, released }) => {
        for (const { update, applied } of added) if (applied) this.#tell(update);
        for (const update of released) this.#tell(update);
      }),
    );
  }

  /** Begins the daily purges, where the node is to make them. */
  start(): void {
    if (this.#options.valuesDays > 0) this.#arm(FIRST_AFTER_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
    this.#unsubscribe();
  }

  view(): RetentionView {
    return { valuesDays: this.#options.valuesDays, last: this.#last };
  }

  /** What a purge would take now, and what blocks the rest. @throws WafersyncError `cancelled` once `signal` is aborted */
  plan(wish: PurgeWish, signal?: AbortSignal): Promise<PurgeOutlook> {
    return this.#look(wish, true, signal);
  }

  async #look(wish: PurgeWish, planned: boolean, signal?: AbortSignal): Promise<PurgeOutlook> {
    const { store, world } = this.#options;
    const count = new OutlookCount(this.#applied(), store.peers.heardAtMs());
    for (let page = this.#page(wish, null, PAGE); page.length > 0; ) {
      if (signal?.aborted) throw new WafersyncError('cancelled', 'nobody waits for the plan any more');
      for (const update of page) if (isMeant(update, wish)) count.add(update);
      await this.#giveWay();
      page = this.#page(wish, page.at(-1)!, PAGE);
    }
    const outlook = count.take();
    this.#last = { outlook, atMs: world.nowMs(), planned };
    return outlook;
  }

  /**
   * Purges what may be purged now: in several purges where it is much, each in a commit of its own.
   * @param signal ends it behind the purge under way
   * @throws WafersyncError `precondition` where ages cannot be trusted: the clock is ahead of another fab's, or none can be
   * compared; `cancelled` once `signal` is aborted
   */
  async purge(
    wish: PurgeWish,
    facts: { readonly author: string; readonly reason: string },
    signal?: AbortSignal,
  ): Promise<Purged> {
    this.#checkClock(wish);
    const purges: Dot[] = [];
    let [updates, freedBytes] = [0, 0];
    let page = this.#page(wish, null, MAX_PURGED_UPDATES);
    while (page.length > 0 && purges.length < MAX_PURGES && !this.#stopped && !signal?.aborted) {
      const { dots, place } = this.#portion(page, wish);
      if (dots.length > 0) {
        const receipt = await this.#options.replica.purge(() => ({
          ...{ ...facts, termDays: wish.olderThanDays },
          dots: this.#purgeable(dots),
        }));
        if (receipt.dot) purges.push(receipt.dot);
        updates += receipt.updates;
        freedBytes += receipt.freedBytes;
      } else await this.#giveWay();
      page = this.#page(wish, place, MAX_PURGED_UPDATES);
    }
    return { purges, updates, freedBytes, left: await this.#look(wish, false, signal) };
  }

  /** What one purge takes of a page, and where the next one begins. */
  #portion(
    page: readonly Purgeable[],
    wish: PurgeWish,
  ): { readonly dots: readonly Dot[]; readonly place: PurgeablePlace | null } {
    const everywhere = this.#everywhere();
    const dots: Dot[] = [];
    let bytes = 0;
    let place: PurgeablePlace | null = null;
    for (const update of page) {
      if (isMeant(update, wish) && everywhere.has(update.dot)) {
        if (dots.length > 0 && bytes + update.bytes > MAX_PURGED_BYTES) break;
        bytes += update.bytes;
        dots.push(update.dot);
      }
      place = update;
    }
    return { dots, place };
  }

  /** Inside the transaction of the purge: of some updates those that all members have applied, as of now. */
  #purgeable(dots: readonly Dot[]): Dot[] {
    const everywhere = this.#everywhere();
    return dots.filter((dot) => everywhere.has(dot));
  }

  #page({ olderThanDays }: PurgeWish, after: PurgeablePlace | null, limit: number): Purgeable[] {
    const beforeMs = this.#options.world.nowMs() - olderThanDays * DAY_MS;
    const before = olderThanDays === 0 ? ALL_TIME : timestampAt(Math.max(HLC_EPOCH_MS, beforeMs));
    return this.#options.store.purges.purgeable(before, after, limit);
  }

  #applied(): ReadonlyMap<FabId, TransportVector> {
    return appliedByMember(this.#options.members(), this.#options.reports());
  }

  /** What every member has applied. Of a fork reports do not tell which of two contents that was. */
  #everywhere(): TransportVector {
    const suspected = new Set(this.#options.suspected().map(originKey));
    return appliedEverywhere(this.#applied()).filter((origin) => !suspected.has(originKey(origin)));
  }

  /** By a clock that is wrong everything may seem old, and what is purged is gone for good. */
  #checkClock({ olderThanDays }: PurgeWish): void {
    const { members, clocks, maxClockDriftMs, store } = this.#options;
    if (olderThanDays === 0 || members().every((fab) => fab === store.origin.fab)) return;
    const ahead = clocks();
    if (ahead.size === 0) {
      throw new WafersyncError(
        'precondition',
        'no other fab is connected by whose clock the age of results could be checked',
        {
          hint: 'Purge once another fab is connected.',
        },
      );
    }
    for (const [fab, aheadMs] of ahead) {
      if (aheadMs >= -maxClockDriftMs) continue;
      const seconds = Math.round(-aheadMs / 1000);
      throw new WafersyncError(
        'precondition',
        `the clock of this node is ${seconds} s ahead of that of ${fab}: results would seem older than they are`,
        {
          hint: 'Set the clock that is wrong, and purge then.',
        },
      );
    }
  }

  #giveWay(): Promise<void> {
    return new Promise((resolve) => {
      this.#options.world.after('retention', 0, resolve);
    });
  }

  #arm(afterMs: number): void {
    if (this.#stopped) return;
    this.#cancel = this.#options.world.after('retention', afterMs, () => {
      void this.#daily().then((done) => this.#arm(done ? DAY_MS : RETRY_MS));
    });
  }

  /** Each fab sees to what was born there, so that no two purge the same. Tells whether it could. */
  async #daily(): Promise<boolean> {
    const { store, valuesDays, log } = this.#options;
    const wish = { olderThanDays: valuesDays, fab: store.origin.fab };
    const reason = `values are kept for ${valuesDays} days`;
    try {
      let [updates, freedBytes] = [0, 0];
      let purged: Purged;
      do {
        purged = await this.purge(wish, { author: '', reason });
        updates += purged.updates;
        freedBytes += purged.freedBytes;
      } while (purged.purges.length === MAX_PURGES && !this.#stopped);
      const { left } = purged;
      log.info('purge.daily', { updates, freed_bytes: freedBytes, blocked: left.blocked });
      for (const { fab, updates: blocked, heardAtMs, oldestMs } of left.blocks) {
        const since = heardAtMs === null ? null : new Date(heardAtMs).toISOString();
        const oldest = new Date(oldestMs).toISOString();
        log.warn('purge.blocked', { fab, updates: blocked, heard: since, oldest });
      }
      return true;
    } catch (thrown) {
      log.warn('purge.failed', {}, WafersyncError.from(thrown));
      return false;
    }
  }

  /** What left, by which purge: at every fab that applies it. */
  #tell({ header, payload }: Update): void {
    if (header.kind !== 'purge') return;
    const { author, reason, termDays, purged } = decodePurge(payload);
    const facts = { author, why: reason, term_days: termDays, updates: purged.length };
    this.#options.log.info('purge.applied', { purge: formatDot(header.dot), ...facts });
  }
}

function isMeant({ dot }: Purgeable, { fab }: PurgeWish): boolean {
  return fab === undefined || dot.fab === fab;
}
