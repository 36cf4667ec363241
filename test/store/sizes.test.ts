import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attempt, openStore, origin, take, update } from './fixtures.ts';

test('what is written waits in the write-ahead log until a checkpoint moves it', (t) => {
  const store = openStore(t);
  store.checkpoint();
  const before = store.sizes.now();
  assert.deepEqual([before.unmoved, before.free], [0, 0]);
  take(store, update(origin('az'), 1, [attempt(1)]));
  assert.ok(store.sizes.now().unmoved > 0);
  assert.ok(store.sizes.now().unmoved > 0, 'asking moves nothing');
  store.checkpoint();
  const after = store.sizes.now();
  assert.equal(after.unmoved, 0);
  assert.ok(after.database >= before.database && after.database % 4096 === 0);
});
