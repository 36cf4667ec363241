import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WafersyncError } from '../../src/errors.ts';
import { StreamIntake } from '../../src/ingest/stream/stream-intake.ts';
import { streamRunId, unnamedWaferId } from '../../src/wafer/run.ts';
import { type FakeStore, fakeNode, result, turn } from './fake-node.ts';

const run = streamRunId('tw', 'T1', 'S');

/** Why each record that was written is not complete; null where it is. */
const recorded = (store: FakeStore) =>
  store.records.map(({ record }) => (record.complete ? null : record.incompleteReason));

test('a stream is answered once all of it is durable and its run recorded', async () => {
  const { store, open } = fakeNode();
  store.eager = false;
  const session = open();
  await session.take(result());
  await session.take(result({ x: 1, lastOfDie: true }));
  await session.take(result({ x: 2, passed: false }));
  let answered = false;
  const answer = session.finish().then((receipt) => {
    answered = true;
    return receipt;
  });
  await turn();
  assert.equal(answered, false);
  assert.deepEqual(recorded(store), ['the stream has not ended']);
  assert.equal(session.progress.accepted, 0);
  assert.equal(session.progress.throughSequence, 0);
  store.commit(0);
  assert.deepEqual(await answer, {
    runId: run,
    streamId: 'S',
    accepted: 3,
    duplicates: 0,
    throughSequence: 3,
    passed: 2,
    message: '',
  });
  assert.deepEqual(store.records.slice(1), [
    {
      run: { id: run, startedAtUs: 1_700_000_000_000_000 },
      record: {
        source: 'stream',
        lot: 'L1',
        attempts: 3,
        results: 3,
        complete: true,
        incompleteReason: '',
        orphanResults: 0,
        final: false,
        fileName: '',
        contentDigest: '',
        equipmentId: 'T1',
        streamId: 'S',
        product: '',
        jobName: '',
        jobRevision: '',
        records: [],
      },
    },
  ]);
});

test('attempts go out wafer by wafer, in growing order of index, with the program that they name', async () => {
  const { store, stream } = fakeNode();
  await stream([
    result({ site: 0, name: 'a' }),
    result({ site: 1, waferId: 'W2', name: 'b' }),
    result({ site: 2, x: 1, name: 'c', lastOfDie: true }),
    result({ site: 0, name: 'b', lastOfDie: true }),
  ]);
  const seen = store.batches.map(({ wafer, attempts, program }) => ({
    wafer: wafer.waferId,
    attempts: attempts.map(({ index, results }) => [
      index,
      [...results.tests].map((i) => program.tests[i]?.name),
    ]),
  }));
  assert.deepEqual(seen, [
    {
      wafer: 'W1',
      attempts: [
        [1, ['a', 'b']],
        [3, ['c']],
      ],
    },
    { wafer: 'W2', attempts: [[2, ['b']]] },
  ]);
});

test('a wafer without an id has one made of the run', async () => {
  const { store, stream } = fakeNode();
  await stream([result({ waferId: '', lot: '', insertion: '' })]);
  assert.deepEqual(store.batches[0]?.wafer, { lot: '', waferId: unnamedWaferId(run, 0), insertion: '' });
});

test('a client that sends nothing but what it must is served under a minted stream id', async () => {
  const { store, stream } = fakeNode();
  const bare = { streamId: '', lot: '', insertion: '', head: 0 };
  const receipt = await stream([result(bare), result({ ...bare, x: 1 })]);
  assert.match(receipt.streamId, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(receipt.runId, streamRunId('tw', 'T1', receipt.streamId));
  assert.equal(receipt.throughSequence, 2);
  const another = await stream([result(bare)]);
  assert.notEqual(another.streamId, receipt.streamId);
  assert.equal(store.attempts().length, 3);
});

test('a run starts when it started before, else with its first result, else now', async () => {
  const { store, stream } = fakeNode();
  await stream([result({ streamId: 'A', timestampUs: 5 }), result({ streamId: 'A', timestampUs: 9 })]);
  assert.equal(store.starts.get(streamRunId('tw', 'T1', 'A')), 5);
  await stream([result({ streamId: 'B', timestampUs: 0 })]);
  assert.equal(store.starts.get(streamRunId('tw', 'T1', 'B')), 1_750_000_000_000_000);
  await stream([result({ streamId: 'A', streamSequence: 3, timestampUs: 77, x: 3 })]);
  assert.equal(store.batches.at(-1)?.run.startedAtUs, 5);
});

test('an empty stream is answered and records nothing', async () => {
  const { store, stream } = fakeNode();
  const receipt = await stream([]);
  assert.equal(receipt.runId, null);
  assert.equal(receipt.message, 'the stream held no results');
  assert.equal(store.records.length, 0);
});

test('whole attempts go out after the flush time, half ones never', async () => {
  const { store, world, open } = fakeNode();
  const session = open();
  await session.take(result({ lastOfDie: true }));
  await session.take(result({ x: 1 }));
  assert.equal(store.batches.length, 0);
  assert.deepEqual(
    [...world.timers.values()].map(({ purpose, delayMs }) => [purpose, delayMs]),
    [['stream-flush', 5]],
  );
  world.fire();
  await turn();
  assert.deepEqual(
    store.batches.map(({ attempts }) => attempts.map(({ index }) => index)),
    [[1]],
  );
  assert.equal(world.timers.size, 0);
  assert.equal(session.progress.throughSequence, 1);
  assert.equal(session.progress.accepted, 1);
});

test('a batch goes out at once when enough results or bytes wait', async () => {
  for (const bounds of [{ batchResults: 4 }, { batchBytes: 4 * 80 }]) {
    const { store, world, open } = fakeNode();
    const session = open(bounds);
    for (let x = 0; x < 4; x++) await session.take(result({ x, lastOfDie: true }));
    await turn();
    assert.deepEqual(
      store.batches.map(({ attempts }) => attempts.length),
      [4],
    );
    assert.equal(world.timers.size, 0);
  }
});

test('a batch of several attempts stays within its bounds; a larger attempt goes alone', async () => {
  const { store, open } = fakeNode();
  store.eager = false;
  const session = open({ batchResults: 3, writesInFlight: 1 });
  const die = (x: number, count: number) => Array.from({ length: count }, () => result({ x }));
  for (const each of [...die(0, 2), ...die(1, 2), ...die(2, 5), ...die(3, 1), ...die(4, 1)]) {
    const taken = session.take(each);
    await turn();
    store.commit(0);
    await taken;
  }
  store.eager = true;
  store.commit(0);
  await session.finish();
  const sizes = store.batches.map(({ attempts }) => attempts.map(({ results }) => results.length));
  assert.deepEqual(sizes.flat(), [2, 2, 5, 1, 1]);
  for (const size of sizes) {
    assert.ok(size.length === 1 || size.reduce((sum, n) => sum + n) <= 3, JSON.stringify(sizes));
  }
});

test('a tester faster than the disk waits: what is in flight and what waits is bounded', async () => {
  const { store, open } = fakeNode();
  store.eager = false;
  const session = open({ batchResults: 2, writesInFlight: 3 });
  let taken = 0;
  const streaming = (async () => {
    for (let x = 0; x < 100; x++) {
      await session.take(result({ x, lastOfDie: true }));
      taken++;
    }
    return session.finish();
  })();
  await turn();
  // Three batches of two are on their way, two attempts wait, and the take that brought the second has not returned.
  assert.equal(taken, 7);
  for (let waited = 0; store.waiting.length > 0; waited++) {
    assert.ok(waited < 200);
    store.commit(store.waiting.length - 1);
    await turn();
  }
  assert.equal((await streaming).accepted, 100);
  assert.equal(store.mostWaiting, 3);
});

test('through_sequence does not pass a batch that is on its way while a later one is durable', async () => {
  const { store, open } = fakeNode();
  store.eager = false;
  const session = open({ batchResults: 1 });
  for (let x = 0; x < 3; x++) await session.take(result({ x, lastOfDie: true }));
  store.commit(2);
  store.commit(0);
  await turn();
  assert.deepEqual([session.progress.accepted, session.progress.throughSequence], [2, 1]);
  store.commit(0);
  await turn();
  assert.deepEqual([session.progress.accepted, session.progress.throughSequence], [3, 3]);
});

test('through_sequence stays before every open attempt', async () => {
  const { world, open } = fakeNode();
  const session = open();
  await session.take(result({ site: 0, lastOfDie: true }));
  await session.take(result({ site: 1 }));
  await session.take(result({ site: 0, x: 1, lastOfDie: true }));
  world.fire();
  await turn();
  assert.deepEqual([session.progress.accepted, session.progress.throughSequence], [2, 1]);
});

test('bad input ends the stream, says where, and keeps the whole attempts before it', async () => {
  const { store, open } = fakeNode();
  const session = open();
  await session.take(result({ streamSequence: 11 }));
  await session.take(result({ streamSequence: 12, x: 1 }));
  await session.take(result({ streamSequence: 13, x: 1 }));
  const refusal = {
    code: 'invalid',
    message: 'head 300 is not within 0 to 255 at sequence 14 of stream "S" of tester "T1"',
    hint: 'Send head as an integer from 0 to 255. Results up to sequence 11 of stream "S" are durable; send again what follows.',
  };
  await assert.rejects(session.take(result({ streamSequence: 14, head: 300 })), refusal);
  assert.deepEqual(
    store.attempts(run).map(({ attempt }) => attempt.index),
    [11],
  );
  assert.equal(session.progress.throughSequence, 11);
  assert.equal(session.progress.accepted, 1);
  assert.deepEqual(recorded(store), ['the stream has not ended', refusal.message]);
  await assert.rejects(session.take(result({ streamSequence: 15 })), refusal);
  await assert.rejects(session.finish(), refusal);
});

test('bad input is answered only once what came before it is durable', async () => {
  const { store, open } = fakeNode();
  store.eager = false;
  const session = open();
  await session.take(result({ lastOfDie: true }));
  let answered = false;
  const answer = session.take(result({ equipmentId: 'T2' })).catch((error) => {
    answered = true;
    return error;
  });
  await turn();
  assert.equal(answered, false);
  store.commit(0);
  assert.match((await answer).hint, /up to sequence 1 /);
});

test('a first result that is bad leaves nothing behind', async () => {
  const { store, open, parts } = fakeNode();
  const session = open();
  await assert.rejects(session.take(result({ name: '' })), { code: 'invalid', hint: 'Name every test.' });
  assert.equal(session.progress.runId, null);
  assert.equal(store.attempts().length, 0);
  assert.equal(parts.owners.size, 0);
});

test('an aborted stream drops the half attempt and makes whole ones durable', async () => {
  const { store, open } = fakeNode();
  const session = open();
  for (let x = 0; x < 3; x++) await session.take(result({ x }));
  const receipt = await session.abort('the tester went away');
  assert.deepEqual(
    store.attempts(run).map(({ attempt }) => attempt.index),
    [1, 2],
  );
  assert.deepEqual([receipt.accepted, receipt.throughSequence, receipt.passed], [2, 2, 2]);
  assert.equal(
    receipt.message,
    'the stream ended early: the tester went away; left out: 1 results of 1 attempts that had not ended',
  );
  assert.deepEqual(recorded(store), [
    'the stream has not ended',
    'the stream ended early: the tester went away',
  ]);
  await assert.rejects(session.take(result()), { code: 'cancelled' });
  await assert.rejects(session.finish(), { code: 'cancelled' });
  assert.deepEqual(await session.abort('again'), receipt);
});

test('a stream can be aborted while a result waits for room', async () => {
  const { store, world, open } = fakeNode();
  store.eager = false;
  const session = open({ batchResults: 1, writesInFlight: 1 });
  await session.take(result({ x: 0, lastOfDie: true }));
  const waiting = session.take(result({ x: 1, lastOfDie: true }));
  const ended = session.abort('cut');
  await turn();
  store.commit(0);
  await turn();
  store.commit(0);
  await waiting;
  assert.equal((await ended).accepted, 2);
  assert.equal(world.timers.size, 0);
});

test('a stream can be aborted while the past of its run is read, and writes nothing afterwards', async () => {
  const { store, world, parts, open } = fakeNode();
  const past = Promise.withResolvers<void>();
  const read = store.past.bind(store);
  store.past = async (id) => {
    await past.promise;
    return read(id);
  };
  const session = open();
  const taking = session.take(result({ lastOfDie: true }));
  await turn();
  await session.abort('cut');
  past.resolve();
  await assert.rejects(taking, { code: 'cancelled', message: 'the stream ended early: cut' });
  assert.equal(world.timers.size, 0);
  assert.equal(parts.owners.size, 0);
});

test('a write that fails ends the stream with its reason, and claims no more than is durable', async () => {
  const { store, open } = fakeNode();
  const session = open({ batchResults: 1 });
  await session.take(result({ x: 0, lastOfDie: true }));
  await turn();
  store.failures.push(new WafersyncError('exhausted', 'the disk is full', { hint: 'Free space.' }));
  await session.take(result({ x: 1, lastOfDie: true }));
  await turn();
  await assert.rejects(session.take(result({ x: 2, lastOfDie: true })), {
    code: 'exhausted',
    message: 'the disk is full',
    hint: 'Free space. Results up to sequence 1 of stream "S" are durable; send again what follows.',
  });
  assert.equal(store.batches.length, 1);
  assert.deepEqual([session.progress.accepted, session.progress.throughSequence], [1, 1]);
});

test('a write that fails at the end refuses the end; the same stream again brings the rest', async () => {
  const { store, open, stream } = fakeNode();
  store.failures.push(new Error('I/O'));
  const session = open();
  await session.take(result());
  await assert.rejects(session.finish(), { code: 'internal', message: 'results could not be written: I/O' });
  assert.deepEqual(recorded(store), ['the stream has not ended']);
  const receipt = await stream([result(), result()]);
  assert.deepEqual([receipt.accepted, receipt.duplicates], [2, 0]);
});

test('bad input and a failing write are both told', async () => {
  const { store, open } = fakeNode();
  store.failures.push(new WafersyncError('exhausted', 'the disk is full'));
  const session = open();
  await session.take(result({ lastOfDie: true }));
  await assert.rejects(session.take(result({ name: '' })), {
    code: 'invalid',
    message: /^test_name is empty .* could not be made durable: the disk is full$/,
  });
  const cut = open();
  await cut.take(result({ lastOfDie: true }));
  store.failures.push(new WafersyncError('exhausted', 'the disk is full'));
  const receipt = await cut.abort('cut');
  assert.match(receipt.message, /ended early: cut; and what came before .* the disk is full$/);
  assert.equal(receipt.accepted, 0);
});

test('a program that cannot be made ends the stream', async () => {
  const { world, parts } = fakeNode();
  const broken = {
    ...parts,
    newProgram: () => ({
      index: () => 0,
      program: () => {
        throw new WafersyncError('invalid', 'the program is too large');
      },
    }),
  };
  const stream = new StreamIntake(broken);
  await stream.take(result({ lastOfDie: true }));
  world.fire();
  await turn();
  await assert.rejects(stream.finish(), { code: 'invalid', message: 'the program is too large' });
});

test('a stream is over after its end', async () => {
  const { open, parts } = fakeNode();
  const session = open();
  await session.take(result());
  assert.equal(parts.owners.size, 1);
  await session.finish();
  assert.equal(parts.owners.size, 0);
  await assert.rejects(session.take(result()), { code: 'precondition', message: 'the stream has ended' });
  await assert.rejects(session.finish(), { code: 'precondition' });
});

test('results that are not awaited one by one are a bug of the caller', async () => {
  const { open } = fakeNode();
  const session = open();
  const first = session.take(result());
  await assert.rejects(session.take(result()), { code: 'internal' });
  await first;
});
