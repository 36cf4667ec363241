import type { Commit } from '../replica/commit.ts';
import type { EventSource } from '../replica/event-source.ts';
import type { LotContent } from '../store/lot-scan.ts';
import type { Store } from '../store/store.ts';
import { isMesh } from '../wafer/document/mesh.ts';
import type { RunId } from '../wafer/run.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import type { World } from '../world.ts';
import { type LotFacts, type LotStore, lotFacts, namesRuns } from './lot-facts.ts';
import { SharedReading } from './shared-reading.ts';
import { stopIf, Turns } from './turns.ts';

/** Lots that are remembered until one of their updates comes. */
const MAX_LOTS = 16;

/** How often a lot is read that changes each time while it is read. */
const MAX_READINGS = 3;

/** What a book is made of. */
export interface LotBookOptions {
  readonly store: LotStore & Pick<Store, 'lotScan' | 'lotReader'>;
  /** Told before those who then ask. */
  readonly commits: Pick<EventSource<Commit<unknown>>, 'subscribe'>;
  readonly world: World;
}

/** A lot that is being read, and what commits did to it meanwhile. */
interface Reading {
  readonly lot: string;
  changed: boolean;
  readonly runs: Set<RunId>;
}

/**
 * The lots that were asked for lately, so that whoever waits for one does not look all of it up at every change. A large
 * one is looked up in turns of some milliseconds, between which the node goes on.
 *
 * The updates of a lot, and so its vectors and its digest, are always of one moment: a small lot is read in one turn, a
 * large one inside a transaction of a connection of its own. What is told of its runs and wafers is read after them, in
 * several turns; a commit in between that touches the lot makes it be read again. A lot that changes whenever it is read
 * is told all the same after {@link MAX_READINGS} times, its runs and each of its wafers as of a moment of its own.
 *
 * Invariant: what is remembered of a lot is what the database has, as of the last commit.
 */
export class LotBook {
  readonly #options: LotBookOptions;
  /** The one that was asked for last comes last. */
  readonly #contents = new Map<string, LotContent>();
  readonly #facts = new Map<string, LotFacts>();
  readonly #readings = new Set<Reading>();
  /** Large lots whose turn has not come. Invariant: at most one of a lot, for all who ask for it until then. */
  readonly #queued = new Map<string, SharedReading<LotContent>>();
  /** Settles once the large lot that was asked for last is read: they are read one after the other. */
  #large: Promise<unknown> = Promise.resolve();

  constructor(options: LotBookOptions) {
    this.#options = options;
    options.commits.subscribe((commit) => this.#committed(commit));
  }

  /**
   * The updates of a lot, as of one moment since this was asked.
   * @param signal of who asks: a large lot is not read on when nobody waits for it any more
   * @throws WafersyncError `exhausted` for a lot of too many, `cancelled`
   */
  async content(lot: string, signal: AbortSignal): Promise<LotContent> {
    const known = this.#contents.get(lot);
    if (known) return remember(this.#contents, lot, known);
    // In one turn where there are few: none of it can change meanwhile.
    const begun = this.#options.store.lotScan.read(lot).next();
    return begun.done ? remember(this.#contents, lot, begun.value) : this.#largeContent(lot, signal);
  }

  /**
   * A lot, as it is now.
   * @param turns those of a caller who works on with what was read
   * @throws WafersyncError `exhausted` for a lot of too many updates, `cancelled`
   */
  async read(lot: string, signal: AbortSignal, turns = this.#turns()): Promise<LotFacts> {
    for (let left = MAX_READINGS - 1; ; left--) {
      const known = this.#facts.get(lot);
      if (known) return remember(this.#facts, lot, known);
      const { facts, isWhole } = await this.#reading(lot, async (reading) => {
        const content = await this.content(lot, signal);
        const facts = await turns.run(lotFacts(this.#options.store, lot, content), signal);
        const isWhole = !reading.changed && !namesRuns(facts, reading.runs);
        if (isWhole) remember(this.#facts, lot, facts);
        return { facts, isWhole };
      });
      if (isWhole || left === 0) return facts;
    }
  }

  async #reading<T>(lot: string, read: (reading: Reading) => Promise<T>): Promise<T> {
    const reading = { lot, changed: false, runs: new Set<RunId>() };
    this.#readings.add(reading);
    try {
      return await read(reading);
    } finally {
      this.#readings.delete(reading);
    }
  }

  /** Reads the updates of a large lot in several turns, once those that were asked for before are read. */
  async #largeContent(lot: string, signal: AbortSignal): Promise<LotContent> {
    stopIf(signal);
    let queued = this.#queued.get(lot);
    if (!queued || queued.signal.aborted) {
      queued = new SharedReading((all) => this.#inTurn(lot, all));
      this.#queued.set(lot, queued);
    }
    return queued.join(signal);
  }

  #inTurn(lot: string, signal: AbortSignal): Promise<LotContent> {
    const read = this.#large.then(async () => {
      const turns = this.#turns();
      try {
        // What was read in the turn of the question was for nothing, and is work of that turn.
        await turns.end(signal);
      } finally {
        // Whoever asks from now on wants it as of a later moment.
        if (this.#queued.get(lot)?.signal === signal) this.#queued.delete(lot);
      }
      return this.#reading(lot, async (reading) => {
        const content = await turns.run(this.#asOfOneMoment(lot), signal);
        if (!reading.changed) remember(this.#contents, lot, content);
        return content;
      });
    });
    // Whoever asked is told what failed; the next one is read nevertheless.
    this.#large = read.catch(() => {});
    return read;
  }

  *#asOfOneMoment(lot: string): Generator<void, LotContent> {
    const reader = this.#options.store.lotReader();
    try {
      return yield* reader.read(lot);
    } finally {
      reader.close();
    }
  }

  #turns(): Turns {
    return new Turns(this.#options.world, 0, 'notify');
  }

  #committed(commit: Commit<unknown>): void {
    const touched = touchedBy(commit);
    if (touched === null) {
      this.#contents.clear();
      this.#facts.clear();
      for (const reading of this.#readings) reading.changed = true;
      return;
    }
    const lots = new Set(touched.wafers.map(({ lot }) => lot));
    for (const lot of lots) {
      this.#contents.delete(lot);
      this.#facts.delete(lot);
    }
    for (const [lot, facts] of this.#facts) if (namesRuns(facts, touched.runs)) this.#facts.delete(lot);
    for (const reading of this.#readings) {
      if (lots.has(reading.lot)) reading.changed = true;
      for (const run of touched.runs) reading.runs.add(run);
    }
  }
}

/** Puts a lot last, and forgets the first one where there are too many. */
function remember<T>(lots: Map<string, T>, lot: string, value: T): T {
  lots.delete(lot);
  lots.set(lot, value);
  if (lots.size > MAX_LOTS) lots.delete(lots.keys().next().value!);
  return value;
}

/** What a commit may have changed something of. */
export interface Touched {
  readonly wafers: readonly WaferKey[];
  /** Runs that have more attempts now: whatever counts those of the whole run. */
  readonly runs: ReadonlySet<RunId>;
}

/** What a commit may have changed something of; null where it may be anything. */
export function touchedBy({
  added,
  released,
  received,
  refolded,
  housekept,
}: Commit<unknown>): Touched | null {
  const updates = [...added.map(({ update }) => update), ...released];
  // What is housekept may be a mark of damage, in a commit with others' updates.
  const folded =
    housekept.length + refolded.length > 0 ||
    received.some(({ outcome }) => outcome === 'forked' || outcome === 'repaired');
  // A record is of all wafers of its run; what the mesh says of a product, and a commit of no updates, may be of any.
  const wide = updates.some(
    ({ header: { kind, wafer } }) => kind === 'run' || kind === 'purge' || isMesh(wafer),
  );
  if (updates.length === 0 || folded || wide) return null;
  const runs = updates.flatMap(({ header: { run } }) => (run ? [run.id] : []));
  return { wafers: updates.map(({ header }) => header.wafer), runs: new Set(runs) };
}
