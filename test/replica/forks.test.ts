import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { type Dot, type Origin, sameDot } from '../../src/clocks/dot.ts';
import { WafersyncError } from '../../src/errors.ts';
import { isStubPayload } from '../../src/wafer/payload/stub.ts';
import type { RunId } from '../../src/wafer/run.ts';
import { type Update, updateDigest } from '../../src/wafer/update.ts';
import { quickFolder } from '../store/fixtures.ts';
import { DocumentFab, W1 } from '../support/document-bench.ts';
import { ManualWorld } from '../support/manual-world.ts';
import { batch } from './replica-fixture.ts';

/** tw, the same database put back unseen as it was before its last writes, and az, which has everything of tw. */
async function putBack(t: TestContext) {
  const folder = quickFolder(t);
  const file = join(folder, 'tw.db');
  const tw = new DocumentFab(t, 'tw', new ManualWorld(), file);
  await tw.patch([['add', '/limits_revision', 'A']]);
  tw.store.checkpoint();
  const copy = join(quickFolder(t), 'tw.db');
  copyFileSync(file, copy);
  copyFileSync(`${file}.life`, `${copy}.life`);
  await write(tw, 'a', 'original');
  const az = new DocumentFab(t, 'az');
  await az.take(...tw.born);
  const world = new ManualWorld();
  world.advance(1_000);
  const back = new DocumentFab(t, 'tw', world, copy);
  assert.equal(back.store.renewal, null, 'nothing is noticed when it is opened');
  assert.deepEqual(back.store.origin, tw.store.origin);
  return { tw, az, back: Object.assign(back, { file: copy }), origin: tw.store.origin };
}

/** Results of a run, and two edits of which the second has seen the first. */
async function write(fab: DocumentFab, run: string, value: string): Promise<void> {
  void fab.bench.replica.write(batch([0, 1], { run: { id: run.repeat(32) as RunId, startedAtUs: 1 } }));
  await fab.bench.commit();
  await fab.patch([['add', '/attributes/oven', `${value} 1`]]);
  await fab.patch([['replace', '/attributes/oven', `${value} 2`]]);
}

/** Settles what differs, as the mesh does when it has found it. */
async function settle(fab: DocumentFab, origin: Origin, updates: readonly Update[]) {
  const settled = fab.bench.replica.forks.settle(origin, updates, '', null);
  await fab.bench.commit();
  return settled;
}

const of = (updates: readonly Update[], dot: Dot) => updates.find(({ header }) => sameDot(header.dot, dot))!;

test('a database that was put back unseen gives way to what it had told before, and issues again what it bore since', async (t) => {
  const { tw, az, back, origin } = await putBack(t);
  await write(back, 'b', 'back');
  const settled = await settle(back, origin, tw.born.slice(1));
  assert.equal(settled?.gaveWay, 3);
  assert.equal(settled.reissued, 3);
  assert.ok(settled.renewed && settled.renewed.epoch > origin.epoch);
  assert.deepEqual(back.store.origin, settled.renewed);
  assert.equal(back.store.forks.count, 3);
  const reissued = back.born.filter(({ header }) => header.dot.epoch === settled.renewed!.epoch);
  assert.equal(reissued.length, 3);
  await az.take(...reissued);
  assert.equal(back.store.foldDigest(), az.store.foldDigest());
  assert.equal(back.store.rebuild().digest, az.store.foldDigest());
  assert.equal(az.store.stats().attempts, 4, 'the results of both');
  // The writes of either were unaware of the other's: both values stand, and those that each had replaced do not.
  assert.deepEqual(az.standing(), [
    'ruled field /attributes/oven: tw /attributes/oven="back 2", tw /attributes/oven="original 2"',
  ]);
  assert.equal(az.document(W1).limits_revision, 'A');
});

test('what is settled once is not settled again, and equal updates are no fork', async (t) => {
  const { tw, back, origin } = await putBack(t);
  assert.equal(await settle(back, origin, tw.born), null, 'what is missing is pulled, and is no fork');
  await write(back, 'b', 'back');
  assert.notEqual(await settle(back, origin, tw.born.slice(1)), null);
  assert.equal(await settle(back, origin, tw.born.slice(1)), null);
});

test('a third fab that has the later branch gives way as well, whichever it had heard of first', async (t) => {
  const { tw, az, back, origin } = await putBack(t);
  await write(back, 'b', 'back');
  const branch = back.born.slice();
  const kr = new DocumentFab(t, 'kr');
  await kr.take(tw.born[0]!, ...branch);
  assert.equal(await settle(az, origin, branch), null, 'the earlier branch stays');
  const settled = await settle(kr, origin, tw.born.slice(1));
  assert.deepEqual(settled, { gaveWay: 3, reissued: 0, renewed: null });
  await settle(back, origin, tw.born.slice(1));
  const reissued = back.born.filter(({ header }) => header.dot.epoch !== origin.epoch);
  for (const fab of [az, kr]) await fab.take(...reissued);
  assert.equal(kr.store.foldDigest(), az.store.foldDigest());
  assert.equal(back.store.foldDigest(), az.store.foldDigest());
  assert.equal(kr.store.forks.count, 3, 'what gave way is kept');
});

test('what nobody can read stays aside, and stops nothing else', async (t) => {
  const { tw, back, origin } = await putBack(t);
  await write(back, 'b', 'back');
  const dot = back.born[1]!.header.dot;
  const sound = of(back.born, dot);
  const payload = Buffer.from([0x0f]);
  const poison = { ...sound, payload, digest: updateDigest(sound.headerBytes, payload) };
  back.store.transaction(() => {
    back.store.giveWay([dot]);
    back.store.log.append(poison);
    back.store.log.hold(dot, 'fold', 'poison');
  });
  const settled = await settle(back, origin, tw.born.slice(1));
  assert.equal(settled?.gaveWay, 3);
  assert.ok(settled.reissued >= 2);
});

test('a fenced node takes no writes, and takes what others bear', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  const az = new DocumentFab(t, 'az');
  await az.patch([['add', '/attributes/oven', 'O-7']]);
  tw.bench.replica.fence(new WafersyncError('precondition', 'another database of tw is running'));
  await assert.rejects(tw.bench.replica.write(batch([0])), { code: 'precondition' });
  await assert.rejects(tw.patch([['add', '/attributes/oven', 'O-8']]), { code: 'precondition' });
  await tw.take(...az.born);
  assert.deepEqual(tw.document().attributes, { oven: 'O-7' });
});

/** Purges the results that a fab bore in `write`; they are the second of its updates. */
async function purgeResults(fab: DocumentFab): Promise<Dot> {
  const { dot } = fab.born[1]!.header;
  void fab.bench.replica.purge(() => ({ author: 'kim', reason: 'old', termDays: 0, dots: [dot] }));
  await fab.bench.commit();
  assert.ok(fab.store.log.get(dot)?.stubDigest, 'it is a stub');
  return dot;
}

test('a stub takes its dot back from what another database bore under it', async (t) => {
  const { tw, az, back, origin } = await putBack(t);
  const dot = await purgeResults(tw);
  await az.take(tw.born.at(-1)!);
  await write(back, 'b', 'back');
  const [first, , ...others] = tw.born;
  const settled = await settle(back, origin, [az.store.log.get(dot)!, ...others]);
  assert.ok(first && settled && settled.reissued === 3);
  assert.ok(!back.store.vectors.applied.has(dot), 'its purge is still to come');
  await back.take(others.at(-1)!);
  await az.take(...back.born.filter(({ header }) => header.dot.epoch === settled.renewed!.epoch));
  assert.ok(back.store.log.get(dot)?.stubDigest);
  assert.equal(back.store.foldDigest(), az.store.foldDigest());
  assert.equal(back.store.rebuild().digest, az.store.foldDigest());
  assert.equal(az.store.stats().attempts, 4);
});

test('a stub that gives way is issued again with what it has, and its purge with it', async (t) => {
  const { tw, az, back, origin } = await putBack(t);
  const dot = await purgeResults(tw);
  await write(back, 'b', 'back');
  const others = back.born.filter((update) => update.header.dot.sequence > 1);
  const settled = await settle(tw, origin, others);
  assert.equal(settled?.gaveWay, 4);
  assert.equal(settled.reissued, 4);
  assert.equal(tw.store.log.get(dot)?.stubDigest, undefined, 'the purge does not mean what stands there now');
  const reissued = tw.born.filter(({ header }) => header.dot.epoch === settled.renewed!.epoch);
  assert.deepEqual(
    reissued.map(({ header }) => header.kind),
    ['results', 'edit', 'edit', 'purge'],
  );
  assert.ok(reissued[0] && isStubPayload(reissued[0].payload));
  const de = new DocumentFab(t, 'de');
  await de.take(...back.born, ...reissued, az.born[0] ?? tw.born[0]!);
  assert.equal(tw.store.foldDigest(), de.store.foldDigest());
  assert.equal(tw.store.rebuild().digest, de.store.foldDigest());
  assert.equal(de.store.stats().attempts, 4);
});

test('a purge that gives way is issued again by whoever carried it out', async (t) => {
  const { tw, az, back, origin } = await putBack(t);
  await write(az, 'c', 'az');
  await tw.take(...az.born);
  tw.bench.world.advance(60_000);
  const { dot } = az.born[0]!.header;
  void tw.bench.replica.purge(() => ({ author: 'kim', reason: 'old', termDays: 0, dots: [dot] }));
  await tw.bench.commit();
  const kr = new DocumentFab(t, 'kr');
  await kr.take(tw.born[0]!, ...az.born, tw.born.at(-1)!);
  assert.ok(kr.store.log.get(dot)?.stubDigest, 'kr carried it out');
  await write(back, 'b', 'back');
  await back.patch([['add', '/attributes/room', 'under the dot of the purge']]);
  const settled = await settle(kr, origin, [back.born.at(-1)!]);
  assert.deepEqual(settled, { gaveWay: 1, reissued: 1, renewed: null });
  assert.equal((await settle(kr, origin, [tw.born.at(-1)!]))?.reissued ?? 0, 0, 'once');
  await kr.take(...back.born);
  const de = new DocumentFab(t, 'de');
  await de.take(tw.born[0]!, ...back.born, ...az.born, ...kr.born);
  assert.ok(de.store.log.get(dot)?.stubDigest, 'and holds everywhere');
  for (const { store } of [kr, de]) assert.equal(store.rebuild().digest, de.store.foldDigest());
});

test('what is too much for one commit is issued again in several, and what an ended process left by the next', async (t) => {
  const { tw, back, origin } = await putBack(t);
  await write(back, 'b', 'back');
  const large = () => randomBytes(30_000).toString('hex');
  for (let n = 0; n < 300; n++) await back.patch([['add', '/attributes/large', large()]]);
  const commits = back.bench.commits.length;
  const settling = back.bench.replica.forks.settle(origin, tw.born.slice(1), '', null);
  let over = false;
  void settling.then(() => {
    over = true;
  });
  while (!over) await back.bench.commit();
  const { gaveWay, reissued } = (await settling)!;
  assert.deepEqual([gaveWay, reissued], [303, 303]);
  assert.ok(back.bench.commits.length - commits >= 2, 'more than one commit');
  const db = new Database(back.file);
  db.exec('UPDATE forked_updates SET reissued_origin = NULL WHERE id > 200');
  db.close();
  const resumed = back.bench.replica.forks.resume();
  await back.bench.commit();
  assert.equal(await resumed, 103);
});

test('a fork is settled though an update here is damaged, which is applied once it has come again', async (t) => {
  const { tw, az, back, origin } = await putBack(t);
  await write(back, 'b', 'back');
  const file = join(quickFolder(t), 'kr.db');
  const kr = new DocumentFab(t, 'kr', new ManualWorld(), file);
  await kr.take(tw.born[0]!, ...back.born);
  rot(kr, file, tw.born[0]!.header.dot);
  const settled = await settle(kr, origin, tw.born.slice(1));
  assert.equal(settled?.gaveWay, 3);
  assert.deepEqual(
    kr.store.log.held(9).map(({ reason }) => reason),
    ['fold'],
  );
  await settle(back, origin, tw.born.slice(1));
  const reissued = back.born.filter(({ header }) => header.dot.epoch !== origin.epoch);
  for (const fab of [az, kr]) await fab.take(...reissued);
  await kr.take(tw.born[0]!);
  const released = kr.bench.replica.retryHeld(['fold']);
  await kr.bench.commit();
  assert.equal(await released, 1);
  assert.equal(kr.store.foldDigest(), az.store.foldDigest());
  assert.equal(kr.store.rebuild().digest, az.store.foldDigest());
});

test('a rotten update that comes again as other content, of a fork nobody has found, is what the tables show then', async (t) => {
  const { tw, back } = await putBack(t);
  await write(back, 'b', 'back');
  const file = join(quickFolder(t), 'kr.db');
  const kr = new DocumentFab(t, 'kr', new ManualWorld(), file);
  await kr.take(tw.born[0]!, ...back.born);
  const results = tw.born[1]!;
  rot(kr, file, results.header.dot);
  const before = kr.store.foldDigest();
  await kr.take(results);
  assert.deepEqual(kr.bench.outcomes.slice(-1), [' repaired']);
  assert.notEqual(kr.store.foldDigest(), before);
  assert.equal(kr.store.rebuild().digest, kr.store.foldDigest());
});

/** An update rots, and is found damaged. */
function rot(fab: DocumentFab, file: string, dot: Dot): void {
  const db = new Database(file);
  db.prepare('UPDATE update_log SET payload = zeroblob(length(payload)) WHERE sequence = ?').run(
    dot.sequence,
  );
  db.close();
  fab.store.transaction(() => fab.store.log.markDamaged(dot));
}
