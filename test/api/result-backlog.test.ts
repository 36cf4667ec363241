import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResultBacklog } from '../../src/api/result-backlog.ts';
import { encodeAttempts } from '../../src/wafer/payload/encode.ts';
import type { Update } from '../../src/wafer/update.ts';
import { batch } from '../replica/replica-fixture.ts';
import { modelUpdate } from '../support/mesh-replica.ts';

/** An update with so many attempts of four results each. */
function update(attempts: number): Update {
  const origin = { fab: 'tw', epoch: 1 } as never;
  const indexes = Array.from({ length: attempts }, (_, i) => i);
  return {
    ...modelUpdate({ ...(origin as object), sequence: 1 } as never, 0),
    payload: encodeAttempts(batch(indexes).attempts),
  };
}

test('updates come out in the order in which they came', async () => {
  const backlog = new ResultBacklog({ updates: 2, bytes: 1e6 });
  const [a, b] = [update(1), update(2)];
  backlog.push(a);
  backlog.push(b);
  await backlog.filled();
  assert.equal(backlog.shift(), a);
  assert.equal(backlog.shift(), b);
  assert.equal(backlog.shift(), undefined);
  assert.deepEqual(backlog.takeMissed(), { attempts: 0, results: 0 });
});

test('what is over the number of updates is counted and let go', async () => {
  const backlog = new ResultBacklog({ updates: 1, bytes: 1e6 });
  for (const attempts of [1, 2, 3]) backlog.push(update(attempts));
  assert.deepEqual(backlog.takeMissed(), { attempts: 5, results: 20 });
  assert.deepEqual(backlog.takeMissed(), { attempts: 0, results: 0 });
  backlog.shift();
  backlog.push(update(4));
  assert.deepEqual(backlog.takeMissed(), { attempts: 0, results: 0 });
});

test('what is over the bytes is counted and let go, and what was taken makes room', () => {
  const one = update(1);
  const backlog = new ResultBacklog({ updates: 9, bytes: one.payload.length });
  backlog.push(one);
  backlog.push(update(1));
  assert.deepEqual(backlog.takeMissed(), { attempts: 1, results: 4 });
  assert.equal(backlog.shift(), one);
  backlog.push(one);
  assert.equal(backlog.shift(), one);
});

test('who waits is woken by an update, by a miss and by a call', async () => {
  const backlog = new ResultBacklog({ updates: 0, bytes: 0 });
  const woken = backlog.filled();
  backlog.wake();
  await woken;
  const missed = backlog.filled();
  backlog.push(update(1));
  await missed;
  await backlog.filled();
});
