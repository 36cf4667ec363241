import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DocumentFab, equalFolds, exchange } from '../support/document-bench.ts';

test('two edits that rest on what the other wrote are two conflicts, and both are kept everywhere', async (t) => {
  const [tw, az] = [new DocumentFab(t, 'tw'), new DocumentFab(t, 'az')];
  for (const [fab, hold] of [[tw, 'H1'] as const, [az, 'H2'] as const]) {
    await fab.patch([
      ['test', '/holds', {}],
      ['replace', '/disposition', 'hold'],
      ['add', `/holds/${hold}`, 'probe card'],
    ]);
  }
  await exchange([tw, az]);
  for (const fab of [tw, az]) {
    assert.deepEqual(fab.document().holds, { H1: 'probe card', H2: 'probe card' });
    assert.deepEqual(fab.standing(), [
      'open guard /disposition: az /disposition="hold", az /holds/H2="probe card", tw /holds/H1="probe card"',
      'open guard /disposition: az /holds/H2="probe card", tw /disposition="hold", tw /holds/H1="probe card"',
    ]);
  }
  equalFolds([tw, az]);
});

test('a write below two guards of an edit objects once', async (t) => {
  const [tw, az] = [new DocumentFab(t, 'tw'), new DocumentFab(t, 'az')];
  await tw.patch([
    ['test', '/holds', {}],
    ['test', '/attributes', {}],
    ['test', '', tw.document()],
    ['replace', '/disposition', 'ship'],
  ]);
  await az.patch([['add', '/holds/H1', 'probe card']]);
  await exchange([tw, az]);
  for (const fab of [tw, az]) {
    assert.deepEqual(fab.standing(), [
      'open guard /disposition: az /holds/H1="probe card", tw /disposition="ship"',
    ]);
  }
  equalFolds([tw, az]);
});
