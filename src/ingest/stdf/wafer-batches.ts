import type { Attempt } from '../../wafer/attempt.ts';
import { MAX_UPDATE_BYTES } from '../../wafer/update.ts';

/** Most attempts handed in together. */
export const MAX_BATCH_ATTEMPTS = 512;
/** Results from which on a batch is handed in. */
export const MAX_BATCH_RESULTS = 20_000;
/** Estimated bytes from which on a batch is handed in; far enough from the size of an update that an estimate may err. */
export const MAX_BATCH_BYTES = MAX_UPDATE_BYTES / 2;
/** Most wafers with a batch begun. Heads that test wafers at the same time alternate. */
const MAX_OPEN_BATCHES = 16;

/** Estimates: attempts, results and values cost less when encoded. */
const ATTEMPT_BYTES = 64;
const RESULT_BYTES = 4;
const VALUE_BYTES = 5;

/** Attempts of one wafer to be handed in together. */
export interface WaferBatch {
  /** What the caller told wafers apart by. */
  readonly wafer: number;
  /** In order of index. */
  readonly attempts: readonly Attempt[];
}

interface OpenBatch {
  readonly wafer: number;
  readonly attempts: Attempt[];
  results: number;
  bytes: number;
}

/**
 * Groups the attempts of a run by wafer into batches.
 * Invariant: a batch is over {@link MAX_BATCH_BYTES} only if it is a single attempt; at most 16 are open.
 */
export class WaferBatches {
  /** In order of their first attempt. */
  readonly #open = new Map<number, OpenBatch>();

  /** Adds an attempt; yields the batches that are to be handed in before more are added. */
  *add(wafer: number, attempt: Attempt): Generator<WaferBatch> {
    const bytes = estimateBytes(attempt);
    let batch = this.#open.get(wafer);
    if (batch && batch.bytes + bytes > MAX_BATCH_BYTES) {
      yield this.#take(batch);
      batch = undefined;
    }
    if (!batch) {
      if (this.#open.size === MAX_OPEN_BATCHES) yield this.#take(this.#open.values().next().value!);
      batch = { wafer, attempts: [], results: 0, bytes: 0 };
      this.#open.set(wafer, batch);
    }
    batch.attempts.push(attempt);
    batch.results += attempt.results.length;
    batch.bytes += bytes;
    if (isFull(batch)) yield this.#take(batch);
  }

  /** Yields what is left. */
  *rest(): Generator<WaferBatch> {
    for (const batch of [...this.#open.values()]) yield this.#take(batch);
  }

  #take(batch: OpenBatch): WaferBatch {
    this.#open.delete(batch.wafer);
    return batch;
  }
}

function isFull({ attempts, results, bytes }: OpenBatch): boolean {
  return attempts.length >= MAX_BATCH_ATTEMPTS || results >= MAX_BATCH_RESULTS || bytes >= MAX_BATCH_BYTES;
}

function estimateBytes({ partId, results }: Attempt): number {
  const texts = ATTEMPT_BYTES + 3 * partId.length;
  return texts + RESULT_BYTES * results.length + VALUE_BYTES * results.values.length;
}
