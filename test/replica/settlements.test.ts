import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ConflictRow } from '../../src/store/conflicts.ts';
import type { RunId } from '../../src/wafer/run.ts';
import { DocumentFab, equalFolds, exchange, MESH, W1 } from '../support/document-bench.ts';
import { batch, RECORD, RUN } from './replica-fixture.ts';

const RUN_B = 'b'.repeat(32) as RunId;

function two(t: TestContext): [DocumentFab, DocumentFab] {
  return [new DocumentFab(t, 'tw'), new DocumentFab(t, 'az')];
}

test('rules that come after a conflict change what stands, whatever it is about', async (t) => {
  const [tw, az] = two(t);
  const fails = batch([0]).attempts.map((attempt) => ({ ...attempt, partFlags: 8 }));
  void tw.bench.replica.write(batch([], { attempts: fails }));
  void tw.bench.replica.recordRun({ id: RUN, startedAtUs: 1 }, { ...RECORD, final: true });
  void az.bench.replica.write(batch([0], { run: { id: RUN_B, startedAtUs: 2 } }));
  void az.bench.replica.recordRun({ id: RUN_B, startedAtUs: 2 }, { ...RECORD, final: true });
  await tw.patch([['add', '/attributes/oven', 'O-7']]);
  await az.patch([['add', '/attributes/oven', { name: 'O-8' }]]);
  // At tw the rules come last, at az first.
  const de = new DocumentFab(t, 'de');
  const mesh = [
    ['add', '/policies/*/~1verdicts~1*', 'worst-bin'],
    ['add', '/policies/*/~1attributes~1**', 'manual'],
  ] as const;
  await de.patch(mesh, { wafer: MESH });
  await az.take(...de.born);
  await exchange([tw, az]);
  await tw.take(...de.born);
  for (const fab of [tw, az]) {
    assert.deepEqual(
      fab
        .conflicts()
        .map(({ kind, state, policy }) => `${kind} ${state} ${policy}`)
        .sort(),
      ['shape open manual', 'verdict ruled worst-bin'],
    );
  }
  equalFolds([tw, az]);
});

test('choosing against an edit that wrote more leaves the rest as it is, and ends the conflict', async (t) => {
  for (const decision of [{ choose: { fab: 'az', sequence: 1 } }, { value: '"scrap"' }]) {
    const [tw, az] = two(t);
    await tw.patch([
      ['replace', '/disposition', 'ship'],
      ['add', '/limits_revision', 'B'],
    ]);
    await az.patch([['add', '/holds/H1', { reason: 'scratch' }]]);
    await exchange([tw, az]);
    const [{ id }] = az.conflicts() as [ConflictRow];
    await az.resolve(id, decision);
    await exchange([tw, az]);
    for (const fab of [tw, az]) {
      assert.deepEqual(fab.standing(), []);
      assert.equal(fab.store.conflicts.get(id)!.state, 'settled');
      const { disposition, limits_revision } = fab.document();
      assert.deepEqual([disposition, limits_revision], ['value' in decision ? 'scrap' : 'hold', 'B']);
    }
    equalFolds([tw, az]);
  }
});

test('a shipment that took a hold away is in conflict with whoever keeps that hold unaware of it', async (t) => {
  const [tw, az] = two(t);
  await tw.patch([['add', '/holds/H1', { reason: 'scratch' }]]);
  await exchange([tw, az]);
  await tw.patch([
    ['replace', '/disposition', 'ship'],
    ['remove', '/holds/H1'],
  ]);
  await az.patch([['replace', '/holds/H1/reason', 'crack']]);
  await exchange([tw, az]);
  for (const fab of [tw, az])
    assert.ok(fab.standing().some((line) => line.startsWith('open guard /disposition')));
  equalFolds([tw, az]);
});

test('a dispute about the disposition is not settled by a shipment past a hold', async (t) => {
  const [tw, az] = two(t);
  await tw.patch([['replace', '/disposition', 'ship']]);
  await az.patch([['replace', '/disposition', 'release']]);
  await exchange([tw, az]);
  await az.patch([['add', '/holds/H1', { reason: 'scratch' }]]);
  const [conflict] = az.conflicts();
  const choice = az.resolve(conflict!.id, { choose: { fab: 'tw', sequence: 1 } });
  await assert.rejects(choice, { code: 'precondition', message: /hold H1 stands/ });
});

test('a retirement by patch rests on the attempts as well', async (t) => {
  const [tw, az] = two(t);
  void tw.bench.replica.write(batch([0]));
  await tw.bench.commit();
  await az.patch([['add', '/retired', true]]);
  await exchange([tw, az]);
  for (const fab of [tw, az])
    assert.deepEqual(fab.standing(), ['open guard /retired: az /retired=true, tw /attempts=null']);
});

test('what was written since a settlement is not overwritten by settling anew', async (t) => {
  const [tw, az] = two(t);
  await tw.patch([['add', '/limits_revision', 'B']]);
  await az.patch([['add', '/limits_revision', 'C']]);
  await exchange([tw, az]);
  const [{ id }] = tw.conflicts() as [ConflictRow];
  await tw.resolve(id, { choose: { fab: 'az', sequence: 1 } });
  await tw.patch([['replace', '/limits_revision', 'D']]);
  await assert.rejects(tw.resolve(id, { choose: { fab: 'tw', sequence: 1 } }), {
    code: 'conflict',
    message: /was written since .* tw wrote "D"/,
  });
  assert.equal(tw.document().limits_revision, 'D');
});

test('what is settled so already is not written again, whichever way it is said, and settling it otherwise is', async (t) => {
  const [tw, az] = two(t);
  await tw.patch([['add', '/limits_revision', 'B']]);
  await az.patch([['add', '/limits_revision', 'C']]);
  await exchange([tw, az]);
  const [{ id }] = tw.conflicts() as [ConflictRow];
  const [own, other] = [{ choose: { fab: 'tw', sequence: 1 } }, { choose: { fab: 'az', sequence: 1 } }];
  assert.notEqual((await tw.resolve(id, own)).dot, null, 'it shows the other value, and stands');
  const version = tw.store.documents.of(W1).version;
  for (const again of [own, { value: '"B"' }]) assert.equal((await tw.resolve(id, again)).dot, null);
  assert.equal(tw.store.documents.of(W1).version, version);
  assert.notEqual((await tw.resolve(id, other)).dot, null);
  assert.equal((await tw.resolve(id, other)).dot, null);
  assert.equal(tw.document().limits_revision, 'C');
  await exchange([tw, az]);
  assert.equal((await az.resolve(id, other)).dot, null, 'another fab knows as well');
});

test('a side of a conflict of shapes that was chosen already is not written again', async (t) => {
  const [tw, az] = two(t);
  await tw.patch([['add', '/attributes/oven', 'O-7']]);
  await az.patch([['add', '/attributes/oven', { name: 'O-8' }]]);
  await exchange([tw, az]);
  const [{ id }] = tw.conflicts() as [ConflictRow];
  const [value, members] = [{ choose: { fab: 'tw', sequence: 1 } }, { choose: { fab: 'az', sequence: 1 } }];
  assert.notEqual((await tw.resolve(id, value)).dot, null);
  assert.equal((await tw.resolve(id, value)).dot, null);
  assert.notEqual((await tw.resolve(id, members)).dot, null);
  assert.deepEqual(tw.document().attributes, { oven: { name: 'O-8' } });
});

test('the home fab is named by the last writer, whatever the rules say', async (t) => {
  const [tw, az] = two(t);
  await tw.patch([['add', '/policies/*/~1**', 'manual']], { wafer: MESH });
  await exchange([tw, az]);
  for (const fab of [tw, az]) await fab.patch([['add', '/home_fab', fab.store.origin.fab]]);
  await exchange([tw, az]);
  assert.deepEqual(
    tw.conflicts().map(({ state, policy }) => [state, policy]),
    [['ruled', 'last-writer-wins']],
  );
});

test('names of dies and runs are written one way', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  for (const path of [
    '/rebins/05,3',
    '/rebins/-0,3',
    '/rebins/5',
    `/final_runs/${RUN.toUpperCase()}`,
    '/final_runs/lot',
  ]) {
    const value = path.startsWith('/rebins') ? 3 : true;
    await assert.rejects(tw.patch([['add', path, value]]), {
      code: 'invalid',
      message: /names no (die|run)/,
    });
  }
  await tw.patch([
    ['add', '/rebins/0,-3', 3],
    ['add', `/final_runs/${RUN}`, true],
    ['add', '/corrected/wafer_id', 'W-01'],
  ]);
  assert.deepEqual(tw.store.waferNames.find({ waferId: 'W-01' }), [
    { lot: 'L1', waferId: 'W1', insertion: 'CP1' },
  ]);
});

test('an edit that rests on others is minded only as long as it stands, however many there were', async (t) => {
  const [tw, az] = two(t);
  for (let i = 0; i < 20; i++) {
    await tw.patch([
      ['test', '/disposition', 'none'],
      ['add', '/limits_revision', `${i}`],
    ]);
  }
  // The last first: those that it has replaced never stand.
  await az.take(...tw.born.toReversed());
  for (const fab of [tw, az]) {
    const { view } = fab.store.documents.of(W1);
    assert.deepEqual([view.guarded().length, view.grounds().length], [1, 1]);
  }
  equalFolds([tw, az]);
});
