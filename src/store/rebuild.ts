import type { Connection } from './connection.ts';
import type { FoldDigest } from './fold-digest.ts';
import type { Folds } from './folds/folds.ts';
import type { UpdateLog } from './update-log.ts';

/** Updates between two calls of a progress function. */
const PROGRESS_EVERY = 256;

/** What a rebuild did. */
export interface Rebuilt {
  /** Updates that were folded. */
  readonly updates: number;
  /** Digest of the folds. */
  readonly digest: string;
}

/**
 * Empties the folds and folds the applied updates again, in order of arrival, all in one transaction: a rebuild that is
 * cut leaves everything as it was. Held updates stay held.
 * @param progress called now and then with the updates folded so far
 */
export function rebuild(
  connection: Connection,
  log: UpdateLog,
  folds: Folds,
  digest: FoldDigest,
  progress: (updates: number) => void,
): Rebuilt {
  return connection.transaction(() => {
    folds.empty();
    const updates = refold(log, folds, progress);
    return { updates, digest: digest.compute() };
  });
}

/** Folds the applied updates into empty folds; tells how many there were. Such as are damaged are held from now on. */
export function refold(log: UpdateLog, folds: Folds, progress: (updates: number) => void): number {
  log.holdDamaged();
  let updates = 0;
  for (let next = log.appliedAfter(0); next; next = log.appliedAfter(next.row.id)) {
    folds.fold(next.update, next.row);
    if (++updates % PROGRESS_EVERY === 0) progress(updates);
  }
  progress(updates);
  return updates;
}
