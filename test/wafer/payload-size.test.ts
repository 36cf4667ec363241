import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Attempt, countResults } from '../../src/wafer/attempt.ts';
import { decodeAttemptTable } from '../../src/wafer/payload/decode.ts';
import { encodeAttempts } from '../../src/wafer/payload/encode.ts';
import { plainAttempt, plainResults } from '../support/arbitrary-attempt.ts';
import { measuredWafer } from '../support/measured-wafer.ts';

/** Attempts as updates of at most `results` results, or of one attempt where that is more. */
function updatesOf(attempts: readonly Attempt[], results: number): Attempt[][] {
  const updates: Attempt[][] = [];
  let room = 0;
  for (const attempt of attempts) {
    if (updates.length === 0 || attempt.results.length > room) {
      updates.push([]);
      room = results;
    }
    updates.at(-1)!.push(attempt);
    room -= attempt.results.length;
  }
  return updates;
}

function bytesPerResult(updates: readonly Attempt[][]): number {
  const bytes = updates.reduce((sum, attempts) => sum + encodeAttempts(attempts).length, 0);
  return bytes / countResults(updates.flat());
}

for (const [tests, dies, bound] of [
  [60, 400, 2.7],
  [380, 100, 3.8],
] as const) {
  test(`1,000-result updates of ${tests} tests a die take at most ${bound} bytes a result`, () => {
    assert.ok(bytesPerResult(updatesOf(measuredWafer({ dies, tests }), 1000)) <= bound);
  });
}

for (const [tests, dies, bound] of [
  [60, 200, 5],
  [380, 50, 4.3],
] as const) {
  test(`one-die updates of ${tests} tests take at most ${bound} bytes a result`, () => {
    assert.ok(bytesPerResult(updatesOf(measuredWafer({ dies, tests }), 1)) <= bound);
  });
}

test('1,000-result updates of a lot whose every second die has no results take at most 3 bytes a result', () => {
  const attempts = measuredWafer({ dies: 400, tests: 74, emptyEvery: 2 });
  assert.ok(bytesPerResult(updatesOf(attempts, 1000)) <= 3);
});

test('times of single results take at most 1.2 bytes each in 1,000-result updates', () => {
  const withTimes = updatesOf(measuredWafer({ dies: 200, tests: 60, resultTimes: true }), 1000);
  const without = updatesOf(measuredWafer({ dies: 200, tests: 60 }), 1000);
  assert.ok(bytesPerResult(withTimes) - bytesPerResult(without) <= 1.2);
});

test('doubles of seven digits take at most 4 bytes each', () => {
  const attempts = Array.from({ length: 200 }, (_, index) =>
    plainAttempt({ index, results: plainResults([0, 1], doubles(index)) }),
  );
  assert.ok(bytesPerResult([attempts]) <= 4);
});

/** Seven digits spread over the whole range: 20 bits of information, of 64 that a float64 takes. */
function doubles(index: number): Float64Array {
  return Float64Array.of(((index * 7_919) % 10_000_000) / 1e6, ((index * 104_729) % 10_000_000) / 1e6);
}

test('an attempt of one result takes at most 48 bytes', () => {
  const results = plainResults([0], Float32Array.of(1.5));
  const attempt = plainAttempt({ index: 3000, startedAtUs: 1_773_000_000_000_000, testTimeMs: 300, results });
  assert.ok(encodeAttempts([attempt]).length <= 48);
});

test('functional tests, which have no values, take nearly nothing', () => {
  const attempts = measuredWafer({ dies: 50, tests: 100 }).map((attempt) => {
    const { length, tests } = attempt.results;
    const none = { valueCounts: new Uint32Array(length), parmFlags: new Int16Array(length).fill(-1) };
    return { ...attempt, results: plainResults([...tests], new Float32Array(), none) };
  });
  assert.ok(bytesPerResult([attempts]) <= 0.2);
});

test('the attempt table is read although everything behind it is missing', () => {
  const attempts = measuredWafer({ dies: 30, tests: 50 });
  const payload = encodeAttempts(attempts);
  const header = payload[1]! >= 128 ? (payload[1]! & 0x7f) + payload[2]! * 128 : payload[1]!;
  assert.equal(header % 2, 0, 'the table is not deflated');
  const table = payload.subarray(0, (payload[1]! >= 128 ? 3 : 2) + header / 2);
  assert.ok(table.length < payload.length / 10);
  assert.deepEqual(decodeAttemptTable(table), decodeAttemptTable(payload));
});

test('a thousand executions of one test take no room for its index', () => {
  const none = { valueCounts: new Uint32Array(1000) };
  const results = plainResults(new Array(1000).fill(3), new Float32Array(), none);
  assert.ok(encodeAttempts([plainAttempt({ results })]).length <= 40);
});
