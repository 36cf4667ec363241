import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeed } from './simulation.ts';

/** Seeds that failed once, and what was wrong. They say it only as long as the simulator draws as it did then. */
const SEEDS: readonly (readonly [seed: number, faults: readonly string[] | undefined, was: string])[] = [
  [1, ['cut'], 'fabs that nobody could dial were never asked for what their live lanes had let go'],
  [3, ['snapshot-put-back', 'kill', 'island'], 'a fork was found by one of the two alone'],
  [8, ['clone', 'island'], 'reports of a copy outweighed those of its original'],
  [30_009, undefined, 'an update that nobody can read kept a fork from being settled'],
  [40_012, undefined, 'a copy and a lost disk in one mesh'],
];

for (const [seed, faults, was] of SEEDS) {
  test(`seed ${seed}: ${was}`, async () => {
    assert.equal((await runSeed(seed, { faults, purges: false })).failure, null);
  });
}
