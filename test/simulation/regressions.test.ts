import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeed, type SeedOptions } from './simulation.ts';

/** Seeds that failed once, and what was wrong. They say it only as long as the simulator draws as it did then. */
const SEEDS: readonly (readonly [seed: number, options: SeedOptions, was: string])[] = [
  [
    1,
    { faults: ['cut'], purges: false },
    'fabs that nobody could dial were never asked for what their live lanes had let go',
  ],
  [
    3,
    { faults: ['snapshot-put-back', 'kill', 'island'], purges: false },
    'a fork was found by one of the two alone',
  ],
  [8, { faults: ['clone', 'island'], purges: false }, 'reports of a copy outweighed those of its original'],
  [30_009, { purges: false }, 'an update that nobody can read kept a fork from being settled'],
  [40_012, { purges: false }, 'a copy and a lost disk in one mesh'],
  [800_059, {}, 'a purge gave way to what its fab bore once it had lost it'],
  [800_169, {}, 'a copy renewed its epoch and forgot that a later life of its fab had been told of'],
  [740_011, {}, 'what an upgraded node could not apply, for its disk was full, stayed held'],
  [2_000_480, {}, 'a stub was given before its purge was anywhere else, and outlived it'],
  [4009800, {}, 'a process that was gone with its peer heard what that had sent last'],
  [4005749, {}, 'an edit that was lost unheard counted in the model beside what took its number'],
];

for (const [seed, options, was] of SEEDS) {
  test(`seed ${seed}: ${was}`, async () => {
    assert.equal((await runSeed(seed, options)).failure, null);
  });
}
