import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WafersyncError } from '../../src/errors.ts';
import type { Attempt } from '../../src/wafer/attempt.ts';
import { decodeAttempts, decodeAttemptTable } from '../../src/wafer/payload/decode.ts';
import { encodeAttempts } from '../../src/wafer/payload/encode.ts';
import {
  arbitraryAttempts,
  arbitraryFloat32Bits,
  assertSameAttempts,
  MAX_INTEGER,
  plainAttempt,
  plainResults,
} from '../support/arbitrary-attempt.ts';
import { measuredWafer } from '../support/measured-wafer.ts';

function roundTrip(attempts: readonly Attempt[]): void {
  assertSameAttempts(decodeAttempts(encodeAttempts(attempts)), attempts);
}

function summaries(attempts: readonly Attempt[]): unknown[] {
  return attempts.map(({ results, ...facts }) => ({ ...facts, resultCount: results.length }));
}

test('any attempts come back as they were, bit for bit', () => {
  fc.assert(fc.property(arbitraryAttempts(), roundTrip), { numRuns: 500 });
});

test('the attempt table says of any attempts what they are, and how many results they have', () => {
  fc.assert(
    fc.property(arbitraryAttempts(), (attempts) => {
      assert.deepEqual(decodeAttemptTable(encodeAttempts(attempts)), summaries(attempts));
    }),
  );
});

test('columns of many values come back bit for bit, whatever bits they are', () => {
  const column = fc.array(arbitraryFloat32Bits(), { minLength: 2, maxLength: 80 });
  fc.assert(
    fc.property(column, (bits) => {
      const words = Uint32Array.from(bits);
      roundTrip(
        bits.map((_, i) => {
          const values = new Float32Array(words.slice(i, i + 1).buffer);
          return plainAttempt({ index: i, results: plainResults([0], values) });
        }),
      );
    }),
    { numRuns: 300 },
  );
});

test('a wafer comes back as it was, also where every second die has no results or results have times', () => {
  roundTrip(measuredWafer({ dies: 120, tests: 40 }));
  roundTrip(measuredWafer({ dies: 120, tests: 40, emptyEvery: 2 }));
  roundTrip(measuredWafer({ dies: 60, tests: 40, resultTimes: true }));
});

test('no attempts are a payload too', () => {
  roundTrip([]);
  assert.deepEqual(decodeAttemptTable(encodeAttempts([])), []);
});

test('NaNs keep what they carry, zero keeps its sign, infinities stay', () => {
  const bits = Uint32Array.of(0x7fc00000, 0x7f800001, 0xffffffff, 0x80000000, 0, 0x7f800000, 0xff800000);
  const values = new Float32Array(bits.buffer);
  roundTrip([plainAttempt({ results: plainResults([0, 1, 2, 3, 4, 5, 6], values) })]);
  roundTrip([plainAttempt({ results: plainResults([0, 0, 0, 0, 0, 0, 0], values) })]);
});

test('attempts of float32 and of float64 values in one payload each keep their width, without values too', () => {
  const nan = new Float64Array(Uint32Array.of(5, 0xfff00000, 0, 0x7ff80000).buffer);
  roundTrip([
    plainAttempt({ index: 0, results: plainResults([0, 1], Float32Array.of(0.1, 2)) }),
    plainAttempt({ index: 1, results: plainResults([0, 1], Float64Array.of(0.1, 2)) }),
    plainAttempt({ index: 2, results: plainResults([0, 1], nan) }),
    plainAttempt({ index: 3, results: plainResults([], new Float64Array()) }),
    plainAttempt({ index: 4, results: plainResults([], new Float32Array()) }),
    plainAttempt({ index: 5, results: plainResults([1], Float64Array.of(-0)) }),
  ]);
});

test('float64 values come back whether they are decimals, float32 values, whole numbers, or neither', () => {
  const columns = [
    [1.234567, -0.000001, 12.5, 0],
    [0.1, 1e-22, 123456789.012345],
    [Math.PI, Math.E, 1e300, 5e-324],
    [Math.fround(0.1), Math.fround(1e-30), -Math.fround(7e20)],
    [9007199254740991, -9007199254740991, 9007199254740992, 1e22],
    [4_500_000_000.25, 4_500_000_001.5],
    [1e-9, 2e-9, -0],
    [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.5],
  ];
  for (const column of columns) {
    roundTrip(
      column.map((value, i) =>
        plainAttempt({ index: i, results: plainResults([0], Float64Array.of(value)) }),
      ),
    );
  }
});

test('a test executed again and again within an attempt keeps its place in the execution order', () => {
  roundTrip([
    plainAttempt({ results: plainResults([5, 2, 5, 5, 2, 0, 5], Float32Array.of(1, 2, 3, 4, 5, 6, 7)) }),
    plainAttempt({ index: 1, results: plainResults([5, 2, 5], Float32Array.of(8, 9, 10)) }),
    plainAttempt({ index: 2, results: plainResults(new Array(249).fill(3)) }),
  ]);
});

test('valueless results and arrays of varying length keep their numbers of values', () => {
  const valueCounts = Uint32Array.of(0, 3, 1, 0, 7);
  const values = Float32Array.from({ length: 11 }, (_, i) => i / 7);
  const flags = Int16Array.of(-1, 0, 255, -1, 64);
  const changes = { valueCounts, testFlags: flags, parmFlags: flags };
  roundTrip([
    plainAttempt({ results: plainResults([0, 1, 2, 3, 4], values, changes) }),
    plainAttempt({
      index: 9,
      results: plainResults([0, 1], new Float32Array(), { valueCounts: new Uint32Array(2) }),
    }),
  ]);
});

test('fields keep their least and greatest values', () => {
  const least = { x: -(2 ** 31), y: 2 ** 31 - 1, startedAtUs: -MAX_INTEGER, testTimeMs: 0, sequenceSpan: 0 };
  const most = { head: 255, site: 255, hardBin: 65_535, softBin: 65_535, partFlags: 255, testCount: 65_535 };
  roundTrip([
    plainAttempt({ ...least, index: 0 }),
    plainAttempt({ ...most, index: 5, x: null, y: null, hardBin: null, softBin: null }),
    plainAttempt({ ...most, index: MAX_INTEGER, sequenceSpan: MAX_INTEGER, startedAtUs: MAX_INTEGER }),
  ]);
});

test('times of results come back up to 2^53 − 1 either way', () => {
  const timesUs = Float64Array.of(MAX_INTEGER, -MAX_INTEGER, 0, MAX_INTEGER);
  const small = Float64Array.of(0, 1500, 1499);
  roundTrip([
    plainAttempt({ results: plainResults([0, 1, 2, 3], new Float32Array(4), { timesUs }) }),
    plainAttempt({ index: 1, results: plainResults([0, 1, 2, 3]) }),
    plainAttempt({ index: 2, results: plainResults([0, 1, 2], new Float32Array(3), { timesUs: small }) }),
    plainAttempt({
      index: 3,
      results: plainResults([], new Float32Array(), { timesUs: new Float64Array() }),
    }),
  ]);
});

test('part ids keep every character', () => {
  const ids = [
    '',
    '0',
    '00',
    '007',
    '999999999999999',
    '1000000000000000',
    'ü\u0000',
    '\ufeffx',
    '部品-🏭',
    ' 1',
  ];
  roundTrip(ids.map((partId, index) => plainAttempt({ index, partId })));
  for (const partId of ids) roundTrip([plainAttempt({ partId })]);
  roundTrip([plainAttempt({ partId: 'ä'.repeat(512) })]);
});

test('values that begin in the middle of a buffer are read from there', () => {
  const values = new Float32Array(Uint32Array.of(1, 2, 3).buffer, 4, 2);
  const wide = new Float64Array(Float64Array.of(1.5, Math.PI, 3).buffer, 8, 2);
  roundTrip([
    plainAttempt({ results: plainResults([0, 1], values) }),
    plainAttempt({ index: 1, results: plainResults([0, 1], wide) }),
  ]);
});

test('a payload may lie anywhere in a larger buffer', () => {
  const attempts = measuredWafer({ dies: 20, tests: 30 });
  const payload = encodeAttempts(attempts);
  const larger = new Uint8Array(payload.length + 10).fill(255);
  larger.set(payload, 3);
  assertSameAttempts(decodeAttempts(larger.subarray(3, 3 + payload.length)), attempts);
});

const REFUSED: [string, Partial<Attempt>, RegExp][] = [
  ['a head over 255', { head: 256 }, /head 256 is not an integer of 0 to 255/],
  ['a fraction', { testTimeMs: 1.5 }, /testTimeMs 1.5 is not an integer/],
  ['NaN', { startedAtUs: Number.NaN }, /startedAtUs NaN/],
  ['half a coordinate', { x: null }, /half a coordinate/],
  ['half a surrogate pair', { partId: 'a\ud800' }, /half a surrogate pair/],
  ['a part id over 1,024 bytes', { partId: 'ä'.repeat(513) }, /part id has more than 1024 bytes/],
  ['a test index over 65,534', { results: plainResults([65_535]) }, /test of index 65535/],
  [
    'a column of another length',
    { results: plainResults([0, 1], undefined, { length: 3 }) },
    /a column of 2/,
  ],
  [
    'values that are not counted',
    { results: plainResults([0], new Float32Array(2)) },
    /has 2 values and counts 1/,
  ],
  [
    'a time that is no integer',
    { results: plainResults([0], undefined, { timesUs: Float64Array.of(0.5) }) },
    /a time of 0.5/,
  ],
];

for (const [what, changes, message] of REFUSED) {
  test(`${what} is refused by name`, () => {
    assert.throws(
      () => encodeAttempts([plainAttempt(changes)]),
      (error) => isInvalid(error, message),
    );
  });
}

test('attempts that are not in growing order of index are refused', () => {
  const attempts = [plainAttempt({ index: 3 }), plainAttempt({ index: 3 })];
  assert.throws(
    () => encodeAttempts(attempts),
    (error) => isInvalid(error, /index does not grow: it follows 3/),
  );
});

test('more attempts, results or values than a payload takes are refused', () => {
  const many = Array.from({ length: 65_537 }, (_, index) => plainAttempt({ index }));
  assert.throws(
    () => encodeAttempts(many),
    (error) => isInvalid(error, /65537 attempts are too much/),
  );
  const values = new Float32Array(2_097_153);
  const results = plainResults([0], values, { valueCounts: Uint32Array.of(values.length) });
  assert.throws(
    () => encodeAttempts([plainAttempt({ results })]),
    (error) => isInvalid(error, /too much/),
  );
});

function isInvalid(error: unknown, message: RegExp): boolean {
  return error instanceof WafersyncError && error.code === 'invalid' && message.test(error.message);
}
