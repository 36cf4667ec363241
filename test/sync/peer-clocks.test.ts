import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fabId } from '../../src/clocks/dot.ts';
import { PeerClocks } from '../../src/sync/peer-clocks.ts';
import { ManualWorld } from '../support/manual-world.ts';

test('the clocks of peers are known by their latest message, for an hour', () => {
  const world = new ManualWorld();
  const clocks = new PeerClocks(world);
  const [az, de] = ['az', 'de'].map(fabId) as [ReturnType<typeof fabId>, ReturnType<typeof fabId>];
  clocks.heard(az, 0);
  assert.equal(clocks.ahead().size, 0, 'it did not say');
  clocks.heard(az, (world.nowMs() - 90_000) * 1000);
  clocks.heard(de, (world.nowMs() + 5_000) * 1000);
  assert.deepEqual(
    [...clocks.ahead()],
    [
      [az, -90_000],
      [de, 5_000],
    ],
  );
  world.advance(3_600_000);
  clocks.heard(az, world.nowMs() * 1000);
  world.advance(1);
  assert.deepEqual([...clocks.ahead()], [[az, 0]]);
});
