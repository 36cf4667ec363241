import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WafersyncError } from '../../src/errors.ts';
import {
  PROBE_BYTES,
  PROBE_MAX_MS,
  PROBE_MIN_MS,
  type StorageEvent,
  StorageState,
} from '../../src/replica/storage-state.ts';

const FULL = new WafersyncError('exhausted', 'the disk is full', { hint: 'Free space.' });

const refused = (bytes: number, nowMs = 0, jobs = 1): StorageEvent => {
  return { type: 'refused', error: FULL, jobs, bytes, nowMs };
};
const committed = (bytes: number, nowMs = 0): StorageEvent => ({ type: 'committed', bytes, nowMs });

/** Types of the effects of a step. */
const types = (state: StorageState, event: StorageEvent) => state.step(event).map(({ type }) => type);

test('a sound storage makes no tries, whatever is committed', () => {
  const state = new StorageState();
  assert.deepEqual(state.step(committed(PROBE_BYTES)), []);
  assert.deepEqual(state.step({ type: 'probe-due' }), []);
  assert.equal(state.fault, null);
});

test('the first refusal begins the fault and sets one try; those that follow are counted', () => {
  const state = new StorageState();
  const fault = { error: FULL, sinceMs: 7, refused: 2 };
  assert.deepEqual(state.step(refused(500, 7, 2)), [
    { type: 'entered', fault },
    { type: 'probe-after', afterMs: PROBE_MIN_MS },
  ]);
  assert.deepEqual(state.step(refused(500, 9, 3)), []);
  assert.deepEqual(state.fault, { ...fault, refused: 5 });
});

test('the wait before a try doubles with each that fails, up to its bound, and begins anew with the next fault', () => {
  const state = new StorageState();
  const waits: number[] = [];
  const note = (event: StorageEvent) => {
    for (const effect of state.step(event)) if (effect.type === 'probe-after') waits.push(effect.afterMs);
  };
  note(refused(500));
  for (let i = 0; i < 6; i++) {
    assert.deepEqual(state.step({ type: 'probe-due' }), [{ type: 'probe' }]);
    note({ type: 'probe-failed' });
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, PROBE_MAX_MS, PROBE_MAX_MS]);
  state.step(committed(PROBE_BYTES));
  note(refused(500));
  assert.equal(waits.at(-1), PROBE_MIN_MS);
});

test('a commit as large as the smallest refused one ends the fault, a smaller one does not', () => {
  const state = new StorageState();
  state.step(refused(5000, 100));
  state.step(refused(300, 200));
  state.step(refused(9000, 300));
  assert.deepEqual(state.step(committed(299, 400)), []);
  assert.deepEqual(state.step(committed(300, 450)), [
    { type: 'cancel-probe' },
    { type: 'left', fault: { error: FULL, sinceMs: 100, refused: 3 }, lastedMs: 350 },
  ]);
  assert.equal(state.fault, null);
});

test('a try that succeeds ends the fault, even if what was refused was larger', () => {
  const state = new StorageState();
  state.step(refused(64 * PROBE_BYTES));
  assert.deepEqual(types(state, committed(PROBE_BYTES - 1)), []);
  assert.deepEqual(types(state, committed(PROBE_BYTES)), ['cancel-probe', 'left']);
});

test('a refusal without bytes is not ended by a commit without updates, and is forgotten with its fault', () => {
  const state = new StorageState();
  state.step(refused(0));
  assert.deepEqual(types(state, committed(0)), []);
  assert.deepEqual(types(state, committed(1)), ['cancel-probe', 'left']);
  state.step(refused(5000));
  assert.deepEqual(types(state, committed(1)), []);
});
