import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttemptAssembler } from '../../src/ingest/stream/attempt-assembler.ts';
import type { WholeAttempt } from '../../src/ingest/stream/open-attempt.ts';
import { STREAM_BOUNDS, type StreamBounds } from '../../src/ingest/stream/stream-bounds.ts';
import type { StreamResult } from '../../src/ingest/stream/stream-result.ts';
import { TestIndex } from '../../src/ingest/stream/test-index.ts';
import { FakeProgram, result } from './fake-node.ts';

function assembler(bounds: Partial<StreamBounds> = {}): AttemptAssembler {
  const all = { ...STREAM_BOUNDS, ...bounds };
  return new AttemptAssembler(
    new TestIndex(new FakeProgram(), all),
    (s) => `sequence ${s} of stream "S"`,
    all,
  );
}

/** Feeds results as sequences 1, 2, … and ends the stream. */
function assemble(results: readonly StreamResult[], bounds: Partial<StreamBounds> = {}): WholeAttempt[] {
  const it = assembler(bounds);
  return [...results.flatMap((each, i) => [...it.take(each, i + 1)]), ...it.end()];
}

const spans = (attempts: readonly WholeAttempt[]) =>
  attempts.map(({ attempt }) => [attempt.index, attempt.sequenceSpan, attempt.results.length]);

for (const [what, change] of [
  ['x', { x: 1 }],
  ['y', { y: 1 }],
  ['part id', { partId: '2' }],
  ['wafer', { waferId: 'W2' }],
  ['lot', { lot: 'L2' }],
  ['insertion', { insertion: 'CP2' }],
  ['having coordinates', { x: null, y: null }],
] as const) {
  test(`an attempt ends when its ${what} changes`, () => {
    const attempts = assemble([result(), result(), result(change)]);
    assert.deepEqual(spans(attempts), [
      [1, 1, 2],
      [3, 0, 1],
    ]);
  });
}

test('an attempt ends at the last result of its die, and the same die again is another attempt', () => {
  const attempts = assemble([result(), result({ lastOfDie: true }), result({ lastOfDie: true }), result()]);
  assert.deepEqual(spans(attempts), [
    [1, 1, 2],
    [3, 0, 1],
    [4, 0, 1],
  ]);
});

test('a result that both changes the die and is its last ends two attempts', () => {
  const it = assembler();
  it.take(result(), 1);
  assert.deepEqual(spans([...it.take(result({ x: 1, lastOfDie: true }), 2)]), [
    [1, 0, 1],
    [2, 0, 1],
  ]);
});

test('nothing is given out of an attempt before it ends', () => {
  const it = assembler();
  assert.deepEqual(it.take(result(), 5), []);
  assert.deepEqual(it.take(result(), 6), []);
  assert.equal(it.firstOpen, 5);
  assert.deepEqual(it.open, { attempts: 1, results: 2 });
  assert.deepEqual(spans(it.end()), [[5, 1, 2]]);
  assert.equal(it.firstOpen, Number.POSITIVE_INFINITY);
  assert.deepEqual(it.open, { attempts: 0, results: 0 });
});

test('each head and site has an attempt of its own', () => {
  const attempts = assemble([
    result({ site: 0 }),
    result({ site: 1, x: 1 }),
    result({ head: 2, site: 1, x: 9 }),
    result({ site: 0 }),
    result({ site: 1, x: 1, lastOfDie: true }),
  ]);
  assert.deepEqual(
    attempts.map(({ attempt }) => [
      attempt.head,
      attempt.site,
      attempt.index,
      attempt.sequenceSpan,
      attempt.x,
    ]),
    [
      [1, 1, 2, 3, 1],
      [1, 0, 1, 3, 0],
      [2, 1, 3, 0, 9],
    ],
  );
});

test('an attempt carries what its results say', () => {
  const [whole] = assemble([
    result({ partId: 'P7', x: -3, y: 4, hardBin: 5, softBin: 50, value: 0.5 }),
    result({ partId: 'P7', x: -3, y: 4, name: 'idd', value: 0.1, passed: false, hardBin: 6 }),
    result({ partId: 'P7', x: -3, y: 4, value: null, testFlags: 0x10, softBin: 61 }),
  ]);
  assert.deepEqual(whole?.wafer, { lot: 'L1', waferId: 'W1', insertion: 'CP1' });
  const { results, ...rest } = whole!.attempt;
  assert.deepEqual(rest, {
    index: 1,
    head: 1,
    site: 0,
    x: -3,
    y: 4,
    partId: 'P7',
    hardBin: 6,
    softBin: 61,
    partFlags: 0x08,
    testCount: 3,
    testTimeMs: null,
    startedAtUs: 1_700_000_000_000_000,
    sequenceSpan: 2,
  });
  assert.deepEqual([...results.tests], [0, 1, 0]);
  assert.deepEqual([...results.testFlags], [0, 0x80, 0x10]);
  assert.deepEqual([...results.parmFlags], [-1, -1, -1]);
  assert.deepEqual([...results.valueCounts], [1, 1, 0]);
  assert.deepEqual(results.values, Float64Array.of(0.5, 0.1));
  assert.equal(results.timesUs, null);
});

test('values stay float32 where all survive it, NaN, infinities and negative zero included', () => {
  const values = [0.5, Number.NaN, Number.POSITIVE_INFINITY, -0];
  const [whole] = assemble(values.map((value) => result({ value })));
  assert.ok(whole?.attempt.results.values instanceof Float32Array);
  assert.deepEqual([...whole.attempt.results.values], values);
});

test('a part passes without failed results; flags without a verdict fail nothing', () => {
  const flagsOf = (...results: StreamResult[]) => assemble(results)[0]?.attempt.partFlags;
  assert.equal(flagsOf(result(), result()), 0);
  assert.equal(flagsOf(result(), result({ passed: false })), 0x08);
  assert.equal(flagsOf(result({ passed: false, testFlags: 0x40 })), 0);
  assert.equal(flagsOf(result({ passed: false, testFlags: 0x82 })), 0x08);
});

test('every time comes back exactly, also of clocks that step back and results without a time', () => {
  const series = [
    [1_700_000_000_000_000, 1_700_000_000_000_001, 1_699_999_999_000_000, 0],
    [0, 1_700_000_000_000_000, 3],
    [0, 0, 0],
    [7, 7],
  ];
  for (const times of series) {
    const [whole] = assemble(times.map((timestampUs) => result({ timestampUs })));
    const { startedAtUs, results } = whole!.attempt;
    assert.equal(startedAtUs, times[0] || null);
    const back = times.map((_, i) => (startedAtUs ?? 0) + (results.timesUs?.[i] ?? 0));
    assert.deepEqual(back, times);
  }
});

test('limits that change within a stream are another definition of the same test', () => {
  const wider = { number: 1, name: 'vdd', units: 'V', lowLimit: 0, highLimit: 3 };
  const [whole] = assemble([result(), result({ test: wider }), result(), result({ test: wider })]);
  assert.deepEqual([...whole!.attempt.results.tests], [0, 1, 0, 1]);
});

test('an attempt of too many results is refused with the place and the remedy, and nothing changes', () => {
  const it = assembler({ attemptResults: 2 });
  it.take(result(), 1);
  it.take(result(), 2);
  const refusal = {
    code: 'invalid',
    message:
      'the die that began at sequence 1 would have 3 results, of at most 2 in one attempt, at sequence 3 of stream "S"',
    hint: /last_of_die/,
  };
  assert.throws(() => it.take(result(), 3), refusal);
  assert.deepEqual(spans(it.end()), [[1, 1, 2]]);
});

test('too many open sites are refused, and an ended one makes room', () => {
  const it = assembler({ openSites: 2 });
  it.take(result({ site: 1 }), 1);
  it.take(result({ site: 2 }), 2);
  assert.throws(() => it.take(result({ site: 3 }), 3), {
    code: 'invalid',
    message: /2 sites .* at sequence 3/,
  });
  it.take(result({ site: 2, lastOfDie: true }), 4);
  it.take(result({ site: 3 }), 5);
  assert.equal(it.open.attempts, 2);
});

test('too many results in open attempts are refused; ending an attempt frees its results', () => {
  const it = assembler({ openResults: 3 });
  it.take(result({ site: 1 }), 1);
  it.take(result({ site: 2 }), 2);
  it.take(result({ site: 2 }), 3);
  assert.throws(() => it.take(result({ site: 1 }), 4), { code: 'invalid', message: /hold 3 results/ });
  assert.throws(() => it.take(result({ site: 3 }), 4), { code: 'invalid', message: /hold 3 results/ });
  assert.equal(it.take(result({ site: 2, x: 5 }), 5).length, 1);
  assert.deepEqual(it.open, { attempts: 2, results: 2 });
});

test('a test too many is refused before it ends anything', () => {
  const it = assembler({ definitions: 2 });
  it.take(result({ name: 'a' }), 1);
  it.take(result({ name: 'b' }), 2);
  assert.throws(() => it.take(result({ name: 'c', x: 1 }), 3), {
    code: 'invalid',
    message: /test "c" is one too many at sequence 3 of stream "S": the stream has 2 tests/,
  });
  it.take(result({ name: 'a' }), 4);
  assert.deepEqual(spans(it.end()), [[1, 3, 3]]);
  const small = assembler({ definitionBytes: 140 });
  small.take(result({ name: 'a' }), 1);
  small.take(result({ name: 'b' }), 2);
  assert.throws(() => small.take(result({ name: 'c' }), 3), { code: 'invalid' });
});
