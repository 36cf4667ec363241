import type { LotContent } from '../store/lot-scan.ts';
import type { LotRun } from '../store/lots.ts';
import type { Store } from '../store/store.ts';
import type { RunId } from '../wafer/run.ts';
import { type FactsStore, type WaferFacts, waferFacts } from './wafer-facts.ts';

/** Wafers of a lot that are looked at one by one. */
export const MAX_LOT_WAFERS = 1_000;

/** What this node's database has of a lot. */
export interface LotFacts extends LotContent {
  readonly lot: string;
  /** Its runs, by id. */
  readonly runs: readonly LotRun[];
  /** Its wafers, by wafer and insertion, at most {@link MAX_LOT_WAFERS}. */
  readonly wafers: readonly WaferFacts[];
  /** How many wafers it has. */
  readonly waferCount: number;
  /** Whether a conflict about one of its wafers is open for a person. */
  readonly disputed: boolean;
  /** Whether anything of it is here. */
  readonly known: boolean;
}

/** What facts are looked up in. */
export type LotStore = FactsStore & Pick<Store, 'conflicts'>;

/** Looks up what is to be known of a lot beside its updates. Yields where it may give way: after each wafer, and each query. */
export function* lotFacts(store: LotStore, lot: string, content: LotContent): Generator<void, LotFacts> {
  const runs = store.lots.runs(lot);
  yield;
  const waferCount = store.lots.countWafers(lot);
  const disputed = store.conflicts.ids({ lot, state: 'open' }, '', 1).length > 0;
  yield;
  const wafers: WaferFacts[] = [];
  for (const key of store.lots.wafers(lot, MAX_LOT_WAFERS)) {
    wafers.push(waferFacts(store, key));
    yield;
  }
  const known = !content.dots.isEmpty || runs.length > 0;
  return { ...content, lot, runs, wafers, waferCount, disputed, known };
}

/** Whether facts count the attempts of one of these runs. */
export function namesRuns(facts: LotFacts, runs: ReadonlySet<RunId>): boolean {
  if (runs.size === 0) return false;
  const known = [...facts.runs, ...facts.wafers.flatMap((wafer) => wafer.runs)];
  return known.some(({ id }) => runs.has(id));
}
