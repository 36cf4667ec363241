import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunId } from '../../src/wafer/run.ts';
import { DocumentFab, MESH, W1 } from '../support/document-bench.ts';
import { batch, RECORD } from './replica-fixture.ts';

const A = { id: 'a'.repeat(32) as RunId, startedAtUs: 100 };
const B = { id: 'b'.repeat(32) as RunId, startedAtUs: 150 };

async function done(fab: DocumentFab, work: Promise<unknown>): Promise<void> {
  await fab.bench.commit();
  await work;
}

/** Whether two fabs that have the same updates hold the same. */
function assertAlike(a: DocumentFab, b: DocumentFab): void {
  assert.deepEqual(a.standing(), b.standing());
  assert.equal(a.store.foldDigest(), b.store.foldDigest());
}

test('a run whose start another fab tells differently gives the wafer its product in any order', async (t) => {
  const [tw, az, first, last] = ['tw', 'az', 'de', 'il'].map((id) => new DocumentFab(t, id));
  await tw!.patch([['add', '/policies/dram', { '/attributes/oven': 'manual' }]], { wafer: MESH });
  for (const [run, product] of [
    [A, 'chip'],
    [B, 'dram'],
  ] as const) {
    await done(tw!, tw!.bench.replica.write(batch([0], { run })));
    await done(tw!, tw!.bench.replica.recordRun(run, { ...RECORD, product }));
  }
  await tw!.patch([['add', '/attributes/oven', 1]]);
  // The smallest dot tells the start: another time zone at az makes B the first run.
  await done(az!, az!.bench.replica.write(batch([0], { run: { ...B, startedAtUs: 50 } })));
  const [results] = az!.born;
  await az!.patch([['add', '/attributes/oven', 2]]);
  await last!.take(...tw!.born, ...az!.born.slice(1), results!);
  await first!.take(...az!.born, ...tw!.born);
  assert.equal(last!.store.documents.product(W1), 'dram');
  assertAlike(last!, first!);
});

test('an attempt that belongs to another die by the update that counts takes its verdict along', async (t) => {
  const [tw, az, kr, first, last] = ['tw', 'az', 'kr', 'de', 'il'].map((id) => new DocumentFab(t, id));
  const [passes] = batch([0]).attempts;
  const fails = { ...passes!, partFlags: 8 };
  await done(kr!, kr!.bench.replica.write(batch([0], { run: B })));
  await done(kr!, kr!.bench.replica.recordRun(B, { ...RECORD, final: true }));
  await done(tw!, tw!.bench.replica.write(batch([], { run: A, attempts: [fails] })));
  await done(tw!, tw!.bench.replica.recordRun(A, { ...RECORD, final: true }));
  await done(az!, az!.bench.replica.write(batch([], { run: A, attempts: [{ ...fails, x: 5, y: 5 }] })));
  await last!.take(...kr!.born, ...tw!.born, ...az!.born);
  await first!.take(...az!.born, ...kr!.born, ...tw!.born);
  assert.deepEqual(last!.standing(), []);
  assertAlike(last!, first!);
});
