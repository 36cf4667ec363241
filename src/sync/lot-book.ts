import type { TransportVector } from '../clocks/transport-vector.ts';
import type { Commit } from '../replica/commit.ts';
import type { EventSource } from '../replica/event-source.ts';
import type { LotDigest, LotRun } from '../store/lots.ts';
import type { Store } from '../store/store.ts';
import { isMesh } from '../wafer/document/mesh.ts';
import type { RunId } from '../wafer/run.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import { type WaferFacts, waferFacts } from './wafer-facts.ts';

/** Wafers of a lot that are looked at one by one. */
export const MAX_LOT_WAFERS = 1_000;

/** Lots that are remembered until one of their updates comes. */
const MAX_LOTS = 16;

/** What a book is made of. */
export interface LotBookOptions {
  readonly store: Pick<Store, 'wafers' | 'lots' | 'documents' | 'vectors' | 'conflicts'>;
  /** Told before those who then ask. */
  readonly commits: Pick<EventSource<Commit<unknown>>, 'subscribe'>;
}

/** What this node's database has of a lot, each part looked up when it is first asked for. */
export class LotFacts {
  readonly lot: string;
  readonly #store: LotBookOptions['store'];
  #dots: TransportVector | null = null;
  #applied: TransportVector | null = null;
  #digest: LotDigest | null = null;
  #runs: readonly LotRun[] | null = null;
  #wafers: readonly WaferFacts[] | null = null;
  #waferCount: number | null = null;
  #disputed: boolean | null = null;

  constructor(store: LotBookOptions['store'], lot: string) {
    this.#store = store;
    this.lot = lot;
  }

  /** Its updates that are here, held ones included. @throws WafersyncError `exhausted` for a lot of too many */
  get dots(): TransportVector {
    this.#dots ??= this.#store.lots.dots(this.lot);
    return this.#dots;
  }

  /** Those of them that are applied here. */
  get applied(): TransportVector {
    this.#applied ??= this.dots.intersection(this.#store.vectors.applied);
    return this.#applied;
  }

  /** The applied ones in one digest. */
  get digest(): LotDigest {
    this.#digest ??= this.#store.lots.digest(this.lot);
    return this.#digest;
  }

  /** Its runs, by id. */
  get runs(): readonly LotRun[] {
    this.#runs ??= this.#store.lots.runs(this.lot);
    return this.#runs;
  }

  /** Its wafers, by wafer and insertion, at most {@link MAX_LOT_WAFERS}. */
  get wafers(): readonly WaferFacts[] {
    this.#wafers ??= this.#store.lots
      .wafers(this.lot, MAX_LOT_WAFERS)
      .map((key) => waferFacts(this.#store, key));
    return this.#wafers;
  }

  /** How many wafers it has. */
  get waferCount(): number {
    this.#waferCount ??= this.#store.lots.countWafers(this.lot);
    return this.#waferCount;
  }

  /** Whether a conflict about one of its wafers is open for a person. */
  get disputed(): boolean {
    this.#disputed ??= this.#store.conflicts.ids({ lot: this.lot, state: 'open' }, '', 1).length > 0;
    return this.#disputed;
  }

  /** Whether what was looked up counts the attempts of one of these runs. */
  names(runs: ReadonlySet<RunId>): boolean {
    const known = [...(this.#runs ?? []), ...(this.#wafers ?? []).flatMap((wafer) => wafer.runs)];
    return runs.size > 0 && known.some(({ id }) => runs.has(id));
  }

  /** Whether anything of it is here. */
  get known(): boolean {
    return !this.dots.isEmpty || this.runs.length > 0;
  }
}

/**
 * The lots that were asked for lately, so that whoever waits for one does not look all of it up at every change.
 *
 * Invariant: what is remembered of a lot is what the database has, as of the last commit.
 */
export class LotBook {
  readonly #options: LotBookOptions;
  /** The one that was asked for last comes last. */
  readonly #facts = new Map<string, LotFacts>();

  constructor(options: LotBookOptions) {
    this.#options = options;
    options.commits.subscribe((commit) => this.#committed(commit));
  }

  /** A lot, as it is now; keep it no longer than the turn. */
  of(lot: string): LotFacts {
    const facts = this.#facts.get(lot) ?? new LotFacts(this.#options.store, lot);
    this.#facts.delete(lot);
    this.#facts.set(lot, facts);
    if (this.#facts.size > MAX_LOTS) this.#facts.delete(this.#facts.keys().next().value!);
    return facts;
  }

  #committed(commit: Commit<unknown>): void {
    const touched = touchedBy(commit);
    if (touched === null) {
      this.#facts.clear();
      return;
    }
    for (const { lot } of touched.wafers) this.#facts.delete(lot);
    for (const [lot, facts] of this.#facts) if (facts.names(touched.runs)) this.#facts.delete(lot);
  }
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
