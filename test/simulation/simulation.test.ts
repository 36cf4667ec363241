import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeed } from './simulation.ts';

/** Seeds of each run of the tests; `npm run sim` runs as many as wanted. */
const SEEDS = 12;

const first = Number(process.env.WAFERSYNC_TEST_SEED ?? Date.now() % 1_000_000_000);

test(`whatever goes wrong, nothing acknowledged is lost and all fabs end alike: seeds ${first} to ${first + SEEDS - 1}`, async (t) => {
  for (let seed = first; seed < first + SEEDS; seed++) {
    const result = await runSeed(seed);
    t.diagnostic(`seed ${seed}: ${result.events} events, ${result.acknowledged} acknowledged`);
    assert.equal(result.failure, null, `replay it by: npm run sim -- --seed ${seed} --verbose`);
  }
});

test('a seed replayed is the same history', async () => {
  const trace = async () => {
    const lines: string[] = [];
    const result = await runSeed(7, { trace: (line) => lines.push(line) });
    return { lines, result };
  };
  assert.deepEqual(await trace(), await trace());
});
