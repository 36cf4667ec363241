import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BatchDie, StreamBatch } from '../../src/ingest/stream/stream-batch.ts';
import type { StreamResult } from '../../src/ingest/stream/stream-result.ts';
import { streamRunId } from '../../src/wafer/run.ts';
import { type FakeStore, fakeNode, result } from './fake-node.ts';

const run = streamRunId('tw', 'T1', 'S');
const TIME = 1_700_000_000_000_000;
const TESTS = ['a', 'b', 'c'].map((name, number) => ({
  number,
  name,
  units: 'V',
  lowLimit: 0,
  highLimit: null,
}));

function die(results: number, change: Partial<BatchDie> = {}): BatchDie {
  return {
    ...{ results, x: 0, y: 0, partId: '', head: 1, site: 0, hardBin: null, softBin: null, lastOfDie: true },
    ...change,
  };
}

/** A batch of `length` results with ordinary content, changed where a test wants it so. */
function batch(
  length: number,
  change: Partial<StreamBatch> = {},
  columns: Partial<StreamBatch['columns']> = {},
): StreamBatch {
  const rows = Array.from({ length }, (_, i) => i);
  return {
    ...{ equipmentId: 'T1', streamId: 'S', streamSequence: 1, waferId: 'W1', lot: 'L1', insertion: 'CP1' },
    define: TESTS,
    dies: length > 0 ? [die(length)] : [],
    columns: {
      length,
      tests: rows.map((i) => i % 3),
      values: rows,
      flags: new Uint8Array(length),
      valueless: new Set(),
      timestampUs: TIME,
      timesUs: null,
      ...columns,
    },
    ...change,
  };
}

/** Stored attempts in a form that compares: tests by their definitions. */
const stored = (store: FakeStore) =>
  store.attempts(run).map(({ wafer, attempt, tests }) => ({
    ...{ wafer, attempt: { ...attempt, results: { ...attempt.results, tests: null } } },
    tests: [...attempt.results.tests].map((i) => tests[i]),
  }));

/** Results in rows of one die, batch by batch. */
const stream = fc.array(
  fc.array(
    fc.record({
      site: fc.nat(1),
      x: fc.nat(1),
      last: fc.boolean(),
      hardBin: fc.constantFrom(null, 1, 2),
      rows: fc.array(
        fc.record({
          test: fc.nat(2),
          value: fc.constantFrom(1.5, 0.1, Number.NaN, -0, null),
          flags: fc.constantFrom(0, 0x80, 0x40, 0x02),
          afterUs: fc.integer({ min: -5, max: 5 }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  { minLength: 1, maxLength: 6 },
);
type Stream = typeof stream extends fc.Arbitrary<infer T> ? T : never;

function batchesOf(plan: Stream): StreamBatch[] {
  let first = 1;
  return plan.map((dies, i) => {
    const rows = dies.flatMap((one) => one.rows);
    const streamSequence = first;
    first += rows.length;
    return batch(
      rows.length,
      {
        streamSequence,
        define: i === 0 ? TESTS : [],
        dies: dies.map(({ rows, site, x, last, hardBin }) =>
          die(rows.length, { site, x, hardBin, lastOfDie: last }),
        ),
      },
      {
        tests: rows.map(({ test }) => test),
        values: rows.map(({ value }) => value ?? 7),
        valueless: new Set(rows.flatMap(({ value }, row) => (value === null ? [row] : []))),
        flags: Uint8Array.from(rows, ({ flags }) => flags),
        timesUs: Float64Array.from(rows, ({ afterUs }) => afterUs),
      },
    );
  });
}

function singlesOf(plan: Stream): StreamResult[] {
  let sequence = 0;
  return plan.flat().flatMap(({ rows, site, x, last, hardBin }) =>
    rows.map(({ test, value, flags, afterUs }, i) =>
      result({
        ...{ streamSequence: ++sequence, site, x, hardBin, value, test: TESTS[test]! },
        ...{ passed: (flags & 0xc0) === 0, testFlags: flags, timestampUs: TIME + afterUs },
        lastOfDie: last && i === rows.length - 1,
      }),
    ),
  );
}

test('batches store what the same results store one by one', async () => {
  await fc.assert(
    fc.asyncProperty(stream, async (plan) => {
      const [many, single] = [fakeNode(), fakeNode()];
      const session = many.open();
      for (const one of batchesOf(plan)) await session.takeBatch(one);
      const receipt = await session.finish();
      assert.deepEqual(receipt, await single.stream(singlesOf(plan)));
      assert.deepEqual(stored(many.store), stored(single.store));
      const again = many.open();
      for (const one of batchesOf(plan)) await again.takeBatch(one);
      const { accepted, duplicates } = await again.finish();
      assert.deepEqual([accepted, duplicates], [0, receipt.accepted]);
    }),
    { numRuns: 200 },
  );
});

test('a batch without results opens the stream and tells how far it is durable since earlier', async () => {
  const { store, open } = fakeNode();
  const first = open();
  await first.takeBatch(batch(5, { dies: [die(3), die(2, { x: 1, lastOfDie: false })] }));
  await first.abort('cut');
  assert.equal(stored(store).length, 1);
  const again = open();
  await again.takeBatch(batch(0, { streamSequence: 0 }));
  assert.deepEqual([again.progress.throughSequence, again.progress.runId], [3, run]);
  await again.takeBatch(batch(2, { streamSequence: 4, define: [], dies: [die(2, { x: 1 })] }));
  const { throughSequence, accepted } = await again.finish();
  assert.deepEqual([throughSequence, accepted], [5, 2]);
});

test('a stream that was cut behind its last result is recorded as complete once it is opened and ended', async () => {
  const { store, open } = fakeNode();
  const first = open();
  await first.takeBatch(batch(3));
  await first.abort('cut');
  assert.equal(store.records.at(-1)?.record.complete, false);
  const again = open();
  await again.takeBatch(batch(0, { define: [] }));
  const receipt = await again.finish();
  assert.deepEqual([receipt.throughSequence, receipt.runId], [3, run]);
  const { complete, attempts, results } = store.records.at(-1)!.record;
  assert.deepEqual([complete, attempts, results], [true, 1, 3]);
});

test('the record of a cut stream tells what is durable and why it ended, and a resumed one adds to it', async () => {
  const { store, open } = fakeNode();
  const first = open();
  await first.takeBatch(batch(3));
  await first.abort('the tester went away');
  const again = open();
  await again.takeBatch(batch(2, { streamSequence: 4, dies: [die(2, { x: 1 })] }));
  await again.finish();
  assert.deepEqual(
    store.records.map(({ record }) => [
      record.attempts,
      record.results,
      record.complete,
      record.incompleteReason,
    ]),
    [
      [0, 0, false, 'the stream has not ended'],
      [1, 3, false, 'the stream ended early: the tester went away'],
      [2, 5, true, ''],
    ],
  );
});

test('a stream that is cut without adding anything records nothing', async () => {
  const { store, stream, open } = fakeNode();
  await stream([result({ streamSequence: 1 })]);
  const before = store.records.length;
  const again = open();
  await again.takeBatch(batch(0));
  await again.abort('cut');
  assert.equal(store.records.length, before);
});

test('tests are numbered in the order in which a stream defines them', async () => {
  const { store, open } = fakeNode();
  const session = open();
  await session.takeBatch(batch(1, { define: TESTS.slice(0, 1) }, { tests: null }));
  await session.takeBatch(batch(2, { streamSequence: 2, define: TESTS.slice(1) }, { tests: [2, 0] }));
  await session.takeBatch(batch(3, { streamSequence: 4, define: [] }, { tests: null }));
  await session.finish();
  assert.deepEqual(
    stored(store).map(({ tests }) => tests.map((one) => one?.name)),
    [['a'], ['c', 'a'], ['a', 'b', 'c']],
  );
});

test('other content under a sequence that is durable is refused in a batch as well', async () => {
  const { open, stream } = fakeNode();
  await stream([result({ streamSequence: 1, value: 7 })]);
  await assert.rejects(open().takeBatch(batch(1)), { code: 'conflict', message: /sequence 1 of stream "S"/ });
});

for (const [what, change, columns, message] of [
  [
    'a test that is not defined',
    {},
    { tests: [0, 3] },
    /^test 3 is not defined at result 1 of the batch at sequence 1 .*: 3 tests are$/,
  ],
  [
    'more results than its dies',
    { dies: [die(1)] },
    {},
    /^the dies of the batch claim 1 results of 2 at sequence 1 /,
  ],
  [
    'a die without results',
    { dies: [die(2), die(0)] },
    {},
    /^results is 0 at die 1 of the batch at sequence 1 /,
  ],
  [
    'a site that is none',
    { dies: [die(1), die(1, { site: 256 })] },
    {},
    /^site 256 .* at die 1 of the batch/,
  ],
  [
    'a soft bin that is none',
    { dies: [die(2, { softBin: 65_535 })] },
    {},
    /^soft_bin 65535 .* at die 0 of the batch/,
  ],
  ['half a place', { dies: [die(2, { x: null })] }, {}, /half a place at die 0/],
  [
    'a test without a name',
    { define: [{ ...TESTS[0]!, name: '' }] },
    {},
    /^test_name is empty at define 0 of the batch/,
  ],
  ['a long lot', { lot: 'x'.repeat(1025) }, {}, /^lot .* has 1025 bytes at sequence 1/],
  [
    'a time before 1970',
    {},
    { timesUs: Float64Array.of(0, -TIME - 1) },
    /^timestamp_us -1 .* at result 1 of the batch/,
  ],
  [
    'times without a beginning',
    {},
    { timestampUs: 0, timesUs: Float64Array.of(0, 1) },
    /^times_us is given and timestamp_us is not/,
  ],
  ['too many dies', { dies: Array.from({ length: 1025 }, () => die(1)) }, {}, /^dies has 1025 entries/],
] as const) {
  test(`a batch with ${what} is refused with its place, and nothing of it is taken`, async () => {
    const { store, open } = fakeNode();
    const session = open();
    await assert.rejects(session.takeBatch(batch(2, change, columns)), { code: 'invalid', message });
    assert.equal(store.attempts().length, 0);
  });
}

test('a batch whose positions were there before is refused', async () => {
  const { open } = fakeNode();
  const session = open();
  await session.takeBatch(batch(3));
  await assert.rejects(session.takeBatch(batch(2, { streamSequence: 3, define: [] })), {
    code: 'invalid',
    message: /^stream_sequence 3 does not grow .*: 3 came before it$/,
  });
  const last = open();
  await assert.rejects(last.takeBatch(batch(2, { streamSequence: Number.MAX_SAFE_INTEGER })), {
    code: 'invalid',
  });
});

test('a stream may define so many tests, and no more', async () => {
  const { open } = fakeNode();
  const session = open({ definitions: 4 });
  await session.takeBatch(batch(0));
  await assert.rejects(session.takeBatch(batch(0, { define: TESTS.slice(0, 2) })), {
    code: 'invalid',
    message: /^test "b" is one too many .*: the stream has defined 4/,
  });
});

test('bounds of a die and of open dies hold for batches', async () => {
  const long = fakeNode().open({ attemptResults: 4 });
  await long.takeBatch(batch(3, { dies: [die(3, { lastOfDie: false })] }));
  await assert.rejects(long.takeBatch(batch(2, { streamSequence: 4, define: [] })), {
    code: 'invalid',
    message: /^the die that began at sequence 1 would have 5 results, of at most 4 .* at sequence 4 /,
  });
  const wide = fakeNode().open({ openResults: 4 });
  const open = (site: number) => die(3, { site, lastOfDie: false });
  await assert.rejects(wide.takeBatch(batch(6, { dies: [open(0), open(1)] })), {
    code: 'invalid',
    message: /hold 3 results, of at most 4 of one stream; 3 more come at sequence 4/,
  });
});
