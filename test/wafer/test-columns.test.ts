import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import fc from 'fast-check';
import type { Attempt } from '../../src/wafer/attempt.ts';
import { decodeTestColumns, type TestColumn } from '../../src/wafer/payload/decode.ts';
import { encodeAttempts } from '../../src/wafer/payload/encode.ts';
import { PackedColumns } from '../../src/wafer/payload/packed-columns.ts';
import { arbitraryAttempts, plainAttempt, plainResults, wordsOf } from '../support/arbitrary-attempt.ts';
import { measuredWafer } from '../support/measured-wafer.ts';

/** One result of a column, or of an attempt; values as their bits. */
interface Row {
  readonly attempt: number;
  readonly position: number;
  readonly test: number;
  readonly flags: readonly number[];
  readonly words: readonly number[];
  readonly wide: boolean;
  readonly timeUs: number;
}

function rowsOfAttempts(attempts: readonly Attempt[], tests: ReadonlySet<number>): Row[] {
  return attempts.flatMap(({ results }, attempt) => {
    let offset = 0;
    return Array.from(results.tests, (test, position) => {
      const from = offset;
      offset += results.valueCounts[position]!;
      return {
        attempt,
        position,
        test,
        flags: [results.testFlags[position]!, results.parmFlags[position]!],
        words: [...wordsOf(results.values.slice(from, offset))],
        wide: results.values instanceof Float64Array,
        timeUs: results.timesUs?.[position] ?? Number.NaN,
      };
    }).filter(({ test }) => tests.has(test));
  });
}

function rowsOfColumn(column: TestColumn): Row[] {
  let offset = 0;
  return Array.from(column.attempts, (attempt, i) => {
    const from = offset;
    offset += column.valueCounts[i]!;
    return {
      attempt,
      position: column.positions[i]!,
      test: column.test,
      flags: [column.testFlags[i]!, column.parmFlags[i]!],
      words: [...wordsOf(column.values.slice(from, offset))],
      wide: column.values instanceof Float64Array,
      timeUs: column.timesUs?.[i] ?? Number.NaN,
    };
  });
}

function byPlace(a: Row, b: Row): number {
  return a.attempt - b.attempt || a.position - b.position;
}

test('the columns of any tests are just the results of these tests', () => {
  fc.assert(
    fc.property(arbitraryAttempts(), fc.uniqueArray(fc.nat(19)), (attempts, wanted) => {
      const tests = new Set(wanted);
      const columns = decodeTestColumns(encodeAttempts(attempts), tests);
      const rows = columns.flatMap(rowsOfColumn).sort(byPlace);
      assert.deepEqual(rows, rowsOfAttempts(attempts, tests));
    }),
    { numRuns: 300 },
  );
});

test('within a column results stand attempt by attempt, in execution order', () => {
  const attempts = [
    plainAttempt({ results: plainResults([1, 0, 1], Float32Array.of(10, 11, 12)) }),
    plainAttempt({ index: 4, results: plainResults([1], Float32Array.of(13)) }),
  ];
  const [column, ...others] = decodeTestColumns(encodeAttempts(attempts), new Set([1]));
  assert.deepEqual(others, []);
  assert.deepEqual([...column!.values], [10, 12, 13]);
  assert.deepEqual([...column!.attempts], [0, 0, 1]);
  assert.deepEqual([...column!.positions], [0, 2, 0]);
  assert.equal(column!.timesUs, null);
});

test('a test in float32 and in float64 attempts has a column of each', () => {
  const attempts = [
    plainAttempt({ results: plainResults([0], Float32Array.of(1)) }),
    plainAttempt({ index: 1, results: plainResults([0], Float64Array.of(0.1)) }),
  ];
  const columns = decodeTestColumns(encodeAttempts(attempts), new Set([0, 7]));
  assert.deepEqual(
    columns.map(({ test, values }) => ({ test, values })),
    [
      { test: 0, values: Float32Array.of(1) },
      { test: 0, values: Float64Array.of(0.1) },
    ],
  );
});

test('no attempts have no columns', () => {
  assert.deepEqual(decodeTestColumns(encodeAttempts([]), new Set([0])), []);
});

test('only the values of the wanted tests are unpacked', () => {
  const payload = encodeAttempts(measuredWafer({ dies: 30, tests: 40 }));
  const unpack = mock.method(PackedColumns.prototype, 'unpack');
  const columns = decodeTestColumns(payload, new Set([3, 17]));
  assert.equal(columns.length, 2);
  assert.deepEqual(
    unpack.mock.calls.map((call) => call.arguments[0]),
    [3, 17],
  );
  unpack.mock.restore();
});
