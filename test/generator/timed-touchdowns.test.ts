import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timedTouchdowns } from '../../src/generator/timed-touchdowns.ts';
import { touchdowns } from '../../src/generator/touchdowns.ts';
import { lotOf } from './lots.ts';

const lot = lotOf({ dies: 60, tests: 15, sites: 4, mprShare: 0.2, ftrShare: 0.2, oddFlags: 0.05 });
const timed = [...timedTouchdowns(lot, lot.wafers[0]!)];

test('every touchdown of the wafer is there, with all its results', () => {
  const plain = [...touchdowns(lot, lot.wafers[0]!)];
  assert.equal(timed.length, plain.length);
  for (const [i, touchdown] of timed.entries()) {
    assert.deepEqual(touchdown.attempts, plain[i]!.attempts);
    for (const attempt of touchdown.attempts) {
      const own = touchdown.results.filter((each) => each.attempt === attempt);
      assert.deepEqual(
        own.map(({ result }) => result),
        attempt.results,
      );
      assert.deepEqual(
        own.map(({ isLast }) => isLast),
        attempt.results.map((_, n) => n === attempt.results.length - 1),
      );
    }
  }
});

test('times grow, lie within the touchdown, and touchdowns follow one another', () => {
  let beforeMs = 0;
  for (const { startMs, endMs, results } of timed) {
    assert.ok(startMs >= beforeMs);
    let lastMs = startMs;
    for (const { atMs } of results) {
      assert.ok(atMs >= lastMs && atMs <= endMs);
      lastMs = atMs;
    }
    assert.equal(lastMs, endMs, 'it lasts as long as its slowest site');
    beforeMs = endMs;
  }
});

test('the sites work beside each other', () => {
  const wide = timed.find(({ attempts }) => attempts.length === 4)!;
  const sites = wide.results.map(({ attempt }) => attempt.site);
  const changes = sites.filter((site, i) => i > 0 && site !== sites[i - 1]).length;
  assert.ok(changes > wide.attempts.length, `${changes} changes of the site`);
});
