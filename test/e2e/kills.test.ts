import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { KILL_WAYS } from '../processes/kill-ways.ts';
import { kills } from '../processes/kills.ts';

/** Each point once, and some twice. */
const KILLS = 12;
const BOUNDED = { timeout: 280_000 };

test(
  `kill -9, ${KILLS} times at named points under load: nothing acknowledged is lost, nothing is there twice, all fabs agree`,
  BOUNDED,
  async (t) => {
    const seed = Number(process.env.WAFERSYNC_TEST_SEED ?? randomInt(2 ** 31));
    t.diagnostic(`seed ${seed}: npm run kills -- --count ${KILLS} --seed ${seed}`);
    const report = await kills({ count: KILLS, seed });
    const met = new Set(report.kills.map(({ point }) => point));
    assert.deepEqual([...met].sort(), Object.keys(KILL_WAYS).sort(), 'every point was met');
    assert.deepEqual(report.losses, []);
    assert.deepEqual(report.faults, []);
    assert.ok(report.kills.every(({ falseConflicts }) => falseConflicts === 0));
    assert.ok(report.acknowledged > 10_000 && report.updates > 100, 'there was load');
    for (const point of met)
      t.diagnostic(`${report.kills.filter((kill) => kill.point === point).length} × ${point}`);
  },
);
