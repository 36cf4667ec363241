import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fabId } from '../../src/clocks/dot.ts';
import { timestampAt } from '../../src/clocks/hlc.ts';
import type { Commit } from '../../src/replica/commit.ts';
import { EventSource } from '../../src/replica/event-source.ts';
import type { ClockOffset } from '../../src/sync/clock-samples.ts';
import { PeerLags } from '../../src/sync/peer-lags.ts';
import type { Update } from '../../src/wafer/update.ts';
import { Journal } from '../support/grpc-client.ts';
import { ManualWorld } from '../support/manual-world.ts';
import { updateOf } from '../support/mesh-messages.ts';

const AZ = fabId('az');

function bench() {
  const world = new ManualWorld();
  const commits = new EventSource<Commit<unknown>>();
  const offsets = new Map<string, ClockOffset>();
  const clocks = { offsetOf: (fab: string) => offsets.get(fab) ?? null };
  const lags = new PeerLags({ self: fabId('tw'), commits, clocks, world, log: new Journal() });
  /** An update that was born so long ago by the clock of its fab. */
  const born = (fab: string, agoMs: number): Update => {
    const update = updateOf(fab, 1);
    return { ...update, header: { ...update.header, timestamp: timestampAt(world.nowMs() - agoMs) } };
  };
  const commit = (update: Update, how: 'applied' | 'held' | 'released' | 'own') => {
    const added = { update, token: how === 'own' ? null : {}, applied: how !== 'held' };
    const released = how === 'released';
    commits.emit({
      added: released ? [] : [added],
      released: released ? [update] : [],
      received: [],
      programs: [],
      refolded: [],
      housekept: [],
    });
  };
  return { world, lags, offsets, born, commit };
}

test('the lag is what passed since the birth, by this clock where the offset of the other is known', () => {
  const { world, lags, offsets, born, commit } = bench();
  assert.equal(lags.of(AZ), null);
  commit(born('az', 300), 'applied');
  assert.deepEqual(lags.of(AZ), { ms: 300, uncertaintyMs: null, atMs: world.nowMs() });
  offsets.set('az', { offsetMs: -5_000, uncertaintyMs: 20, samples: 3, measuredAtMs: 0 });
  commit(born('az', 5_300), 'applied');
  assert.deepEqual(lags.of(AZ), { ms: 300, uncertaintyMs: 20, atMs: world.nowMs() });
  offsets.set('az', { offsetMs: 5_000, uncertaintyMs: 20, samples: 3, measuredAtMs: 0 });
  commit(born('az', -4_700), 'applied');
  assert.equal(lags.of(AZ)?.ms, 300);
  commit(born('az', -9_000), 'applied');
  assert.equal(lags.of(AZ)?.ms, 0, 'never before it was born');
});

test('what is not visible yet has no lag, and what is born here neither', () => {
  const { lags, born, commit } = bench();
  commit(born('az', 300), 'held');
  commit(born('tw', 300), 'own');
  assert.deepEqual([lags.of(AZ), lags.of(fabId('tw'))], [null, null]);
  commit(born('az', 900), 'released');
  assert.equal(lags.of(AZ)?.ms, 900);
});
