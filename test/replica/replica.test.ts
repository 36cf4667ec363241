import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Dot, sequence } from '../../src/clocks/dot.ts';
import { WafersyncError } from '../../src/errors.ts';
import { wafersync } from '../../src/gen/wafersync.js';
import type { CommitOutcome } from '../../src/replica/commit.ts';
import type { IntakeReceipt } from '../../src/wafer/intake.ts';
import { decodeAttempts } from '../../src/wafer/payload/decode.ts';
import { MAX_UPDATE_BYTES, type Update, updateBytes, updateDigest } from '../../src/wafer/update.ts';
import { openUpdate, sealUpdate } from '../../src/wire/header.ts';
import { fromNumber } from '../../src/wire/long.ts';
import { Bench, batch, PROGRAM, RECORD, RUN, settle } from './replica-fixture.ts';

/** A receipt, with the number of its updates. */
function told({ dots, ...counts }: IntakeReceipt) {
  return { ...counts, updates: dots.length };
}

test('a write is answered only after its commit, and many writes share one', async (t) => {
  const tw = new Bench(t);
  const commits = tw.store.commitNumber;
  let answered = 0;
  const writes = [0, 1, 2].map((index) => tw.replica.write(batch([index])).then(() => answered++));
  await settle();
  assert.equal(answered, 0);
  assert.equal(tw.store.stats().updates, 0);
  await tw.commit();
  await Promise.all(writes);
  assert.equal(tw.commits.length, 1);
  assert.equal(tw.store.commitNumber, commits + 1);
  assert.deepEqual(
    tw.born.map(({ header }) => header.dot.sequence),
    [1, 2, 3],
  );
});

test('attempts known already are left out, and a batch of nothing new adds no update', async (t) => {
  const tw = new Bench(t);
  const first = tw.replica.write(batch([0, 1]));
  await tw.commit();
  assert.deepEqual(told(await first), { added: 2, addedResults: 8, known: 0, updates: 1 });
  const second = tw.replica.write(batch([0, 1, 2]));
  await tw.commit();
  assert.deepEqual(told(await second), { added: 1, addedResults: 4, known: 2, updates: 1 });
  assert.deepEqual(
    decodeAttempts(tw.born[0]!.payload).map(({ index }) => index),
    [2],
  );
  const third = tw.replica.write(batch([0, 1, 2]));
  await tw.commit();
  assert.deepEqual(told(await third), { added: 0, addedResults: 0, known: 3, updates: 0 });
  assert.equal(tw.store.stats().updates, 2);
});

test('timestamps grow through a clock that steps back, over a restart of the clock as well', async (t) => {
  const tw = new Bench(t);
  const write = async (index: number) => {
    const done = tw.replica.write(batch([index]));
    await tw.commit();
    await done;
    return tw.born[0]!.header.timestamp;
  };
  const before = await write(0);
  tw.world.now -= 3_600_000;
  const after = await write(1);
  assert.ok(after > before);
  assert.equal(tw.store.lastTimestamp(), after);
});

test('a batch over the size of an update is split, and each part holds within the bound', async (t) => {
  const tw = new Bench(t, 'tw', { maxQueueBytes: 1024 * 1024 * 1024 });
  const large = batch(
    Array.from({ length: 20 }, (_, i) => i),
    {},
    60_000,
  );
  const done = tw.replica.write(large);
  await tw.commit();
  const { dots, ...counts } = await done;
  assert.deepEqual(counts, { added: 20, addedResults: 1_200_000, known: 0 });
  assert.deepEqual(
    dots,
    tw.born.map(({ header }) => header.dot),
  );
  assert.ok(tw.born.length > 1);
  assert.ok(tw.born.every((update) => updateBytes(update) <= MAX_UPDATE_BYTES));
  assert.deepEqual(
    tw.born.flatMap(({ payload }) => decodeAttempts(payload).map(({ index }) => index)),
    large.attempts.map(({ index }) => index),
  );
});

test('an attempt that no update can hold is refused, and what shares its commit is kept', async (t) => {
  const tw = new Bench(t, 'tw', { maxQueueBytes: 1024 * 1024 * 1024 });
  const refused = assert.rejects(
    tw.replica.write(batch([7], {}, 800_000)),
    (error) => error instanceof WafersyncError && error.code === 'invalid' && /attempt 7/.test(error.message),
  );
  const kept = tw.replica.write(batch([0]));
  await tw.commit();
  await refused;
  assert.deepEqual(told(await kept), { added: 1, addedResults: 4, known: 0, updates: 1 });
  assert.deepEqual(
    tw.born.map(({ header }) => header.dot.sequence),
    [1],
  );
});

test('the record of a run is written once, and again only when it says something else', async (t) => {
  const tw = new Bench(t);
  const run = { id: RUN, startedAtUs: 5 };
  for (const record of [RECORD, RECORD, { ...RECORD, attempts: 4 }]) {
    const done = tw.replica.recordRun(run, record);
    await tw.commit();
    await done;
  }
  assert.equal(tw.store.stats().updates, 2);
  assert.equal(tw.store.runs.get(RUN)?.record?.attempts, 4);
  assert.equal(tw.replica.runStart(RUN), 5);
});

test('a received update is applied once, and known ever after', async (t) => {
  const [tw, az] = [new Bench(t, 'tw'), new Bench(t, 'az')];
  void tw.replica.write(batch([0]));
  await tw.commit();
  const [update] = tw.born;
  az.replica.receiveProgram(PROGRAM.digest, PROGRAM.body);
  for (const token of ['first', 'second']) az.replica.receive({ update: update!, token });
  await az.commit();
  assert.deepEqual(az.outcomes, ['first applied', 'second known']);
  assert.equal(az.commits[0]!.added.length, 1);
  assert.equal(az.store.foldDigest(), tw.store.foldDigest());
});

test('other content under a known dot is refused, and what is known stays', async (t) => {
  const [tw, az] = [new Bench(t, 'tw'), new Bench(t, 'az')];
  void tw.replica.write(batch([0]));
  await tw.commit();
  const update = tw.born[0]!;
  const other = sealUpdate(
    { ...update.header, wafer: { ...update.header.wafer, lot: 'L2' } },
    update.payload,
  );
  az.replica.receiveProgram(PROGRAM.digest, PROGRAM.body);
  az.replica.receive({ update, token: 'one' });
  az.replica.receive({ update: other, token: 'other' });
  await az.commit();
  assert.deepEqual(az.outcomes, ['one applied', 'other forked']);
  assert.deepEqual(az.store.log.get(update.header.dot)?.digest, Buffer.from(update.digest));
});

test('an update without its test program is held, and applied when the program comes', async (t) => {
  const [tw, az] = [new Bench(t, 'tw'), new Bench(t, 'az')];
  void tw.replica.write(batch([0]));
  await tw.commit();
  az.replica.receive({ update: tw.born[0]!, token: 'early' });
  await az.commit();
  assert.deepEqual(az.outcomes, ['early held']);
  assert.deepEqual(az.store.programs.missing(10), [PROGRAM.digest]);
  assert.ok(az.store.vectors.received.has(tw.born[0]!.header.dot));
  assert.ok(az.store.vectors.applied.isEmpty);
  az.replica.receiveProgram(PROGRAM.digest, PROGRAM.body);
  await az.commit();
  assert.equal(az.store.log.heldCount, 0);
  assert.deepEqual(
    az.commits.map(({ released }) => released.map(({ header }) => header.dot)),
    [[], [tw.born[0]!.header.dot]],
  );
  assert.ok(az.store.vectors.applied.has(tw.born[0]!.header.dot));
  assert.equal(az.store.foldDigest(), tw.store.foldDigest());
});

/** An update of a kind that this version does not know. */
function ofNewerKind({ fab, epoch, sequence }: Dot): Update {
  const message = { fab_id: fab, epoch: fromNumber(epoch), sequence: fromNumber(sequence), kind: 99 };
  const headerBytes = wafersync.v1.UpdateHeader.encode(message).finish();
  const payload = new Uint8Array();
  return openUpdate(headerBytes, payload, updateDigest(headerBytes, payload));
}

test('one update that cannot be applied is held, and those behind it are applied', async (t) => {
  const [tw, az] = [new Bench(t, 'tw'), new Bench(t, 'az')];
  void tw.replica.write(batch([0]));
  void tw.replica.write(batch([1]));
  await tw.commit();
  const [first, second] = tw.born;
  const rotten = sealUpdate(first!.header, Buffer.from('\u0001no payload at all'));
  const newer = ofNewerKind({ ...second!.header.dot, sequence: sequence(3) });
  az.replica.receiveProgram(PROGRAM.digest, PROGRAM.body);
  for (const [token, update] of Object.entries({ rotten, second: second!, newer }))
    az.replica.receive({ update, token });
  await az.commit();
  assert.deepEqual(az.outcomes, ['rotten held', 'second applied', 'newer held']);
  assert.deepEqual(
    az.store.log.held(10).map(({ reason }) => reason),
    ['fold', 'kind'],
  );
});

test('a program whose digest is wrong is refused', (t) => {
  const az = new Bench(t, 'az');
  assert.throws(
    () => az.replica.receiveProgram('00'.repeat(32) as typeof PROGRAM.digest, PROGRAM.body),
    (error) => error instanceof WafersyncError && error.code === 'damaged',
  );
});

test('writers wait while the queue is full, and go on after the commit', async (t) => {
  const tw = new Bench(t, 'tw', { maxQueueBytes: 1500 });
  const answers: number[] = [];
  const writes = [0, 1, 2, 3].map((index) =>
    tw.replica.write(batch([index], {}, 40)).then(() => answers.push(index)),
  );
  await tw.commit();
  assert.deepEqual(answers, [0]);
  for (let i = 0; i < 3; i++) await tw.commit();
  await Promise.all(writes);
  assert.deepEqual(answers, [0, 1, 2, 3]);
});

test('after close, what waited is stored and nothing more is taken', async (t) => {
  const tw = new Bench(t);
  const kept = tw.replica.write(batch([0]));
  await settle();
  tw.replica.close();
  assert.deepEqual(told(await kept), { added: 1, addedResults: 4, known: 0, updates: 1 });
  await assert.rejects(
    tw.replica.write(batch([1])),
    (error) => error instanceof WafersyncError && error.code === 'unavailable',
  );
  tw.replica.receive({ update: tw.born[0]!, token: 'late' });
  assert.equal(tw.failures.length, 1);
});

test('a full disk refuses the whole commit, and the next one works when there is room', async (t) => {
  const tw = new Bench(t);
  const real = tw.store.transaction.bind(tw.store);
  tw.store.transaction = () => {
    throw new WafersyncError('exhausted', 'the disk is full');
  };
  const refused = assert.rejects(
    tw.replica.write(batch([0])),
    (error) => error instanceof WafersyncError && error.code === 'exhausted',
  );
  tw.replica.receive({ update: await bornElsewhere(t), token: 'x' });
  await tw.commit();
  await refused;
  assert.equal(tw.failures.length, 1);
  assert.equal(tw.commits.length, 0);
  tw.store.transaction = real;
  const kept = tw.replica.write(batch([0]));
  await tw.commit();
  assert.deepEqual(told(await kept), { added: 1, addedResults: 4, known: 0, updates: 1 });
});

test('a commit that fails at its very end answers none of its writes with success, and keeps nothing', async (t) => {
  const tw = new Bench(t);
  const real = tw.store.transaction.bind(tw.store);
  tw.store.transaction = (work) =>
    real(() => {
      work();
      throw new WafersyncError('exhausted', 'the disk is full');
    });
  const writes = [0, 1].map((index) => tw.replica.write(batch([index])));
  const answers = Promise.allSettled(writes);
  await tw.commit();
  assert.deepEqual(
    (await answers).map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(tw.store.stats().updates, 0);
});

async function bornElsewhere(t: TestContext): Promise<Update> {
  const az = new Bench(t, 'az');
  void az.replica.write(batch([0]));
  await az.commit();
  return az.born[0]!;
}

test('whoever waits is answered, and every listener told, though one of them fails', async (t) => {
  const tw = new Bench(t);
  const told: string[] = [];
  const failing = new Error('a listener');
  tw.replica.commits.subscribe(() => {
    throw failing;
  });
  tw.replica.commits.subscribe(() => told.push('next'));
  let added = 0;
  void tw.replica.write(batch([0])).then((receipt) => {
    added = receipt.added;
  });
  await settle();
  assert.throws(() => tw.world.advance(5), failing);
  await settle();
  assert.equal(added, 1);
  assert.deepEqual([told, tw.commits.length, tw.store.stats().updates], [['next'], 1, 1]);
});

test('who follows what was committed is told of it, though who follows how it went fails', async (t) => {
  const tw = new Bench(t);
  const failing = new Error('a listener');
  tw.replica.outcomes.subscribe(() => {
    throw failing;
  });
  void tw.replica.write(batch([0]));
  await settle();
  assert.throws(() => tw.world.advance(5), failing);
  assert.deepEqual([tw.commits.length, tw.store.stats().updates], [1, 1]);
});

test('each commit tells what waited for it, when it began and how long it took', async (t) => {
  const tw = new Bench(t);
  const outcomes: CommitOutcome[] = [];
  tw.replica.outcomes.subscribe((outcome) => outcomes.push(outcome));
  const writes = [0, 1].map((index) => tw.replica.write(batch([index])));
  await settle();
  assert.deepEqual([tw.replica.waiting.jobs, tw.replica.waiting.bytes > 0, outcomes.length], [2, true, 0]);
  const real = tw.store.transaction.bind(tw.store);
  tw.store.transaction = (work) => {
    tw.world.now += 7;
    return real(work);
  };
  await tw.commit();
  await Promise.all(writes);
  assert.deepEqual(tw.replica.waiting, { jobs: 0, bytes: 0 });
  assert.deepEqual(outcomes[0]?.timing, { beganMs: tw.world.now - 7, tookMs: 7 });
  assert.equal(tw.replica.proveRoom(100), null);
  assert.equal(outcomes[1]?.timing, null, 'a try for room is no commit of a group');
});
