import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fabId } from '../../src/clocks/dot.ts';
import { silentLog } from '../../src/log.ts';
import { PolicyWatch } from '../../src/replica/policy-watch.ts';
import type { FieldPath } from '../../src/wafer/document/field.ts';
import { DocumentFab, equalFolds, exchange, MESH, W1 } from '../support/document-bench.ts';
import { batch, RECORD, RUN } from './replica-fixture.ts';

test('rules are replicated; what they choose follows them everywhere, whichever came first', async (t) => {
  const fabs = ['tw', 'az', 'de'].map((fab) => new DocumentFab(t, fab));
  const [tw, az, de] = fabs as [DocumentFab, DocumentFab, DocumentFab];
  const mesh = { wafer: { lot: '', waferId: '', insertion: '' } };
  await tw.patch([['replace', '/disposition', 'scrap']]);
  az.bench.world.advance(50);
  await az.patch([['replace', '/disposition', 'release']]);
  await exchange(fabs);
  assert.equal(de.document().disposition, 'release', 'the last writer');
  await de.patch([['add', '/policies/*/~1disposition', 'most-restrictive']], mesh);
  await exchange(fabs);
  for (const fab of fabs) {
    assert.equal(fab.document().disposition, 'scrap');
    assert.equal(fab.conflicts()[0]!.policy, 'most-restrictive');
    assert.equal(fab.store.documents.rules.version, 1);
  }
  equalFolds(fabs);
  await az.patch([['add', '/policies/chip', { '/disposition': 'manual' }]], mesh);
  await exchange(fabs);
  for (const fab of fabs) {
    assert.deepEqual(fab.store.documents.conflicts(W1), { open: 0, ruled: 1 }, 'the product is not known');
    assert.deepEqual([fab.store.conflicts.open, fab.store.conflicts.ruled], [0, 1]);
  }
  void tw.bench.replica.write(batch([0]));
  void tw.bench.replica.recordRun({ id: RUN, startedAtUs: 1 }, { ...RECORD, product: 'chip' });
  await tw.bench.commit();
  await exchange(fabs);
  for (const fab of fabs) {
    assert.deepEqual(fab.store.documents.conflicts(W1), { open: 1, ruled: 0 });
    assert.deepEqual([fab.store.conflicts.open, fab.store.conflicts.ruled], [1, 0]);
  }
  equalFolds(fabs);
  await assert.rejects(tw.patch([['add', '/policies/*/~1x', 'coin']], mesh), { code: 'invalid' });
});

test('rules of the configuration are as if written before all time, and a mesh that has rules gets none', async (t) => {
  const fabs = ['tw', 'az'].map((fab) => new DocumentFab(t, fab));
  const [tw, az] = fabs as [DocumentFab, DocumentFab];
  const rule = { field: '/disposition', product: '*', policy: 'most-restrictive' } as const;
  for (const fab of fabs) {
    void fab.bench.replica.seed((editor) => editor.seed([rule], 'tw'));
    await fab.bench.commit();
  }
  assert.equal(tw.born[0]!.header.timestamp, 0);
  await exchange(fabs);
  for (const fab of fabs) {
    assert.deepEqual(fab.conflicts(), [], 'the same rule from both is one');
    assert.equal(fab.store.documents.rules.of('/disposition' as FieldPath, '').policy, 'most-restrictive');
  }
  await az.patch([['replace', '/policies/*/~1disposition', 'manual']], { wafer: MESH });
  await exchange(fabs);
  void tw.bench.replica.seed((editor) => editor.seed([rule], 'tw'));
  await tw.bench.commit();
  assert.equal(tw.store.documents.rules.of('/disposition' as FieldPath, '').policy, 'manual');
  equalFolds(fabs);
});

test('a fab that writes by other rules is told of once', async (t) => {
  const fabs = ['tw', 'az'].map((fab) => new DocumentFab(t, fab));
  const [tw, az] = fabs as [DocumentFab, DocumentFab];
  const told: unknown[] = [];
  const log = { ...silentLog, warn: (event: string, fields?: object) => void told.push([event, fields]) };
  const watch = new PolicyWatch({ replica: tw.bench.replica, store: tw.store, log });
  await tw.patch([['add', '/policies/*/~1disposition', 'manual']], { wafer: MESH });
  for (const value of ['hold', 'release']) await az.patch([['replace', '/disposition', value]]);
  await tw.take(...az.born);
  assert.deepEqual(told, [['policy.differs', { peer: 'az', peer_version: 0, own_version: 1 }]]);
  await exchange(fabs);
  await az.patch([['replace', '/disposition', 'hold']]);
  await exchange(fabs);
  assert.equal(told.length, 1);
  assert.equal(watch.versionOf(fabId('az')), 1);
});
