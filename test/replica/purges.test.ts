import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { type Dot, formatDot } from '../../src/clocks/dot.ts';
import { DamageWatch } from '../../src/replica/damage-watch.ts';
import { decodeAttemptTable } from '../../src/wafer/payload/decode.ts';
import { isStubPayload, stubPayload } from '../../src/wafer/payload/stub.ts';
import { MAX_PURGED_UPDATES } from '../../src/wafer/purge.ts';
import type { RunId } from '../../src/wafer/run.ts';
import { stubDigestOf, type Update } from '../../src/wafer/update.ts';
import { sealUpdate } from '../../src/wire/header.ts';
import { decodePurge, encodePurge } from '../../src/wire/purge.ts';
import { quickFolder } from '../store/fixtures.ts';
import { DocumentFab } from '../support/document-bench.ts';
import { Journal } from '../support/grpc-client.ts';
import { ManualWorld } from '../support/manual-world.ts';
import { batch, PROGRAM, RECORD, RUN } from './replica-fixture.ts';

const dotsOf = (updates: readonly Update[]): Dot[] => updates.map(({ header }) => header.dot);

async function results(fab: DocumentFab, indexes: readonly number[], run = 'a'): Promise<Update> {
  void fab.bench.replica.write(
    batch(indexes, { run: { id: run.repeat(32) as RunId, startedAtUs: 1_700_000_000_000_000 } }),
  );
  await fab.bench.commit();
  return fab.born.at(-1)!;
}

async function purge(fab: DocumentFab, dots: readonly Dot[], reason = 'old') {
  const purged = fab.bench.replica.purge(() => ({ author: 'kim', reason, termDays: 400, dots }));
  await fab.bench.commit();
  return purged;
}

/** How an update lies in a fab's log. */
function formOf({ store }: DocumentFab, dot: Dot): 'full' | 'stub' | 'held' | 'none' {
  const update = store.log.get(dot);
  if (!update) return 'none';
  if (!store.vectors.applied.has(dot)) return 'held';
  assert.equal(update.stubDigest !== undefined, isStubPayload(update.payload));
  return update.stubDigest ? 'stub' : 'full';
}

/** The folds are those of the log. */
function isWhole(fab: DocumentFab): string {
  const digest = fab.store.foldDigest();
  assert.equal(fab.store.rebuild().digest, digest);
  return digest;
}

/** tw with two updates of results, of which az has both. */
async function twoFabs(t: TestContext) {
  const tw = new DocumentFab(t, 'tw');
  const az = new DocumentFab(t, 'az');
  const one = await results(tw, [0, 1]);
  const two = await results(tw, [2, 3]);
  await az.take(one, two);
  return { tw, az, one, two };
}

test('a purge leaves stubs at every fab: values go, and what the tables say stays', async (t) => {
  const { tw, az, one, two } = await twoFabs(t);
  const attempts = tw.store.attempts.find(RUN, 1);
  const receipt = await purge(tw, [one.header.dot]);
  assert.equal(receipt.updates, 1);
  assert.ok(receipt.freedBytes > 0 && receipt.freedBytes < one.payload.length);
  await az.take(...tw.born);
  for (const fab of [tw, az]) {
    assert.equal(formOf(fab, one.header.dot), 'stub');
    assert.equal(formOf(fab, two.header.dot), 'full');
    assert.deepEqual(fab.store.log.digestOf(one.header.dot), one.digest, 'chains and forks go by it');
    assert.deepEqual(fab.store.attempts.find(RUN, 1), attempts);
    assert.equal(fab.store.stats().results, 16);
  }
  assert.deepEqual(az.store.log.get(one.header.dot), tw.store.log.get(one.header.dot));
  assert.equal(isWhole(az), isWhole(tw));
  const [told] = az.store.purges.list(10);
  assert.deepEqual(
    { ...told, timestamp: 0 },
    { dot: receipt.dot, timestamp: 0, author: 'kim', reason: 'old', termDays: 400, updates: 1, stubs: 1 },
  );
});

test('an update that comes behind its purge becomes a stub as it comes, in full or as a stub', async (t) => {
  const { tw, one, two } = await twoFabs(t);
  await purge(tw, dotsOf([one, two]));
  const de = new DocumentFab(t, 'de');
  await de.take(tw.born.at(-1)!);
  await de.take(one, tw.store.log.get(two.header.dot)!);
  for (const { header } of [one, two]) assert.equal(formOf(de, header.dot), 'stub');
  assert.equal(isWhole(de), isWhole(tw));
  await de.take(one);
  assert.deepEqual(de.bench.outcomes, [' known'], 'the same in full brings nothing back');
  assert.equal(formOf(de, one.header.dot), 'stub');
});

test('a stub is held until the purge comes that names it, and just it', async (t) => {
  const { tw, one } = await twoFabs(t);
  await purge(tw, [one.header.dot]);
  const stub = tw.store.log.get(one.header.dot)!;
  const de = new DocumentFab(t, 'de');
  await de.take(stub);
  assert.equal(formOf(de, one.header.dot), 'held');
  assert.equal(de.store.log.held(1)[0]?.reason, 'purge');
  await de.take(...tw.born);
  assert.equal(formOf(de, one.header.dot), 'stub');
  assert.equal(isWhole(de), isWhole(tw));
  const il = new DocumentFab(t, 'il');
  const payload = stubPayload(tw.born[1]!.payload);
  await il.take(tw.born.at(-1)!, {
    ...stub,
    payload,
    stubDigest: stubDigestOf(stub.digest, stub.headerBytes, payload),
  });
  assert.equal(formOf(il, one.header.dot), 'held', 'of other content than the purge says');
});

test('an update that is held when its purge comes becomes a stub once it is applied', async (t) => {
  const { tw, one } = await twoFabs(t);
  await purge(tw, [one.header.dot]);
  const de = new DocumentFab(t, 'de');
  for (const update of [one, tw.born.at(-1)!]) de.bench.replica.receive({ update, token: '' });
  await de.bench.commit();
  assert.equal(formOf(de, one.header.dot), 'held');
  assert.ok(!isStubPayload(de.store.log.get(one.header.dot)!.payload), 'what is held keeps its values');
  assert.equal((await purge(de, [one.header.dot])).dot, null, 'and cannot be purged');
  de.bench.replica.receiveProgram(PROGRAM.digest, PROGRAM.body);
  await de.bench.commit();
  assert.equal(formOf(de, one.header.dot), 'stub');
});

test('two fabs that purge the same unaware of each other come to the same', async (t) => {
  const { tw, az, one, two } = await twoFabs(t);
  await purge(tw, dotsOf([one, two]));
  await purge(az, dotsOf([one]), 'mine');
  await tw.take(...az.born);
  await az.take(...tw.born);
  assert.equal(isWhole(az), isWhole(tw));
  assert.equal((await purge(az, dotsOf([one, two]))).dot, null, 'what is purged is not purged again');
});

test('nothing but applied results that have their values is purged', async (t) => {
  const { tw, one } = await twoFabs(t);
  await tw.patch([['add', '/attributes/oven', 'O-7']]);
  void tw.bench.replica.recordRun({ id: RUN, startedAtUs: 1_700_000_000_000_000 }, RECORD);
  await tw.bench.commit();
  await purge(tw, [one.header.dot]);
  const nowhere = { ...one.header.dot, sequence: 99 as Dot['sequence'] };
  const others = tw.born.filter(({ header }) => header.kind !== 'results');
  assert.deepEqual(
    others.map(({ header }) => header.kind),
    ['edit', 'run', 'purge'],
  );
  assert.equal((await purge(tw, [...dotsOf(others), one.header.dot, nowhere])).dot, null);
});

test('what was purged and is handed in again adds nothing', async (t) => {
  const { tw, one } = await twoFabs(t);
  await purge(tw, [one.header.dot]);
  const again = tw.bench.replica.write(batch([0, 1, 2]));
  await tw.bench.commit();
  assert.deepEqual(await again, { added: 0, addedResults: 0, known: 3, dots: [] });
  assert.equal(formOf(tw, one.header.dot), 'stub');
});

test('a stub that rots is found, named and mended; so is what rotted before its purge came', async (t) => {
  const { tw, one, two } = await twoFabs(t);
  const file = join(quickFolder(t), 'de.db');
  const de = new DocumentFab(t, 'de', new ManualWorld(), file);
  const log = new Journal();
  const watch = new DamageWatch({ replica: de.bench.replica, store: de.store, log });
  t.after(() => watch.stop());
  await de.take(one, two);
  rot(file, two.header.dot);
  await purge(tw, dotsOf([one, two]));
  await de.take(tw.born.at(-1)!);
  await de.bench.commit();
  assert.equal(formOf(de, one.header.dot), 'stub');
  rot(file, one.header.dot);
  de.store.log.scan(0, Number.MAX_SAFE_INTEGER);
  await de.bench.commit();
  const damaged = log.lines
    .filter(({ event }) => event === 'update.damaged')
    .map(({ fields }) => fields.update);
  assert.deepEqual(damaged.sort(), dotsOf([one, two]).map(formatDot));
  await de.take(tw.store.log.get(one.header.dot)!, two);
  assert.deepEqual(de.bench.outcomes, [' repaired', ' repaired']);
  for (const { header } of [one, two]) assert.equal(formOf(de, header.dot), 'stub');
  assert.equal(isWhole(de), isWhole(tw));
});

function rot(file: string, dot: Dot): void {
  const db = new Database(file);
  db.prepare('UPDATE update_log SET payload = zeroblob(length(payload)) WHERE sequence = ?').run(
    dot.sequence,
  );
  db.close();
}

test('a purge binds to content: what another database bore under a dot that is purged keeps its values', async (t) => {
  const { tw, one } = await twoFabs(t);
  const other = new DocumentFab(t, 'tw');
  const { header, payload } = await results(other, [7], 'b');
  const forked = sealUpdate({ ...header, dot: one.header.dot }, payload);
  await purge(tw, [one.header.dot]);
  for (const order of ['purge first', 'purge last']) {
    const de = new DocumentFab(t, 'de');
    const updates = [tw.born.at(-1)!, forked];
    await de.take(...(order === 'purge first' ? updates : updates.toReversed()));
    assert.equal(de.store.purges.namedUnder(one.header.dot).length, 1);
    assert.equal(formOf(de, one.header.dot), 'full', order);
  }
});

test('a purge that names too much, or nothing, is refused; one that was read says what was written', () => {
  const stubDigest = new Uint8Array(32).fill(7);
  const origin = { fab: 'tw', epoch: 2 ** 40 } as unknown as Dot;
  const named = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({
      dot: { ...origin, sequence: (from + i) as Dot['sequence'] },
      stubDigest: stubDigest.map((byte) => byte ^ (i & 0xff)),
    }));
  const facts = { author: 'kim', reason: 'old', termDays: 3 };
  const written = { ...facts, purged: [...named(1, 3), ...named(9, MAX_PURGED_UPDATES - 3)] };
  assert.deepEqual(decodePurge(encodePurge(written)), written);
  assert.deepEqual(decodePurge(encodePurge({ ...facts, purged: written.purged.toReversed() })), written);
  for (const purged of [[], named(1, MAX_PURGED_UPDATES + 1)]) {
    assert.throws(() => encodePurge({ ...facts, purged }), { code: 'invalid' });
  }
  assert.throws(() => decodePurge(Uint8Array.of(255, 255)), { code: 'damaged' });
  assert.throws(() => decodePurge(new Uint8Array()), { code: 'invalid' });
});

test('attempts of a stub are read by those who rest on them', async (t) => {
  const { tw, one } = await twoFabs(t);
  await purge(tw, [one.header.dot]);
  assert.deepEqual(
    decodeAttemptTable(tw.store.log.get(one.header.dot)!.payload).map(({ index }) => index),
    [0, 1],
  );
  await tw.retire();
  assert.equal(isWhole(tw), tw.store.foldDigest());
});
