import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_BATCH_BYTES, WaferBatches } from '../../src/ingest/stdf/wafer-batches.ts';
import type { Attempt } from '../../src/wafer/attempt.ts';
import { ResultsBuilder } from '../../src/wafer/results-builder.ts';

function attempt(index: number, values = 0): Attempt {
  const builder = new ResultsBuilder();
  builder.result(0, 0, 0);
  for (let i = 0; i < values; i++) builder.value32(i);
  return { index, partId: '', results: builder.take() } as Attempt;
}

const given = (batches: Iterable<{ wafer: number; attempts: readonly Attempt[] }>) =>
  [...batches].map(({ wafer, attempts }) => [wafer, attempts.map(({ index }) => index)]);

test('at most 16 wafers have a batch begun; another one sends the oldest off', () => {
  const batches = new WaferBatches();
  for (let wafer = 0; wafer < 16; wafer++) assert.deepEqual(given(batches.add(wafer, attempt(wafer))), []);
  assert.deepEqual(given(batches.add(3, attempt(16))), []);
  assert.deepEqual(given(batches.add(99, attempt(17))), [[0, [0]]]);
  assert.deepEqual(given(batches.rest()).at(2), [3, [3, 16]]);
  assert.deepEqual(given(batches.rest()), []);
});

test('an attempt that would take a batch over its size begins another', () => {
  const batches = new WaferBatches();
  const values = Math.floor(MAX_BATCH_BYTES / 5) - 1000;
  assert.deepEqual(given(batches.add(0, attempt(0, 2000))), []);
  assert.deepEqual(given(batches.add(0, attempt(1, values))), [[0, [0]]]);
  assert.deepEqual(given(batches.add(0, attempt(2, 2 * values))), [
    [0, [1]],
    [0, [2]],
  ]);
  assert.deepEqual(given(batches.rest()), []);
});
