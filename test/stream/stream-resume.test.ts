import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StreamResult } from '../../src/ingest/stream/stream-result.ts';
import { streamRunId } from '../../src/wafer/run.ts';
import { type FakeStore, fakeNode, result, turn } from './fake-node.ts';

const run = streamRunId('tw', 'T1', 'S');

/** Result of a site under a sequence; the value is the sequence, so that each has content of its own. */
function at(
  streamSequence: number,
  site: number,
  x: number,
  change: Partial<StreamResult> = {},
): StreamResult {
  return result({ streamSequence, site, x, value: streamSequence, ...change });
}

/** Two sites: dies 0 and 2 on site 0, die 1 on site 1. Site 0's first die ends before site 1's. */
const STREAM = [at(1, 0, 0), at(2, 1, 1), at(3, 0, 0), at(4, 0, 2), at(5, 1, 1), at(6, 0, 2)];

const stored = (store: FakeStore) =>
  store
    .attempts(run)
    .map(({ attempt }) => [attempt.index, attempt.sequenceSpan, [...attempt.results.values]]);

/** Streams `results` and then breaks off. */
async function cut(node: ReturnType<typeof fakeNode>, results: readonly StreamResult[]) {
  const session = node.open();
  for (const each of results) await session.take(each);
  return session.abort('cut');
}

test('the whole stream handed in twice adds nothing', async () => {
  const { store, stream } = fakeNode();
  const first = await stream(STREAM);
  assert.deepEqual([first.accepted, first.duplicates, first.passed], [6, 0, 3]);
  const before = store.batches.length;
  const second = await stream(STREAM);
  assert.deepEqual(second, { ...first, accepted: 0, duplicates: 6 });
  assert.equal(store.batches.length, before);
  assert.deepEqual(store.records[2], store.records[1]);
  assert.equal(store.records.length, 3);
});

test('a stream whose results the node counts, handed in twice, adds nothing', async () => {
  const { store, stream } = fakeNode();
  const counted = STREAM.map((each) => ({ ...each, streamSequence: 0 }));
  await stream(counted);
  const again = await stream(counted);
  assert.deepEqual([again.accepted, again.duplicates, again.throughSequence], [0, 6, 6]);
  assert.equal(store.attempts(run).length, 3);
});

test('a cut stream that resumes after through_sequence holds what the uncut one holds', async () => {
  const node = fakeNode();
  const receipt = await cut(node, STREAM.slice(0, 4));
  // Site 0's die is durable, but site 1 has been open since sequence 2.
  assert.deepEqual([receipt.accepted, receipt.throughSequence], [2, 1]);
  assert.deepEqual(stored(node.store), [[1, 2, [1, 3]]]);
  const rest = await node.stream(STREAM.slice(1));
  assert.deepEqual([rest.accepted, rest.duplicates, rest.throughSequence, rest.passed], [4, 1, 6, 3]);
  const uncut = fakeNode();
  await uncut.stream(STREAM);
  assert.deepEqual(stored(node.store), stored(uncut.store));
  assert.deepEqual(node.store.records.at(-1), uncut.store.records.at(-1));
});

test('a resumed stream looks up a stored attempt once, and nothing for new results', async () => {
  const node = fakeNode();
  await node.stream([1, 2, 3, 4].map((s) => at(s, 0, 0)));
  await node.stream([2, 3, 4, 5, 6].map((s) => at(s, 0, s < 5 ? 0 : 1)));
  assert.equal(node.store.lookups, 1);
});

test('a die that goes on after the stream had ended in good order is a new attempt', async () => {
  const { store, stream } = fakeNode();
  await stream([at(1, 0, 0), at(2, 0, 0)]);
  const receipt = await stream([at(3, 0, 0), at(4, 0, 0)]);
  assert.deepEqual([receipt.accepted, receipt.duplicates], [2, 0]);
  const expected = [
    [1, 1, [1, 2]],
    [3, 1, [3, 4]],
  ];
  assert.deepEqual(stored(store), expected);
  // Also when all of it comes again as one stream, the boundary within the die is found by its sequence.
  const again = await stream([1, 2, 3, 4, 5].map((s) => at(s, 0, 0)));
  assert.deepEqual([again.accepted, again.duplicates, again.throughSequence], [1, 4, 5]);
  assert.deepEqual(stored(store), [...expected, [5, 0, [5]]]);
  assert.equal(store.records.at(-1)?.record.attempts, 3);
  assert.equal(store.records.at(-1)?.record.results, 5);
});

test('a hole that a crash left before a durable attempt is filled, and ends where that one begins', async () => {
  const { store, parts, open, stream } = fakeNode();
  const whole = [at(1, 0, 0), at(2, 0, 0), at(3, 0, 1), at(4, 0, 1), at(5, 0, 0)];
  store.eager = false;
  const session = open({ batchResults: 1 });
  for (const each of whole) await session.take(each);
  // The batch of sequences 3 and 4 was durable when the process died, the one of 1 and 2 was not.
  let batch = 0;
  store.crash(() => batch++ === 1);
  assert.deepEqual(stored(store), [[3, 1, [3, 4]]]);
  store.eager = true;
  parts.owners.release(run, session);
  const receipt = await stream(whole);
  assert.deepEqual([receipt.accepted, receipt.duplicates, receipt.passed], [3, 2, 3]);
  assert.deepEqual(stored(store), [
    [1, 1, [1, 2]],
    [3, 1, [3, 4]],
    [5, 0, [5]],
  ]);
});

test('a stream can be aborted while a stored attempt is looked up, and writes nothing afterwards', async () => {
  const { store, world, open, stream } = fakeNode();
  await stream([at(1, 0, 0)]);
  const lookup = Promise.withResolvers<null>();
  store.attemptAt = () => lookup.promise;
  const session = open();
  const taking = session.take(at(1, 0, 0, { lastOfDie: true }));
  await turn();
  const receipt = await session.abort('cut');
  lookup.resolve(null);
  await assert.rejects(taking, { code: 'cancelled', message: 'the stream ended early: cut' });
  assert.equal(world.timers.size, 0);
  assert.deepEqual(session.progress, { ...receipt, message: '' });
});

test('a stream that is aborted while it waits for an older session does not keep the run', async () => {
  const { store, open, parts } = fakeNode();
  store.eager = false;
  const old = open();
  await old.take(at(1, 0, 0, { lastOfDie: true }));
  const fresh = open();
  const taking = fresh.take(at(1, 0, 0));
  await turn();
  await fresh.abort('cut');
  store.commit(0);
  await assert.rejects(taking, { code: 'cancelled' });
  assert.equal(parts.owners.size, 0);
});

const ELSE: readonly (readonly [string, Partial<StreamResult> & { name?: string }])[] = [
  ['another value', { value: 2.5 }],
  ['a negative zero for a value', { value: -0 }],
  ['no value', { value: null }],
  ['another verdict', { passed: false }],
  ['other flags', { testFlags: 0x02 }],
  ['another test name', { test: { ...result().test, name: 'idd' } }],
  ['another test number', { test: { ...result().test, number: 2 } }],
  ['other units', { test: { ...result().test, units: 'mV' } }],
  ['other limits', { test: { ...result().test, highLimit: 3 } }],
  ['another place', { x: 7 }],
  ['another part id', { partId: '7' }],
  ['another wafer', { waferId: 'W7' }],
  ['another lot', { lot: 'L7' }],
];

for (const [what, change] of ELSE) {
  test(`the same sequence with ${what} is refused, resent from the die's begin or from within`, async () => {
    const whole = [1, 2, 3, 4].map((s) => at(s, 0, 0, { value: s - 2 }));
    for (const from of [0, 1]) {
      const { store, stream } = fakeNode();
      await stream(whole);
      const changed = whole.map((each, i) => (i === 1 ? { ...each, ...change } : each)).slice(from);
      await assert.rejects(stream(changed), {
        code: 'conflict',
        message: /^the die at sequence \d of stream "S" of tester "T1" is stored with /,
      });
      assert.equal(store.attempts(run).length, 1);
    }
  });
}

test('times are not compared: a tester may stamp its results when it sends them', async () => {
  const { stream } = fakeNode();
  await stream([at(1, 0, 0), at(2, 0, 0)]);
  const again = await stream([at(1, 0, 0, { timestampUs: 5 }), at(2, 0, 0, { timestampUs: 9 })]);
  assert.equal(again.duplicates, 2);
});

test('NaN sent again is the same NaN', async () => {
  const { stream } = fakeNode();
  await stream([at(1, 0, 0, { value: Number.NaN }), at(2, 0, 0, { value: 0.1 })]);
  const again = await stream([at(1, 0, 0, { value: Number.NaN }), at(2, 0, 0, { value: 0.1 })]);
  assert.equal(again.duplicates, 2);
});

test('a die resent with a result less or more is refused', async () => {
  const { open, stream } = fakeNode();
  await stream([at(1, 0, 0), at(3, 0, 0), at(5, 0, 0)]);
  const refused = async (sequences: number[], message: RegExp) => {
    const session = open();
    const last = sequences.pop()!;
    for (const s of sequences) await session.take(at(s, 0, 0));
    await assert.rejects(session.take(at(last, 0, 0)), { code: 'conflict', message });
  };
  await refused([1, 5], /sequence 1 .* stored with more results$/);
  await refused([1, 2, 3, 5], /sequence 5 .* stored with fewer results$/);
  await refused([1, 3, 6], /sequence 5 .* stored with a result of that site, which was not sent again$/);
});

test('a stored end that another site passed by is refused at the end of the stream', async () => {
  const { stream } = fakeNode();
  await stream([at(1, 0, 0), at(2, 0, 0)]);
  await assert.rejects(stream([at(1, 0, 0), at(3, 1, 5)]), {
    code: 'conflict',
    message: /sequence 2 .* not sent again/,
    hint: /Results up to sequence 0 of stream "S" are durable; send again what follows\.$/,
  });
});

test('a sequence that comes again from another site is refused', async () => {
  const { store, stream } = fakeNode();
  await stream([at(1, 0, 0), at(2, 0, 0)]);
  await assert.rejects(stream([at(1, 3, 0), at(2, 3, 0)]), {
    code: 'conflict',
    message: 'the die at sequence 1 of stream "S" of tester "T1" is stored with other content',
  });
  assert.equal(store.attempts(run).length, 1);
});

test('a stream that ends within a stored die is compared as far as it came', async () => {
  const { stream } = fakeNode();
  await stream([1, 2, 3, 4].map((s) => at(s, 0, 0)));
  const receipt = await stream([at(1, 0, 0), at(2, 0, 0)]);
  assert.deepEqual(
    [receipt.accepted, receipt.duplicates, receipt.throughSequence, receipt.passed],
    [0, 2, 2, 0],
  );
  await assert.rejects(stream([at(1, 0, 0), at(2, 0, 0, { value: 9 })]), { code: 'conflict' });
  // Neither its first nor its last result comes again: which rows these are is not known.
  assert.equal((await stream([at(2, 0, 0), at(3, 0, 0)])).duplicates, 2);
  await assert.rejects(stream([at(2, 0, 0), at(3, 0, 1)]), { code: 'conflict' });
});

test('through_sequence waits for resent results to be compared', async () => {
  const { open, stream } = fakeNode();
  await stream([1, 2, 3].map((s) => at(s, 0, 0)));
  const session = open();
  await session.take(at(2, 0, 0));
  assert.deepEqual([session.progress.duplicates, session.progress.throughSequence], [0, 1]);
  await session.take(at(3, 0, 0));
  assert.deepEqual([session.progress.duplicates, session.progress.throughSequence], [2, 3]);
});

test('too much that was sent again in part is refused', async () => {
  const { open, stream } = fakeNode();
  await stream([at(1, 0, 0), at(2, 1, 1), at(3, 0, 0), at(4, 1, 1)]);
  for (const bounds of [{ openSites: 1 }, { comparedResults: 3 }]) {
    const session = open(bounds);
    await session.take(at(1, 0, 0));
    await assert.rejects(session.take(at(2, 1, 1)), { code: 'invalid', message: /^1 dies with 2 results/ });
  }
});

test('a stream opened again takes over: what the old session had on its way settles first', async () => {
  const { store, open } = fakeNode();
  store.eager = false;
  const old = open();
  await old.take(at(1, 0, 0));
  await old.take(at(2, 0, 1));
  const fresh = open();
  const taking = fresh.take(at(1, 0, 0));
  await turn();
  assert.equal(store.waiting.length, 1);
  store.commit(0);
  await taking;
  await fresh.take(at(2, 0, 1));
  store.eager = true;
  const receipt = await fresh.finish();
  assert.deepEqual([receipt.accepted, receipt.duplicates], [1, 1]);
  await assert.rejects(old.take(at(3, 0, 1)), {
    code: 'conflict',
    message: 'the stream ended early: the stream was opened again',
  });
  assert.deepEqual(stored(store), [
    [1, 0, [1]],
    [2, 0, [2]],
  ]);
});

test('of many sessions that open one stream at once, one goes on', async () => {
  const { store, open } = fakeNode();
  const sessions = Array.from({ length: 5 }, () => open());
  const taken = await Promise.allSettled(sessions.map((session) => session.take(at(1, 0, 0))));
  await turn();
  const ended = await Promise.allSettled(sessions.map((session) => session.finish()));
  assert.equal(ended.filter(({ status }) => status === 'fulfilled').length, 1, JSON.stringify(taken));
  assert.deepEqual(stored(store), [[1, 0, [1]]]);
});

test('attempts that others made durable meanwhile count as duplicates, if they are the same', async () => {
  const { store, open } = fakeNode();
  const session = open();
  await session.take(at(1, 0, 0));
  await session.take(at(2, 0, 1));
  const elsewhere = fakeNode(store);
  await elsewhere.stream([at(1, 0, 0)]);
  const receipt = await session.finish();
  assert.deepEqual([receipt.accepted, receipt.duplicates, receipt.passed], [1, 1, 2]);
  const other = open();
  await other.take(at(9, 0, 0));
  await elsewhere.stream([at(9, 0, 0, { value: 1 })]);
  await assert.rejects(other.finish(), { code: 'conflict', message: /sequence 9 .* other content/ });
});
