import { TEST_FAILED, TEST_NO_PASS_FAIL } from '../../wafer/attempt.ts';
import type { StreamDie, StreamPlace, StreamResult, StreamTest } from './stream-result.ts';

/** Most results of one batch. */
export const MAX_BATCH_RESULTS = 65_535;
/** Most dies of one batch. */
export const MAX_BATCH_DIES = 1_024;

/** Results as columns: result i is entry i of each. */
export interface BatchColumns {
  readonly length: number;
  /** Number of each result's test among those that the stream has defined; null: 0, 1, 2 and so on. */
  readonly tests: ArrayLike<number> | null;
  /** Measured values, NaN and infinities included. */
  readonly values: ArrayLike<number>;
  /** STDF TEST_FLG of each. */
  readonly flags: Uint8Array;
  /** Which results have no value. */
  readonly valueless: ReadonlySet<number>;
  /** When they were measured, microseconds since 1970-01-01T00:00:00Z; 0 if not known. */
  readonly timestampUs: number;
  /** Time of each as microseconds after timestampUs, which is then known; null: all at timestampUs. */
  readonly timesUs: Float64Array | null;
}

/** A die of a batch, and how many of the results are of it. */
export interface BatchDie extends Omit<StreamDie, 'waferId' | 'lot' | 'insertion'> {
  readonly results: number;
  readonly hardBin: number | null;
  readonly softBin: number | null;
  readonly lastOfDie: boolean;
}

/** Many results at consecutive positions: the domain form of the proto's TestResult with a ResultBatch. */
export interface StreamBatch extends StreamPlace, Pick<StreamDie, 'waferId' | 'lot' | 'insertion'> {
  /** Tests that take the next numbers of the stream. */
  readonly define: readonly StreamTest[];
  /** Dies whose results stand one die after the other. A die may come several times. */
  readonly dies: readonly BatchDie[];
  readonly columns: BatchColumns;
}

/** Results of one die in a row: rows `from` to `to`, excluded, of a batch. */
export interface DieRows {
  readonly die: StreamDie & Omit<BatchDie, 'results'>;
  readonly columns: BatchColumns;
  readonly from: number;
  readonly to: number;
}

/** The dies of a batch with their rows, in order. */
export function* dieRows({ dies, columns, waferId, lot, insertion }: StreamBatch): Generator<DieRows> {
  let from = 0;
  for (const die of dies) {
    yield { die: { waferId, lot, insertion, ...die }, columns, from, to: from + die.results };
    from += die.results;
  }
}

/** Number of a row's test among those that the stream has defined. */
export function testNumber({ tests }: BatchColumns, row: number): number {
  return tests === null ? row : tests[row]!;
}

/** Time of a row, microseconds since 1970-01-01T00:00:00Z; 0 if not known. */
export function timeOf({ timestampUs, timesUs }: BatchColumns, row: number): number {
  return timesUs === null ? timestampUs : timestampUs + timesUs[row]!;
}

/** A row as a result of its own. Its sequence is left at 0. */
export function rowResult({ die, columns, to }: DieRows, row: number, test: StreamTest): StreamResult {
  const flags = columns.flags[row]!;
  return {
    ...die,
    ...{ equipmentId: '', streamId: '', streamSequence: 0 },
    test,
    value: columns.valueless.has(row) ? null : columns.values[row]!,
    passed: (flags & (TEST_FAILED | TEST_NO_PASS_FAIL)) === 0,
    testFlags: flags,
    timestampUs: timeOf(columns, row),
    lastOfDie: die.lastOfDie && row === to - 1,
  };
}
