import type { Dot } from '../clocks/dot.ts';
import type { Store } from '../store/store.ts';
import { MAX_PURGED_UPDATES, type Purge } from '../wafer/purge.ts';
import type { UpdateHeader } from '../wafer/update.ts';
import { encodePurge } from '../wire/purge.ts';

/** A purge that is asked for. */
export interface PurgePlan extends Omit<Purge, 'purged'> {
  /** Updates that every member has applied; of more than a purge names the first are taken. */
  readonly dots: readonly Dot[];
}

/** What became of it. */
export interface PurgeReceipt {
  /** The purge; null where there was nothing to purge. */
  readonly dot: Dot | null;
  /** Updates that it names. */
  readonly updates: number;
  /** Bytes of values that left this node. */
  readonly freedBytes: number;
}

/** Nothing was purged. */
export const NOTHING_PURGED: PurgeReceipt = { dot: null, updates: 0, freedBytes: 0 };

/** What the header of a purge says beside dot and timestamp. */
export const OF_NO_WAFER: Omit<UpdateHeader, 'dot' | 'timestamp'> = {
  ...{ kind: 'purge', version: 0, run: null, program: null },
  wafer: { lot: '', waferId: '', insertion: '' },
};

/**
 * Inside a transaction: writes a purge of those updates of a plan that may be purged.
 * @param bear an update of this payload is born
 */
export function writePurge(
  store: Pick<Store, 'stubs'>,
  { dots, ...facts }: PurgePlan,
  bear: (payload: Uint8Array) => Dot,
): PurgeReceipt {
  const named = dots
    .slice(0, MAX_PURGED_UPDATES)
    .map((dot) => store.stubs.naming(dot))
    .filter((one) => one !== null);
  if (named.length === 0) return NOTHING_PURGED;
  const freedBytes = named.reduce((sum, one) => sum + one.freedBytes, 0);
  return { dot: bear(encodePurge({ ...facts, purged: named })), updates: named.length, freedBytes };
}
