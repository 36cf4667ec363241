import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attempt, openStore, origin, run, take, update } from './fixtures.ts';

const id = run('a');

/** `through` of attempts, each with its first and last sequence and its results. */
function through(
  t: Parameters<typeof openStore>[0],
  ...spans: [first: number, last: number, results: number][]
) {
  const store = openStore(t);
  const attempts = spans.map(([first, last, resultCount], i) =>
    attempt(first, { site: i, sequenceSpan: last - first, resultCount }),
  );
  take(store, update(origin('az'), 1, attempts));
  return store.attempts.through(id);
}

test('attempts behind one another are durable through the last', (t) => {
  assert.equal(through(t, [1, 10, 10], [11, 15, 5]), 15);
});

test('a hole ends what is durable from the start', (t) => {
  assert.equal(through(t, [1, 10, 10], [21, 30, 10]), 10);
  assert.equal(through(t, [2, 10, 9]), 0);
});

test('attempts of sites that take turns are durable once all of them are there', (t) => {
  assert.equal(through(t, [1, 19, 10], [2, 20, 10]), 20);
  assert.equal(through(t, [1, 19, 10]), 0);
  assert.equal(through(t, [1, 1, 1], [2, 20, 10], [21, 22, 2]), 1);
});

test('a run that is not known here is durable through nothing', (t) => {
  assert.equal(openStore(t).attempts.through(id), 0);
});
