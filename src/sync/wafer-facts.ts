import type { Dot, FabId } from '../clocks/dot.ts';
import { type Timestamp, timestampMs } from '../clocks/hlc.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import type { LotRun, WaferCounts } from '../store/lots.ts';
import type { Store } from '../store/store.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import type { AppliedMarks } from './applied-marks.ts';

/** What this node's database has of a wafer, whatever other fabs have. */
export interface WaferFacts extends WaferCounts {
  readonly key: WaferKey;
  /** Its updates that are here, held ones included. */
  readonly dots: TransportVector;
  /** How many of them are not applied here. */
  readonly held: number;
  readonly runs: readonly LotRun[];
  /** Null where nobody said it. */
  readonly grossDies: number | null;
  readonly last: { readonly dot: Dot; readonly timestamp: Timestamp } | null;
  readonly openConflicts: number;
  readonly product: string;
}

/** What the queries of wafers are answered from. */
export type FactsStore = Pick<Store, 'wafers' | 'lots' | 'documents' | 'vectors'>;

/** Looks a wafer up. */
export function waferFacts(store: FactsStore, key: WaferKey): WaferFacts {
  const dots = store.wafers.dots(key);
  return {
    key,
    dots,
    held: dots.difference(store.vectors.applied).size,
    ...store.lots.counts(key),
    runs: store.lots.runsOfWafer(key),
    grossDies: store.documents.grossDies(key),
    last: store.lots.lastOf(dots),
    openConflicts: store.documents.conflicts(key).open,
    product: store.documents.product(key),
  };
}

/** How soon an update was known to be visible at a fab. */
export interface VisibleAt {
  readonly fab: FabId;
  readonly afterMs: number;
}

/** How soon the last update was known to be visible at each fab, as far as this node knows; null for no update. */
export function visibleAt(
  last: WaferFacts['last'],
  fabs: readonly FabId[],
  marks: Pick<AppliedMarks, 'at'>,
): VisibleAt[] {
  if (!last) return [];
  return fabs.flatMap((fab) => {
    const atMs = marks.at(fab, last.dot);
    // The clock of the fab where it was born may be ahead of this one.
    return atMs === null
      ? []
      : [{ fab, afterMs: Math.max(0, Math.ceil(atMs - timestampMs(last.timestamp))) }];
  });
}
