import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Dot, epoch, fabId, sequence } from '../../src/clocks/dot.ts';
import { timestampAt } from '../../src/clocks/hlc.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { VersionVector } from '../../src/clocks/version-vector.ts';
import type { ConflictRow } from '../../src/store/conflicts.ts';
import type { Edit, FieldWrite } from '../../src/wafer/document/edit.ts';
import type { FieldPath } from '../../src/wafer/document/field.ts';
import type { Update } from '../../src/wafer/update.ts';
import { encodeEdit } from '../../src/wire/edit.ts';
import { sealUpdate } from '../../src/wire/header.ts';
import { DocumentFab, exchange, MESH, W1 } from '../support/document-bench.ts';
import { batch, RECORD, RUN } from './replica-fixture.ts';

const LIFE = { fab: fabId('kr'), epoch: epoch(2 ** 40) };
const dot = (at: number): Dot => ({ ...LIFE, sequence: sequence(at) });

/** An edit as no node of this version writes it. */
function forged(fab: DocumentFab, at: number, part: Partial<Edit>, wafer = W1): Update {
  const edit: Edit = {
    ...{ author: '', reason: '', policyVersion: 0, writes: [], guards: [], seen: [], settlements: [] },
    attemptsSeen: TransportVector.empty,
    ...part,
  };
  const timestamp = timestampAt(fab.bench.world.nowMs());
  const header = {
    dot: dot(at),
    timestamp,
    kind: 'edit',
    wafer,
    version: 1,
    run: null,
    program: null,
  } as const;
  return sealUpdate(header, encodeEdit(edit));
}

function write(field: string, value: string | null, seen: readonly Dot[] = []): FieldWrite {
  return { field: field as FieldPath, value, context: VersionVector.of(seen), replaces: [] };
}

test('an edit over a bound fails alone: whoever shares its commit is stored', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  const operations = Array.from({ length: 2001 }, (_, i) => ({
    op: 'add',
    path: `/attributes/a${i}`,
    value: 1,
  }));
  const request = { wafer: W1, author: '', reason: '', expected: {} };
  const over = tw.bench.replica.edit((editor) => editor.patch(request, JSON.stringify(operations), true));
  const refused = assert.rejects(over, { code: 'invalid', message: /over the bound/ });
  const stored = tw.bench.replica.write(batch([0]));
  await tw.bench.commit();
  await refused;
  assert.equal((await stored).added, 1);
});

test('edits that break a rule which every node keeps are held, and those behind them are applied', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  const seen = { field: '/a' as FieldPath, context: VersionVector.empty };
  await tw.take(
    forged(tw, 1, { writes: [write('/b', '1')], seen: [seen, seen] }),
    forged(tw, 2, { writes: [write('/b', '{"c":1}')] }),
    forged(tw, 3, { writes: [write('/b', '1'), write('/b', '2')] }),
    forged(tw, 4, { writes: [write('/b', '1', [dot(9)])] }),
    forged(tw, 5, { writes: [write('/b', '['.repeat(5000) + ']'.repeat(5000))] }),
    forged(tw, 6, { writes: [write('/b', '"whole"')] }),
  );
  assert.deepEqual(
    tw.bench.outcomes.map((outcome) => outcome.trim()),
    ['held', 'held', 'held', 'held', 'held', 'applied'],
  );
  assert.deepEqual(
    tw.store.log.held(9).map(({ reason }) => reason),
    ['fold', 'fold', 'fold', 'fold', 'fold'],
  );
  assert.equal(tw.document().b, 'whole');
});

test('a rule whose pattern is none is passed over', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  await tw.take(forged(tw, 1, { writes: [write('/policies/*/abc', '"manual"')] }, MESH));
  await tw.patch([['replace', '/disposition', 'hold']]);
  assert.equal(tw.document().disposition, 'hold');
});

test('a settlement that names updates which are no writes of the field can still be told', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  void tw.bench.replica.write(batch([0]));
  void tw.bench.replica.recordRun({ id: RUN, startedAtUs: 1 }, RECORD);
  await tw.bench.commit();
  const dots = tw.born.map(({ header }) => header.dot);
  const settlements = [
    { kind: 'field', field: '/b' as FieldPath, dots },
    { kind: 'verdict', field: '/verdicts/a' as FieldPath, dots },
  ] as const;
  await tw.take(forged(tw, 1, { writes: [write('/b', '1')], settlements }));
  const members = tw.conflicts().map((conflict) => conflict.members.map(({ value, here }) => [value, here]));
  assert.deepEqual(members, [
    [
      [null, true],
      [null, true],
    ],
    [
      [null, true],
      [null, true],
    ],
  ]);
});

test('the product is named by the last writer, whatever rule it brings, and all fabs show the same', async (t) => {
  const fabs = ['tw', 'az', 'de'].map((fab) => new DocumentFab(t, fab));
  const [tw, az, de] = fabs as [DocumentFab, DocumentFab, DocumentFab];
  await tw.patch([['add', '/policies/chip', { '/product': 'home-fab-first' }]], { wafer: MESH });
  await tw.patch([['add', '/home_fab', 'tw']]);
  await tw.patch([['add', '/product', 'chip']]);
  az.bench.world.advance(5000);
  await az.patch([['add', '/product', 'dram']]);
  await az.take(...tw.born);
  await tw.take(...az.born);
  await de.take(...tw.born.slice(0, 2), ...az.born, tw.born[2]!);
  for (const fab of fabs) assert.equal(fab.document().product, 'dram');
  assert.equal(new Set(fabs.map(({ store }) => store.foldDigest())).size, 1);
});

test('a conflict that is settled by an object becomes its members', async (t) => {
  const fabs = ['tw', 'az'].map((fab) => new DocumentFab(t, fab));
  const [tw, az] = fabs as [DocumentFab, DocumentFab];
  await tw.patch([['add', '/attributes/oven', 'O-7']]);
  await az.patch([['add', '/attributes/oven', 'O-8']]);
  await exchange(fabs);
  await tw.resolve((tw.conflicts() as [ConflictRow])[0].id, { value: '{"name":"O-8","hours":3}' });
  await tw.patch([['add', '/attributes/oven/slot', 2]]);
  await exchange(fabs);
  for (const fab of fabs) {
    assert.deepEqual(fab.document().attributes, { oven: { name: 'O-8', hours: 3, slot: 2 } });
    assert.deepEqual(fab.standing(), []);
  }
});

test('saying that there are no holds does not speak against a shipment', async (t) => {
  const fabs = ['tw', 'az'].map((fab) => new DocumentFab(t, fab));
  const [tw, az] = fabs as [DocumentFab, DocumentFab];
  await tw.patch([['replace', '/holds', {}]]);
  await az.patch([['replace', '/disposition', 'ship']]);
  await exchange(fabs);
  for (const fab of fabs) assert.deepEqual(fab.standing(), []);
});

test('input that no document can hold is refused with what is wrong', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  await assert.rejects(tw.patch([['add', '/attributes/\ud800', 1]]), {
    code: 'invalid',
    message: /half a character/,
  });
  const deep = JSON.parse(`${'['.repeat(300)}${']'.repeat(300)}`);
  await assert.rejects(tw.patch([['add', '/attributes/x', deep]]), {
    code: 'invalid',
    message: /nested over 200 levels/,
  });
  await tw.patch([['add', '/attributes/x', `${'['.repeat(300)}"\\`]]);
  assert.equal(tw.store.documents.version(W1), 1);
});
