import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { DamageWatch } from '../../src/replica/damage-watch.ts';
import { EventSource } from '../../src/replica/event-source.ts';
import { HeldWatch } from '../../src/replica/held-watch.ts';
import type { Update } from '../../src/wafer/update.ts';
import { quickFolder } from '../store/fixtures.ts';
import { DocumentFab, W1 } from '../support/document-bench.ts';
import { Journal } from '../support/grpc-client.ts';
import { ManualWorld } from '../support/manual-world.ts';
import { batch, PROGRAM } from './replica-fixture.ts';

/** az with what tw bore, of which one update's payload has rotted. */
async function rotten(t: Parameters<typeof quickFolder>[0]) {
  const file = join(quickFolder(t), 'az.db');
  const tw = new DocumentFab(t, 'tw');
  const az = new DocumentFab(t, 'az', new ManualWorld(), file);
  await tw.patch([['add', '/attributes/oven', 'O-7']]);
  await tw.patch([['add', '/attributes/lane', 3]]);
  await az.take(...tw.born);
  const log = new Journal();
  const watch = new DamageWatch({ replica: az.bench.replica, store: az.store, log });
  t.after(() => watch.stop());
  const db = new Database(file);
  db.exec("UPDATE update_log SET payload = zeroblob(length(payload)) WHERE sequence = 1 AND kind = 'edit'");
  db.close();
  return { tw, az, log };
}

const events = (log: Journal) => log.lines.map(({ event }) => event);

test('an update that is found damaged is marked in a commit of its own, and mended by the same from elsewhere', async (t) => {
  const { tw, az, log } = await rotten(t);
  const one = tw.born[0] as Update;
  assert.throws(() => az.store.documents.lastEdits(W1, 5), { code: 'damaged' });
  await az.bench.commit();
  assert.ok(!az.store.vectors.received.has(one.header.dot));
  assert.deepEqual(events(log), ['update.damaged']);
  await az.take(one);
  assert.deepEqual(az.bench.outcomes, [' repaired']);
  assert.deepEqual(events(log), ['update.damaged', 'update.repaired']);
  assert.equal(az.store.documents.lastEdits(W1, 5).length, 2);
  assert.equal(az.store.foldDigest(), tw.store.foldDigest());
});

test('a request that meets damage fails alone, and its commit goes on for the others', async (t) => {
  const { az } = await rotten(t);
  const meeting = az.bench.replica.edit((editor) => {
    az.store.documents.lastEdits(W1, 5);
    return editor.patch({ wafer: W1, author: 'kim', reason: '', expected: {} }, '[]', true);
  });
  const other = az.patch([['add', '/attributes/speed', 9]]);
  await assert.rejects(meeting, { code: 'damaged' });
  assert.notEqual((await other).dot, null);
});

test('an update that was held and damaged when its reason ended is applied once it has come again', async (t) => {
  const file = join(quickFolder(t), 'az.db');
  const tw = new DocumentFab(t, 'tw');
  const az = new DocumentFab(t, 'az', new ManualWorld(), file);
  const { replica, world } = az.bench;
  const watched = { replica, store: az.store, log: new Journal() };
  const damage = new DamageWatch(watched);
  const held = new HeldWatch({ ...watched, world, storage: new EventSource(), maxClockDriftMs: 60_000 });
  t.after(() => damage.stop());
  t.after(() => held.stop());
  void tw.bench.replica.write(batch([0]));
  await tw.bench.commit();
  const [one] = tw.born as [Update];
  az.bench.replica.receive({ update: one, token: '' });
  await az.bench.commit();
  const db = new Database(file);
  db.exec('UPDATE update_log SET payload = zeroblob(length(payload))');
  db.close();
  az.bench.replica.receiveProgram(PROGRAM.digest, PROGRAM.body);
  await az.bench.commit();
  await az.bench.commit();
  assert.ok(!az.store.vectors.received.has(one.header.dot), 'found when its program came');
  await az.take(one);
  await az.bench.commit();
  assert.equal(az.store.foldDigest(), tw.store.foldDigest());
});

test('a test program that is found damaged is marked, named, and mended by the same from elsewhere', async (t) => {
  const file = join(quickFolder(t), 'az.db');
  const az = new DocumentFab(t, 'az', new ManualWorld(), file);
  const log = new Journal();
  const watch = new DamageWatch({ replica: az.bench.replica, store: az.store, log });
  t.after(() => watch.stop());
  void az.bench.replica.write(batch([0]));
  await az.bench.commit();
  const db = new Database(file);
  db.exec('UPDATE programs SET body = zeroblob(length(body))');
  db.close();
  assert.equal(az.store.programs.get(PROGRAM.digest), null);
  await az.bench.commit();
  assert.deepEqual(events(log), ['program.damaged']);
  assert.deepEqual(az.store.programs.missing(10), [PROGRAM.digest]);
  az.bench.replica.receiveProgram(PROGRAM.digest, PROGRAM.body);
  await az.bench.commit();
  assert.deepEqual(az.store.programs.missing(10), []);
  assert.ok(az.store.programs.get(PROGRAM.digest));
});
