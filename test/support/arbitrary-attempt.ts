import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Attempt, Results } from '../../src/wafer/attempt.ts';

const SAFE = Number.MAX_SAFE_INTEGER;

/** How large arbitrary attempts get. */
export interface ArbitraryAttemptOptions {
  readonly maxAttempts?: number;
  readonly maxResults?: number;
  /** Test indexes are below this. */
  readonly tests?: number;
}

/** Attempts of one wafer in growing order of index, with every corner that their types allow. */
export function arbitraryAttempts(options: ArbitraryAttemptOptions = {}): fc.Arbitrary<Attempt[]> {
  const { maxAttempts = 6, maxResults = 12, tests = 20 } = options;
  return fc
    .array(fc.nat(tests - 1), { maxLength: maxResults, size: '+1' })
    .chain((flow) => fc.array(arbitraryAttempt(flow, tests), { maxLength: maxAttempts }))
    .chain((attempts) =>
      fc
        .uniqueArray(arbitraryIndex(), { minLength: attempts.length, maxLength: attempts.length })
        .map((indexes) => {
          const sorted = indexes.sort((a, b) => a - b);
          return attempts.map((attempt, i) => ({ ...attempt, index: sorted[i]! }));
        }),
    );
}

/** Bits of float32 values: any, and the famous ones. */
export function arbitraryFloat32Bits(): fc.Arbitrary<number> {
  const famous = [0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0x7fffffff, 1];
  return fc.oneof(
    fc.nat(0xffffffff),
    fc.constantFrom(...famous),
    fc.nat(50).map((n) => 0x3f800000 + n),
  );
}

/** Float64 values as pairs of words, the lower one first: any bits, decimals, float32 values. */
export function arbitraryFloat64Words(): fc.Arbitrary<readonly [number, number]> {
  const word = fc.nat(0xffffffff);
  const decimal = fc
    .tuple(fc.integer({ min: -2_000_000, max: 2_000_000 }), fc.nat(9))
    .map(([integer, scale]) => wordsOf(Float64Array.of(integer / 10 ** scale)));
  const narrow = fc.float({ noNaN: true }).map((value) => wordsOf(Float64Array.of(value)));
  const nan = fc.tuple(word, fc.nat(0xfffff)).map(([low, high]) => [low, 0x7ff00000 + high] as const);
  const any = fc.tuple(word, word);
  return fc.oneof(decimal, decimal, narrow, any, nan).map((words) => [words[0]!, words[1]!] as const);
}

function arbitraryIndex(): fc.Arbitrary<number> {
  return fc.oneof(fc.nat(100), fc.maxSafeNat());
}

/** An attempt of index 0; its tests are the beginning of the flow, the flow with holes, or any. */
function arbitraryAttempt(flow: readonly number[], tests: number): fc.Arbitrary<Attempt> {
  const executed = fc.oneof(
    fc.nat(flow.length).map((length) => flow.slice(0, length)),
    fc.subarray([...flow]),
    fc.array(fc.nat(tests - 1), { maxLength: flow.length }),
  );
  const place = fc.option(fc.tuple(arbitraryInt32(), arbitraryInt32()));
  return fc
    .record({
      head: fc.nat(255),
      site: fc.nat(255),
      place,
      partId: arbitraryPartId(),
      hardBin: fc.option(fc.nat(65_535)),
      softBin: fc.option(fc.nat(65_534)),
      partFlags: fc.nat(255),
      testCount: fc.nat(65_535),
      testTimeMs: fc.option(fc.nat(0xffffffff)),
      startedAtUs: fc.option(fc.maxSafeInteger()),
      sequenceSpan: fc.oneof(fc.constant(0), fc.maxSafeNat()),
      results: executed.chain(arbitraryResults),
    })
    .map(({ place, ...facts }) => ({ index: 0, x: place?.[0] ?? null, y: place?.[1] ?? null, ...facts }));
}

function arbitraryInt32(): fc.Arbitrary<number> {
  return fc.oneof(fc.integer({ min: -100, max: 100 }), fc.integer());
}

function arbitraryPartId(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.nat(2000).map(String),
    fc.constantFrom('', '0', '007', '-1', '1e3', '\ufeff', '\u0000'),
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.nat(99).map((n) => `W01-${String(n).padStart(4, '0')}`),
  );
}

/** Results of the given tests. */
export function arbitraryResults(tests: readonly number[]): fc.Arbitrary<Results> {
  const length = tests.length;
  const flags = fc.oneof(fc.constant(0), fc.constantFrom(-1, 0x80, 0x40), fc.nat(255));
  const column = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: length, maxLength: length });
  const count = fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, { weight: 2, arbitrary: fc.nat(5) });
  const times = fc.oneof(column(fc.nat(5_000_000)), column(fc.maxSafeInteger()));
  return fc
    .record({
      testFlags: column(flags),
      parmFlags: column(flags),
      valueCounts: column(count),
      times: fc.option(times),
      wide: fc.boolean(),
    })
    .chain(({ testFlags, parmFlags, valueCounts, times, wide }) => {
      const total = valueCounts.reduce((sum, n) => sum + n, 0);
      return arbitraryValues(total, wide).map((values) => ({
        length,
        tests: Uint32Array.from(tests),
        testFlags: Int16Array.from(testFlags),
        parmFlags: Int16Array.from(parmFlags),
        valueCounts: Uint32Array.from(valueCounts),
        values,
        timesUs: times === null ? null : Float64Array.from(times),
      }));
    });
}

function arbitraryValues(count: number, wide: boolean): fc.Arbitrary<Float32Array | Float64Array> {
  const size = { minLength: count, maxLength: count };
  if (!wide)
    return fc
      .array(arbitraryFloat32Bits(), size)
      .map((bits) => new Float32Array(Uint32Array.from(bits).buffer));
  return fc
    .array(arbitraryFloat64Words(), size)
    .map((words) => new Float64Array(Uint32Array.from(words.flat()).buffer));
}

/** Checks that attempts are the same, values bit for bit and in the same width. */
export function assertSameAttempts(actual: readonly Attempt[], expected: readonly Attempt[]): void {
  assert.deepEqual(actual.map(comparable), expected.map(comparable));
}

/** Values as their bits, since NaNs compare equal whatever they carry. */
function comparable(attempt: Attempt): unknown {
  const { values, ...results } = attempt.results;
  return { ...attempt, results: { ...results, width: values.BYTES_PER_ELEMENT, words: wordsOf(values) } };
}

/** Bits of values, in words of 32. */
export function wordsOf(values: Float32Array | Float64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4);
}

/** An attempt without results, to be changed where a test needs it otherwise. */
export function plainAttempt(changes: Partial<Attempt> = {}): Attempt {
  return {
    index: 0,
    head: 1,
    site: 0,
    x: 3,
    y: -4,
    partId: '7',
    hardBin: 1,
    softBin: 1,
    partFlags: 0,
    testCount: 0,
    testTimeMs: null,
    startedAtUs: null,
    sequenceSpan: 0,
    results: plainResults([]),
    ...changes,
  };
}

/** Results of the given tests with one value each and all flags 0. */
export function plainResults(
  tests: readonly number[],
  values: Float32Array | Float64Array = new Float32Array(tests.length),
  changes: Partial<Results> = {},
): Results {
  return {
    length: tests.length,
    tests: Uint32Array.from(tests),
    testFlags: new Int16Array(tests.length),
    parmFlags: new Int16Array(tests.length),
    valueCounts: new Uint32Array(tests.length).fill(1),
    values,
    timesUs: null,
    ...changes,
  };
}

/** The greatest integer of any field. */
export const MAX_INTEGER = SAFE;
