/** STDF PART_FLG bit 3: the part failed (valid where bit 4 is 0). */
export const PART_FAILED = 0x08;
/** STDF PART_FLG bit 4: bit 3 says nothing. */
export const PART_NO_PASS_FAIL = 0x10;
/** STDF TEST_FLG bit 7: the test failed (valid where bit 6 is 0). */
export const TEST_FAILED = 0x80;
/** STDF TEST_FLG bit 6: bit 7 says nothing. */
export const TEST_NO_PASS_FAIL = 0x40;

/** One touchdown of one die: an immutable fact. Keyed in the whole mesh by (run, index). */
export interface Attempt {
  /**
   * Index in the run. For a file, the position of its PRR from 0; for a stream, the stream sequence of the
   * attempt's first result. Unique and growing within a run. JS-safe, ≥ 0.
   */
  readonly index: number;
  /** Test head, 0 to 255. */
  readonly head: number;
  /** Test site, 0 to 255. */
  readonly site: number;
  /** Column of the die; null where the die has no coordinates. Then y is null as well. 32-bit signed. */
  readonly x: number | null;
  /** Row of the die; null where the die has no coordinates. 32-bit signed. */
  readonly y: number | null;
  /** Part id; empty if none. */
  readonly partId: string;
  /** Hard bin, 0 to 65535; null if the source gave none. */
  readonly hardBin: number | null;
  /** Soft bin, 0 to 65534; null if the source gave none. */
  readonly softBin: number | null;
  /** STDF PART_FLG, 0 to 255. */
  readonly partFlags: number;
  /** STDF NUM_TEST: tests executed, as the source says, 0 to 65535. */
  readonly testCount: number;
  /** STDF TEST_T: time spent, milliseconds; null if not given. */
  readonly testTimeMs: number | null;
  /** First result's time, microseconds since 1970-01-01T00:00:00Z; null if the source has none. */
  readonly startedAtUs: number | null;
  /** Stream sequences from the first result to the last, as last − first; 0 for a file. */
  readonly sequenceSpan: number;
  /** Results in execution order. */
  readonly results: Results;
}

/**
 * Results of one attempt, as columns. Row i is the i-th result in execution order; its values are
 * `values[offset…offset + valueCounts[i]]`, offset being the sum of the valueCounts before it.
 */
export interface Results {
  /** How many results. */
  readonly length: number;
  /** Index of each result's definition in the test program. */
  readonly tests: Uint32Array;
  /** STDF TEST_FLG of each; −1 where the record had none. */
  readonly testFlags: Int16Array;
  /** STDF PARM_FLG of each; −1 where the record had none (always so for FTR). */
  readonly parmFlags: Int16Array;
  /** Values of each: 0 or 1 for PTR, any number for MPR, 0 for FTR. */
  readonly valueCounts: Uint32Array;
  /** All values, one result after the other. Float32Array keeps the bits of the source, NaN payloads too. */
  readonly values: Float32Array | Float64Array;
  /**
   * Each result's time as microseconds after startedAtUs, negative where the tester's clock stepped back; after
   * 1970-01-01T00:00:00Z where startedAtUs is null. Null where the source has none or all are 0. A time that comes to 0
   * is not known.
   */
  readonly timesUs: Float64Array | null;
}

/** Whether the die passed: true, false, or null where the flags say nothing. */
export function passed(attempt: Pick<Attempt, 'partFlags'>): boolean | null {
  if (attempt.partFlags & PART_NO_PASS_FAIL) return null;
  return (attempt.partFlags & PART_FAILED) === 0;
}

/** Results in attempts. */
export function countResults(attempts: Iterable<Attempt>): number {
  let count = 0;
  for (const attempt of attempts) count += attempt.results.length;
  return count;
}

/** An attempt without its results, as the folds need it. */
export interface AttemptSummary extends Omit<Attempt, 'results'> {
  /** How many results it has. */
  readonly resultCount: number;
}
