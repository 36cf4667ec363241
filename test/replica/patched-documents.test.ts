import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DocumentFab, exchange } from '../support/document-bench.ts';

test('an object that had been empty once is gone when it is removed', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  await tw.patch([['add', '/attributes/card', {}]]);
  await tw.patch([['add', '/attributes/card/id', 7]]);
  await tw.patch([['remove', '/attributes/card']]);
  assert.deepEqual(tw.document().attributes, {});
});

test('removing a member does not bring back the value that it and others hid', async (t) => {
  const [tw, az] = [new DocumentFab(t, 'tw'), new DocumentFab(t, 'az')];
  await az.patch([['add', '/attributes/card', { by: 'kim' }]]);
  tw.bench.world.advance(10);
  await tw.patch([['add', '/attributes/card', 'none']]);
  az.bench.world.advance(20);
  await az.patch([['add', '/attributes/card/id', 7]]);
  await exchange([tw, az]);
  assert.deepEqual(tw.document().attributes, { card: { by: 'kim', id: 7 } });
  await az.patch([['remove', '/attributes/card/id']]);
  await exchange([tw, az]);
  for (const fab of [tw, az]) {
    assert.deepEqual(fab.document().attributes, { card: { by: 'kim' } });
    assert.deepEqual(fab.standing(), []);
  }
});

test('an edit that tests a value within an array rests on the array', async (t) => {
  const [tw, az] = [new DocumentFab(t, 'tw'), new DocumentFab(t, 'az')];
  await tw.patch([['add', '/attributes/lots', ['A', 'B']]]);
  await exchange([tw, az]);
  await tw.patch([
    ['test', '/attributes/lots/0', 'A'],
    ['add', '/attributes/first', 'A'],
  ]);
  await az.patch([['replace', '/attributes/lots/0', 'C']]);
  await exchange([tw, az]);
  for (const fab of [tw, az]) {
    assert.deepEqual(fab.standing(), [
      'open guard /attributes/first: az /attributes/lots=["C","B"], tw /attributes/first="A"',
    ]);
  }
});

test('a document that is emptied is as it was before anybody wrote', async (t) => {
  const [tw, az] = [new DocumentFab(t, 'tw'), new DocumentFab(t, 'az')];
  const empty = tw.document();
  await tw.patch([['add', '/attributes/a', 1]]);
  await tw.patch([['replace', '', {}]]);
  await exchange([tw, az]);
  for (const fab of [tw, az]) assert.deepEqual(fab.document(), empty);
});
