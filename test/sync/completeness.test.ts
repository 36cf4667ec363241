import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  expectedAttempts,
  expectedOfWafer,
  neverTested,
  type RunFacts,
  runStateOf,
  sumOrNull,
} from '../../src/wafer/completeness.ts';
import type { RunId } from '../../src/wafer/run.ts';

const run = (part: Partial<RunFacts> & { ofWafer?: number } = {}) => ({
  ...{ id: 'a'.repeat(32) as RunId, source: 'file' as const, recorded: 10, ended: true, received: 10 },
  ofWafer: 4,
  ...part,
});

const UNRECORDED = run({ source: null, recorded: null, ended: false, received: 3 });
const BEGUN = run({ source: 'stream', recorded: 0, ended: false, received: 3 });
const ARRIVING = run({ received: 7 });
const CUT = run({ ended: false });

test('a run is complete where it ended as it should and all of it is here', () => {
  const states = [
    [run(), 'complete'],
    [UNRECORDED, 'open'],
    [BEGUN, 'open'],
    [run({ source: 'stream', recorded: 0, ended: false, received: 0 }), 'open'],
    // A tester that was cut off, and has come back since.
    [run({ source: 'stream', recorded: 5, ended: false, received: 6 }), 'open'],
    [run({ source: 'stream', recorded: 5, ended: false, received: 5 }), 'cut'],
    [CUT, 'cut'],
    [run({ ended: false, received: 7 }), 'arriving'],
    [ARRIVING, 'arriving'],
    [run({ recorded: 0, received: 0 }), 'complete'],
    [run({ recorded: 0, received: 0, ended: false }), 'cut'],
  ] as const;
  for (const [facts, state] of states) assert.equal(runStateOf(facts), state, JSON.stringify(facts));
});

test('what is expected is what records say, and not known while one run is open', () => {
  assert.equal(expectedAttempts([run(), ARRIVING, CUT]), 30);
  assert.equal(expectedAttempts([]), 0);
  for (const open of [UNRECORDED, BEGUN]) assert.equal(expectedAttempts([run(), open]), null);
});

test('of one wafer it is known where its runs have all they promise: what lacks may be of any wafer', () => {
  assert.equal(expectedOfWafer([run(), CUT]), 8);
  for (const lacking of [ARRIVING, UNRECORDED, BEGUN]) assert.equal(expectedOfWafer([run(), lacking]), null);
});

test('dies that were never tested are told where gross dies are said, and are never fewer than none', () => {
  assert.deepEqual([neverTested(null, 5), neverTested(10, 4), neverTested(3, 5)], [null, 6, 0]);
  assert.deepEqual([sumOrNull([1, 2]), sumOrNull([1, null]), sumOrNull([])], [3, null, 0]);
});
