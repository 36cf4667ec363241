import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fabId } from '../../src/clocks/dot.ts';
import { silentLog } from '../../src/log.ts';
import { Audit } from '../../src/sync/audit.ts';
import type { Paused } from '../../src/sync/neighbours.ts';
import { MAX_PAUSE_MS, PeerPauses, type PeerPausesOptions } from '../../src/sync/peer-pauses.ts';
import { Bench, settle } from '../replica/replica-fixture.ts';

const AZ = fabId('az');
const KIM = { author: 'kim', reason: 'the line is needed' };

function pausing(t: TestContext) {
  const bench = new Bench(t, 'tw');
  const { store, replica, world } = bench;
  const told: Paused[] = [];
  const audit = new Audit({ store, replica, log: silentLog } as unknown as ConstructorParameters<
    typeof Audit
  >[0]);
  const states = new Map(['tw', 'az', 'de'].map((fab) => [fab, 'member']));
  const options = {
    ...{ store, world, audit, log: silentLog },
    sync: { pause: (paused: Paused) => void told.push(paused) },
    membership: {
      stateOf: (fab: string) => states.get(fab) ?? null,
      fabs: () => [...states.keys()].map((fab) => ({ fab })),
    },
  } as unknown as PeerPausesOptions;
  const open = () => {
    const pauses = new PeerPauses(options);
    pauses.start();
    t.after(() => pauses.stop());
    return pauses;
  };
  const done = async <T>(act: Promise<T>): Promise<T> => {
    act.catch(() => {});
    await bench.commit();
    return act;
  };
  return { bench, open, told, done };
}

test('a pause lasts over a restart, is told, and ends by a word', async (t) => {
  const { bench, open, told, done } = pausing(t);
  const pauses = open();
  await done(pauses.pause(AZ, 'live', 0, KIM));
  pauses.stop();
  const later = open();
  const { lanes, author, reason, untilMs } = later.of(AZ)!;
  assert.deepEqual([lanes, author, reason, untilMs], ['live', 'kim', 'the line is needed', null]);
  await done(later.resume(AZ, { author: 'mia', reason: '' }));
  assert.deepEqual([later.of(AZ), told.map((paused) => paused.get(AZ)?.lanes)], [null, ['live', undefined]]);
  assert.deepEqual(
    bench.store.acts.list(null, 9).map(({ act, about, author }) => `${author} ${act} ${about}`),
    ['mia peer.resume az', 'kim peer.pause az'],
  );
  await assert.rejects(done(later.resume(AZ, KIM)), {
    code: 'precondition',
    message: 'az is not paused here',
  });
});

test('a pause with an end ends by itself, whether the clock was set or the node was down meanwhile', async (t) => {
  const { bench, open, done } = pausing(t);
  const pauses = open();
  await done(pauses.pause(AZ, 'all', 600_000, KIM));
  await done(pauses.pause(fabId('de'), 'all', 0, KIM));
  bench.world.advance(300_000);
  await bench.commit();
  assert.ok(pauses.of(AZ));
  // The clock is set; no timer knows.
  bench.world.now += 600_000;
  bench.world.advance(60_000);
  await bench.commit();
  await settle();
  assert.deepEqual([pauses.of(AZ), pauses.of(fabId('de'))?.lanes], [null, 'all']);
  const { act, author, reason } = bench.store.acts.list(null, 1)[0]!;
  assert.deepEqual([act, author, reason], ['peer.resume', '', 'its time is over']);

  await done(pauses.pause(AZ, 'catch-up', 1_000, KIM));
  pauses.stop();
  bench.world.advance(5_000);
  const later = open();
  bench.world.advance(1);
  await bench.commit();
  await settle();
  assert.equal(later.of(AZ), null);
});

test('who is no peer is not paused, nor for longer than a bound', async (t) => {
  const { open, done, bench } = pausing(t);
  const pauses = open();
  const refused = (fab: string, ms: number) => done(pauses.pause(fabId(fab), 'all', ms, KIM));
  await assert.rejects(refused('tw', 0), { code: 'precondition', message: /it is no peer of itself/ });
  await assert.rejects(refused('kr', 0), { code: 'not-found', hint: 'It has tw, az, de.' });
  await assert.rejects(refused('az', MAX_PAUSE_MS + 1), { code: 'invalid', hint: /30 days/ });
  assert.deepEqual(bench.store.acts.list(null, 9), []);
});
