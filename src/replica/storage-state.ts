import type { WafersyncError } from '../errors.ts';

/** First wait between two tries whether there is room again, milliseconds; each that fails doubles it. */
export const PROBE_MIN_MS = 250;
/** Longest wait between two tries, milliseconds. */
export const PROBE_MAX_MS = 5_000;
/** What a try writes: as much as a full group of jobs, so that what comes next has room too. */
export const PROBE_BYTES = 1024 * 1024;

/** What happened to the storage. Times are of World.steadyMs(). */
export type StorageEvent =
  /** A commit found the disk full: so many jobs, of so many bytes in all, were refused. */
  | {
      readonly type: 'refused';
      readonly error: WafersyncError;
      readonly jobs: number;
      readonly bytes: number;
      readonly nowMs: number;
    }
  /** A commit is on disk, with updates of so many bytes. */
  | { readonly type: 'committed'; readonly bytes: number; readonly nowMs: number }
  /** The wait before a try is over. */
  | { readonly type: 'probe-due' }
  /** The try failed. One that succeeded is a commit of {@link PROBE_BYTES}. */
  | { readonly type: 'probe-failed' };

/** What is to be done. */
export type StorageEffect =
  /** Try to write {@link PROBE_BYTES}, after a while; at most one such wait is under way. */
  | { readonly type: 'probe-after'; readonly afterMs: number }
  /** Try now. */
  | { readonly type: 'probe' }
  | { readonly type: 'cancel-probe' }
  /** The fault began. */
  | { readonly type: 'entered'; readonly fault: StorageFault }
  /** It is over, after so many milliseconds. */
  | { readonly type: 'left'; readonly fault: StorageFault; readonly lastedMs: number };

/** A full disk. */
export interface StorageFault {
  /** What the first refused commit met. */
  readonly error: WafersyncError;
  /** World.steadyMs() of its beginning. */
  readonly sinceMs: number;
  /** Writes refused since then, of testers, files and peers; tries are none. */
  readonly refused: number;
}

/**
 * Whether the disk is full, from what became of the commits: `sound` ──refused──► `full` ──a commit large enough──► `sound`.
 *
 * A small commit may still find room where a larger one was refused: in the part of the write-ahead log that the larger
 * one had begun. So the fault ends only with a commit at least as large as the smallest one that it refused, or as a
 * try; else it would end and begin with every other commit.
 *
 * Invariants: tries are made, one at a time, while the fault lasts and never else; 1 ≤ #enoughBytes ≤ PROBE_BYTES.
 */
export class StorageState {
  #fault: StorageFault | null = null;
  /** Updates of so many bytes in one commit prove that there is room again. */
  #enoughBytes = PROBE_BYTES;
  /** Tries that failed in this fault. */
  #failures = 0;

  /** The fault; null while there is none. */
  get fault(): StorageFault | null {
    return this.#fault;
  }

  /** Takes in one event; the effects are to be performed in order. */
  step(event: StorageEvent): StorageEffect[] {
    if (event.type === 'refused') return this.#refused(event);
    if (this.#fault === null) return [];
    if (event.type === 'committed') return this.#committed(this.#fault, event);
    if (event.type === 'probe-due') return [{ type: 'probe' }];
    this.#failures++;
    return [this.#probeLater()];
  }

  #refused({ error, jobs, bytes, nowMs }: Extract<StorageEvent, { type: 'refused' }>): StorageEffect[] {
    const known = this.#fault;
    const enough = known ? this.#enoughBytes : PROBE_BYTES;
    this.#enoughBytes = Math.max(1, Math.min(enough, bytes));
    const fault = known
      ? { ...known, refused: known.refused + jobs }
      : { error, sinceMs: nowMs, refused: jobs };
    this.#fault = fault;
    if (known) return [];
    this.#failures = 0;
    return [{ type: 'entered', fault }, this.#probeLater()];
  }

  #committed(fault: StorageFault, { bytes, nowMs }: { bytes: number; nowMs: number }): StorageEffect[] {
    if (bytes < this.#enoughBytes) return [];
    this.#fault = null;
    return [{ type: 'cancel-probe' }, { type: 'left', fault, lastedMs: nowMs - fault.sinceMs }];
  }

  #probeLater(): StorageEffect {
    // 2 ** 30 is past any cap, and far from infinity.
    const afterMs = Math.min(PROBE_MAX_MS, PROBE_MIN_MS * 2 ** Math.min(this.#failures, 30));
    return { type: 'probe-after', afterMs };
  }
}
