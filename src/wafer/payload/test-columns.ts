import { type OpenResults, openPayload, openResults } from './open.ts';
import { requireResults } from './stub.ts';

/**
 * Results of one test, attempt by attempt and within one in execution order. Row i is one result; its values are
 * `values[offset…offset + valueCounts[i]]`, offset being the sum of the valueCounts before it.
 */
export interface TestColumn {
  /** Index of the definition in the test program. */
  readonly test: number;
  /** Position of each result's attempt among the attempts of the payload, from 0. */
  readonly attempts: Uint32Array;
  /** Position of each result in the execution order of its attempt, from 0. */
  readonly positions: Uint32Array;
  /** STDF TEST_FLG of each; −1 where the record had none. */
  readonly testFlags: Int16Array;
  /** STDF PARM_FLG of each; −1 where the record had none. */
  readonly parmFlags: Int16Array;
  /** Values of each. */
  readonly valueCounts: Uint32Array;
  /** All values; float64 where the attempts have float64. */
  readonly values: Float32Array | Float64Array;
  /** Each result's time, microseconds after startedAtUs; NaN where its attempt has no times. Null where none has. */
  readonly timesUs: Float64Array | null;
}

/**
 * Results of the named tests alone: values of others stay packed. A test has one column, or two where some attempts
 * hold float32 and others float64 values; a test without results has none.
 *
 * @throws WafersyncError `damaged`; `precondition` where a newer version made the payload
 */
export function decodeTestColumns(payload: Uint8Array, tests: ReadonlySet<number>): TestColumn[] {
  const opened = openPayload(payload);
  requireResults(opened);
  if (opened.resultCounts.length === 0) {
    opened.rest.end();
    return [];
  }
  const results = openResults(opened);
  const wanted = new Map<number, Found>();
  results.grid.columns.forEach(({ test, rows }, column) => {
    if (rows > 0 && tests.has(test)) {
      wanted.set(column, { attempts: new Uint32Array(rows), positions: new Uint32Array(rows), count: 0 });
    }
  });
  locate(results, opened.resultCounts, wanted);
  return [...wanted].map(([column, found]) => testColumn(results, column, found));
}

/** Where the results of a column are; `count` of them are found so far. */
interface Found {
  readonly attempts: Uint32Array;
  readonly positions: Uint32Array;
  count: number;
}

/** Finds the results of wanted columns without a look at the others. */
function locate(
  { shapes, grid }: OpenResults,
  resultCounts: Uint32Array,
  wanted: ReadonlyMap<number, Found>,
): void {
  const placesOf = grid.placeColumns.map((columns) => {
    const places: { place: number; found: Found }[] = [];
    columns.forEach((column, place) => {
      const found = wanted.get(column);
      if (found) places.push({ place, found });
    });
    return places;
  });
  resultCounts.forEach((length, attempt) => {
    for (const { place, found } of placesOf[shapes.shapeOf[attempt]!]!) {
      if (place >= length) break;
      found.attempts[found.count] = attempt;
      found.positions[found.count++] = place;
    }
  });
}

function testColumn(results: OpenResults, column: number, { attempts, positions }: Found): TestColumn {
  const { test, wide, rows, firstRow } = results.grid.columns[column]!;
  const words = results.packed.words(column);
  const end = firstRow + rows;
  return {
    test,
    attempts,
    positions,
    testFlags: results.testFlags.slice(firstRow, end),
    parmFlags: results.parmFlags.slice(firstRow, end),
    valueCounts: results.valueCounts.slice(firstRow, end),
    values: wide ? new Float64Array(words.buffer) : new Float32Array(words.buffer),
    timesUs: timesOf(results.times, attempts, positions),
  };
}

function timesOf(
  times: OpenResults['times'],
  attempts: Uint32Array,
  positions: Uint32Array,
): Float64Array | null {
  if (attempts.every((attempt) => times[attempt] === null)) return null;
  return Float64Array.from(attempts, (attempt, i) => times[attempt]?.[positions[i]!] ?? Number.NaN);
}
