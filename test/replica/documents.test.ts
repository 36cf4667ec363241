import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConflictRow } from '../../src/store/conflicts.ts';
import type { RunId } from '../../src/wafer/run.ts';
import { DocumentFab, exchange, W1 } from '../support/document-bench.ts';
import { batch, RECORD, RUN } from './replica-fixture.ts';

function equalFolds(fabs: readonly DocumentFab[]): void {
  const [first, ...rest] = fabs.map(({ store }) => store.foldDigest());
  for (const digest of rest) assert.equal(digest, first);
  for (const { store } of fabs) assert.equal(store.rebuild().digest, first, 'a rebuild gives the same');
}

test('fields merge one by one, and an edit that has seen another takes its place', async (t) => {
  const [tw, az] = [new DocumentFab(t, 'tw'), new DocumentFab(t, 'az')];
  await tw.patch([
    ['replace', '/disposition', 'hold'],
    ['add', '/holds/H1', { reason: 'probe card', until: '2026-12-01' }],
  ]);
  await az.patch([['add', '/notes/N1', { text: 'edge die look odd' }]]);
  await exchange([tw, az]);
  for (const fab of [tw, az]) {
    assert.deepEqual(fab.document(), {
      ...{
        disposition: 'hold',
        rebins: {},
        ink_offs: {},
        tags: {},
        verdicts: {},
        final_runs: {},
        corrected: {},
        attributes: {},
      },
      holds: { H1: { reason: 'probe card', until: '2026-12-01' } },
      notes: { N1: { text: 'edge die look odd' } },
    });
    assert.equal(fab.store.documents.version(W1), 2);
    assert.deepEqual(fab.conflicts(), []);
  }
  await az.patch([
    ['test', '/disposition', 'hold'],
    ['replace', '/disposition', 'release'],
    ['remove', '/holds/H1'],
  ]);
  await exchange([tw, az]);
  assert.equal(tw.document().disposition, 'release');
  assert.deepEqual(tw.document().holds, {});
  assert.equal(tw.etag(), az.etag());
  equalFolds([tw, az]);
});

test('concurrent writes of a field stay as siblings until a write has seen them; the history is the same everywhere', async (t) => {
  const fabs = ['tw', 'az', 'de'].map((fab) => new DocumentFab(t, fab));
  const [tw, az, de] = fabs as [DocumentFab, DocumentFab, DocumentFab];
  await tw.patch([['add', '/limits_revision', 'B']], { author: 'lin' });
  az.bench.world.advance(10);
  await az.patch([['add', '/limits_revision', 'C']], { author: 'ana' });
  await exchange([tw, az]);
  const expected = ['ruled field /limits_revision: az /limits_revision="C", tw /limits_revision="B"'];
  assert.deepEqual(tw.standing(), expected);
  assert.deepEqual(az.standing(), expected);
  assert.equal(tw.document().limits_revision, 'C', 'the last writer is shown');
  assert.deepEqual(tw.store.documents.conflicts(W1), { open: 0, ruled: 1 });
  const [conflict] = tw.conflicts();
  assert.deepEqual(
    conflict!.members.map(({ author, chosen }) => [author, chosen]),
    [
      ['lin', false],
      ['ana', true],
    ],
  );
  await az.resolve(conflict!.id, { choose: { fab: 'tw', sequence: 1 } });
  // The settlement first, and only then what it settled.
  await de.take(az.born.at(-1)!);
  assert.equal(de.document().limits_revision, 'B');
  assert.equal(de.store.conflicts.get(conflict!.id)!.state, 'settled');
  assert.deepEqual(
    de.store.conflicts.get(conflict!.id)!.members.map(({ here }) => here),
    [false, false],
  );
  await exchange(fabs);
  for (const fab of fabs) {
    assert.deepEqual(fab.standing(), []);
    const row = fab.store.conflicts.get(conflict!.id)!;
    assert.deepEqual(
      [row.state, row.settlements.map(({ author, reason }) => [author, reason])],
      ['settled', [['pat', 'looked']]],
    );
    assert.deepEqual(row, tw.store.conflicts.get(conflict!.id), 'told alike');
    assert.equal(fab.document().limits_revision, 'B');
  }
  equalFolds(fabs);
  // Undo is a settlement of its own.
  await de.resolve(conflict!.id, { choose: { fab: 'az', sequence: 1 } });
  await exchange(fabs);
  for (const fab of fabs) assert.equal(fab.document().limits_revision, 'C');
  equalFolds(fabs);
});

test('equal concurrent values are no conflict', async (t) => {
  const fabs = ['tw', 'az'].map((fab) => new DocumentFab(t, fab));
  for (const fab of fabs) await fab.patch([['add', '/limits_revision', 'B']]);
  await exchange(fabs);
  for (const fab of fabs) assert.deepEqual(fab.conflicts(), []);
  equalFolds(fabs);
});

test('a shipment and a hold that did not know of each other are a conflict for a person; either can be confirmed', async (t) => {
  for (const choice of ['tw', 'az'] as const) {
    const fabs = ['tw', 'az'].map((fab) => new DocumentFab(t, fab));
    const [tw, az] = fabs as [DocumentFab, DocumentFab];
    // Whichever of them is the later.
    (choice === 'tw' ? az : tw).bench.world.advance(10);
    await tw.patch([['replace', '/disposition', 'ship']]);
    await az.patch([['add', '/holds/H2', { reason: 'scratch' }]]);
    await exchange(fabs);
    const expected = ['open guard /disposition: az /holds/H2/reason="scratch", tw /disposition="ship"'];
    for (const fab of fabs) assert.deepEqual(fab.standing(), expected);
    assert.deepEqual(az.store.documents.conflicts(W1), { open: 1, ruled: 0 });
    const [{ id }] = az.conflicts() as [ConflictRow];
    await az.resolve(id, { choose: { fab: choice, sequence: 1 } });
    await exchange(fabs);
    for (const fab of fabs) {
      assert.deepEqual(
        fab.conflicts().map((conflict) => conflict.id),
        [id],
      );
      assert.deepEqual(fab.standing(), []);
      assert.equal(fab.document().disposition, choice === 'tw' ? 'ship' : 'hold');
      assert.equal(fab.conflicts()[0]!.state, 'settled');
    }
    equalFolds(fabs);
  }
});

test('a hold that knows of the shipment is none, and a shipment does not go past a hold', async (t) => {
  const fabs = ['tw', 'az'].map((fab) => new DocumentFab(t, fab));
  const [tw, az] = fabs as [DocumentFab, DocumentFab];
  await tw.patch([['replace', '/disposition', 'ship']]);
  await exchange(fabs);
  await az.patch([['add', '/holds/H2', { reason: 'recall' }]]);
  await exchange(fabs);
  for (const fab of fabs) assert.deepEqual(fab.standing(), []);
  await assert.rejects(tw.patch([['replace', '/disposition', 'ship']]), {
    code: 'precondition',
    message: /hold H2/,
  });
});

test('a value against members at the same path is a conflict; settling leaves one of them', async (t) => {
  const fabs = ['tw', 'az'].map((fab) => new DocumentFab(t, fab));
  const [tw, az] = fabs as [DocumentFab, DocumentFab];
  await tw.patch([['add', '/attributes/oven', 'O-7']]);
  az.bench.world.advance(5);
  await az.patch([['add', '/attributes/oven', { name: 'O-8', hours: 3 }]]);
  await exchange(fabs);
  assert.deepEqual(tw.document().attributes, { oven: { name: 'O-8', hours: 3 } });
  assert.equal(tw.standing().length, 1);
  assert.match(tw.standing()[0]!, /^ruled shape \/attributes\/oven: /);
  await tw.resolve(tw.conflicts()[0]!.id, { choose: { fab: 'tw', sequence: 1 } });
  await exchange(fabs);
  for (const fab of fabs) {
    assert.deepEqual(fab.document().attributes, { oven: 'O-7' });
    assert.deepEqual(fab.standing(), []);
  }
  equalFolds(fabs);
});

test('a removed branch takes what it saw: a field added below it elsewhere stays', async (t) => {
  const fabs = ['tw', 'az'].map((fab) => new DocumentFab(t, fab));
  const [tw, az] = fabs as [DocumentFab, DocumentFab];
  await tw.patch([['add', '/attributes/oven', { name: 'O-8' }]]);
  await exchange(fabs);
  await tw.patch([['remove', '/attributes/oven']]);
  await az.patch([['add', '/attributes/oven/hours', 3]]);
  await exchange(fabs);
  for (const fab of fabs) {
    assert.deepEqual(fab.document().attributes, { oven: { hours: 3 } });
    assert.deepEqual(fab.standing(), []);
  }
  equalFolds(fabs);
});

test('what was expected is compared, and what changed is told', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  await tw.patch([['add', '/tags/urgent', true]]);
  const etag = tw.etag();
  await tw.patch([['replace', '/disposition', 'hold']], { version: 1, etag, author: 'lin' });
  await assert.rejects(tw.patch([['replace', '/disposition', 'release']], { version: 1 }), {
    code: 'conflict',
    message: /expected version 1, but the document is at version 2, .*tw \(lin\) wrote \/disposition/,
  });
  await assert.rejects(tw.patch([['replace', '/disposition', 'release']], { etag }), { code: 'conflict' });
  await assert.rejects(tw.patch([['test', '/disposition', 'none']]), {
    code: 'conflict',
    message: /operation 1 \(test \/disposition\) fails: the document has "hold" there/,
  });
  assert.equal(tw.document().disposition, 'hold');
  assert.equal(tw.store.documents.version(W1), 2);
});

test('a retirement rests on the attempts that it knew; those that did not know of it are a conflict', async (t) => {
  const fabs = ['tw', 'az'].map((fab) => new DocumentFab(t, fab));
  const [tw, az] = fabs as [DocumentFab, DocumentFab];
  void tw.bench.replica.write(batch([0, 1]));
  await tw.bench.commit();
  await exchange(fabs);
  await az.retire();
  void tw.bench.replica.write(batch([2]));
  await tw.bench.commit();
  await exchange(fabs);
  for (const fab of fabs) {
    assert.deepEqual(fab.standing(), ['open guard /retired: az /retired=true, tw /attempts=null']);
    assert.equal(fab.document().retired, true);
    assert.equal(fab.store.attempts.known(RUN, [0, 1, 2]).size, 3, 'nothing is lost');
  }
  equalFolds(fabs);
  // Confirmed: the attempt is known now, and one that comes later knows of it.
  await tw.resolve(tw.conflicts()[0]!.id, { choose: { fab: 'az', sequence: 1 } });
  await exchange(fabs);
  void tw.bench.replica.write(batch([3]));
  await tw.bench.commit();
  await exchange(fabs);
  for (const fab of fabs) {
    assert.deepEqual(fab.standing(), []);
    assert.equal(fab.document().retired, true);
  }
  equalFolds(fabs);
});

const RUN_B = 'b'.repeat(32) as RunId;

test('final verdicts that differ and did not know of each other are a conflict, and only those', async (t) => {
  for (const final of [false, true]) {
    const fabs = ['tw', 'az', 'de'].map((fab) => new DocumentFab(t, fab));
    const [tw, az, de] = fabs as [DocumentFab, DocumentFab, DocumentFab];
    const failed = batch([0, 1, 2]).attempts.map((attempt) => ({
      ...attempt,
      partFlags: attempt.index === 2 ? 0 : 8,
    }));
    void tw.bench.replica.write(batch([], { attempts: failed }));
    void tw.bench.replica.recordRun({ id: RUN, startedAtUs: 1 }, { ...RECORD, final });
    await tw.bench.commit();
    void az.bench.replica.write(batch([0, 1, 2], { run: { id: RUN_B, startedAtUs: 2 } }));
    void az.bench.replica.recordRun({ id: RUN_B, startedAtUs: 2 }, { ...RECORD, final });
    await az.bench.commit();
    await exchange(fabs);
    const expected = [0, 1].map(
      (x) => `open verdict /verdicts/${x},-1: az /verdicts/${x},-1="pass", tw /verdicts/${x},-1="fail"`,
    );
    for (const fab of fabs) assert.deepEqual(fab.standing(), final ? expected : []);
    equalFolds(fabs);
    if (!final) continue;
    // A person's verdict ends one of them, a final retest that knew both the other.
    const [first] = de.conflicts().filter(({ field }) => field === '/verdicts/0,-1');
    await de.resolve(first!.id, { choose: { fab: 'tw', sequence: 1 } });
    const RUN_C = 'c'.repeat(32) as RunId;
    void az.bench.replica.write(batch([1], { run: { id: RUN_C, startedAtUs: 3 } }));
    void az.bench.replica.recordRun({ id: RUN_C, startedAtUs: 3 }, { ...RECORD, final: true });
    await az.bench.commit();
    await exchange(fabs);
    for (const fab of fabs) {
      assert.deepEqual(fab.standing(), []);
      assert.deepEqual(fab.document().verdicts, { '0,-1': 'fail' });
      assert.equal(fab.store.conflicts.get(first!.id)!.state, 'settled');
    }
    equalFolds(fabs);
  }
});

test('a person can mark runs final; whoever had seen the other verdict when marking is no party to a conflict', async (t) => {
  for (const seen of [false, true]) {
    const fabs = ['tw', 'az'].map((fab) => new DocumentFab(t, fab));
    const [tw, az] = fabs as [DocumentFab, DocumentFab];
    const failed = batch([0]).attempts.map((attempt) => ({ ...attempt, partFlags: 8 }));
    void tw.bench.replica.write(batch([], { attempts: failed }));
    await tw.bench.commit();
    void az.bench.replica.write(batch([0], { run: { id: RUN_B, startedAtUs: 2 } }));
    await az.bench.commit();
    if (seen) await exchange(fabs);
    await tw.patch([['add', `/final_runs/${RUN}`, true]]);
    await az.patch([['add', `/final_runs/${RUN_B}`, true]]);
    await exchange(fabs);
    for (const fab of fabs) assert.equal(fab.standing().length, seen ? 0 : 1);
    equalFolds(fabs);
  }
});

test('a hold whose writer knew what had replaced a shipment is no conflict with it, even before that comes', async (t) => {
  const fabs = ['tw', 'az', 'de', 'il'].map((fab) => new DocumentFab(t, fab));
  const [tw, az, de, il] = fabs as [DocumentFab, DocumentFab, DocumentFab, DocumentFab];
  await tw.patch([['replace', '/disposition', 'ship']]);
  await az.take(...tw.born);
  await az.patch([['replace', '/disposition', 'release']]);
  await de.take(...az.born);
  await de.patch([['add', '/holds/H1', { reason: 'recall' }]]);
  await il.take(...tw.born, ...de.born);
  assert.deepEqual(il.standing(), []);
});

test('a name that stands for attempts is no field', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  await assert.rejects(tw.patch([['add', '/attempts', 3]]), {
    code: 'invalid',
    message: /stands for what was measured/,
  });
});

test('an update that brings a die twice, and a verdict that is taken back', async (t) => {
  const fabs = ['tw', 'az'].map((fab) => new DocumentFab(t, fab));
  const [tw, az] = fabs as [DocumentFab, DocumentFab];
  const final = { ...RECORD, final: true };
  void tw.bench.replica.recordRun({ id: RUN, startedAtUs: 1 }, final);
  void az.bench.replica.recordRun({ id: RUN_B, startedAtUs: 2 }, final);
  for (const fab of fabs) await fab.bench.commit();
  const die = (index: number, partFlags: number) => ({ ...batch([index]).attempts[0]!, x: 7, partFlags });
  void tw.bench.replica.write(batch([], { attempts: [die(0, 0), die(1, 8)] }));
  void az.bench.replica.write(
    batch([], { attempts: [die(0, 8), die(1, 0)], run: { id: RUN_B, startedAtUs: 2 } }),
  );
  for (const fab of fabs) await fab.bench.commit();
  await exchange(fabs);
  const expected = ['open verdict /verdicts/7,-1: az /verdicts/7,-1="pass", tw /verdicts/7,-1="fail"'];
  for (const fab of fabs) assert.deepEqual(fab.standing(), expected, 'the last of each run is its verdict');
  await tw.resolve(tw.conflicts()[0]!.id, { value: '"fail"' });
  await exchange(fabs);
  for (const fab of fabs) assert.deepEqual(fab.standing(), []);
  await az.patch([['remove', '/verdicts/7,-1']]);
  await exchange(fabs);
  for (const fab of fabs) assert.deepEqual(fab.standing(), expected);
  equalFolds(fabs);
});
