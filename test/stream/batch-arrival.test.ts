import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamIntake } from '../../src/ingest/stream/stream-intake.ts';
import type { StreamResult } from '../../src/ingest/stream/stream-result.ts';
import { fakeNode, result } from './fake-node.ts';

const CALLER = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true };

/** A node whose clock ticks a second with each result. */
function tickingNode(traced?: boolean) {
  const { store, world, parts } = fakeNode();
  let nowMs = 0;
  world.nowMs = () => nowMs;
  const intake = new StreamIntake(
    { ...parts, ...(traced === undefined ? {} : { traced }) },
    { caller: CALLER },
  );
  return {
    store,
    world,
    intake,
    async take(each: StreamResult) {
      nowMs += 1000;
      await intake.take(each);
    },
  };
}

test('a batch says when the first result of it came, from which stream, and on whose behalf', async () => {
  const { store, intake, take } = tickingNode(true);
  // The die of site 1 ends first and began last.
  await take(result({ site: 0, x: 1 }));
  await take(result({ site: 1, x: 2 }));
  await take(result({ site: 1, x: 2, lastOfDie: true }));
  await take(result({ site: 0, x: 1, lastOfDie: true }));
  await intake.finish();
  const { equipmentId, streamId } = result();
  assert.deepEqual(
    store.batches.map(({ arrival }) => arrival),
    [{ arrivedMs: 1000, equipmentId, streamId, caller: CALLER }],
  );
});

test('of what waited together, each batch has the time of its own first result', async () => {
  const { store, world, intake, take } = tickingNode(true);
  await take(result({ x: 1, lastOfDie: true }));
  while (world.fire());
  await take(result({ x: 2 }));
  await take(result({ x: 2, lastOfDie: true }));
  await intake.finish();
  assert.deepEqual(
    store.batches.map(({ arrival }) => arrival?.arrivedMs),
    [1000, 2000],
  );
});

test('where nobody traces, batches say nothing of it, and no clock is read for them', async () => {
  const { store, world, intake, take } = tickingNode();
  await take(result({ x: 1 }));
  world.nowMs = () => assert.fail('the clock is read');
  await take(result({ x: 2, lastOfDie: true }));
  await intake.finish();
  assert.equal(store.batches.length, 1);
  assert.ok(store.batches.every((batch) => !('arrival' in batch)));
});
