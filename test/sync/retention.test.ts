import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type FabId, fabId, type Origin } from '../../src/clocks/dot.ts';
import type { Replica } from '../../src/replica/replica.ts';
import { reportOf } from '../../src/sync/node-report.ts';
import { Retention } from '../../src/sync/retention.ts';
import type { Carrier } from '../../src/sync/sync-runner.ts';
import { MAX_PURGED_UPDATES } from '../../src/wafer/purge.ts';
import { batch } from '../replica/replica-fixture.ts';
import { DocumentFab } from '../support/document-bench.ts';
import { Journal } from '../support/grpc-client.ts';

const DAY_MS = 24 * 3600 * 1000;

/** tw and az, and the retention of tw, which knows by reports what az has applied. */
function retention(t: TestContext, { valuesDays = 0, members = ['tw', 'az'] } = {}) {
  const tw = new DocumentFab(t, 'tw');
  const az = new DocumentFab(t, 'az');
  const log = new Journal();
  const fabs: { members: readonly FabId[] } = { members: members.map(fabId) };
  const around: { suspected: Origin[]; clocks: Map<FabId, number> } = {
    suspected: [],
    clocks: new Map([[fabId('az'), -5_000]]),
  };
  const unit = new Retention({
    store: tw.store,
    replica: tw.bench.replica as unknown as Replica<Carrier>,
    members: () => fabs.members,
    reports: () => [reportOf(tw.store), reportOf(az.store)],
    suspected: () => around.suspected,
    clocks: () => around.clocks,
    maxClockDriftMs: 60_000,
    world: tw.bench.world,
    log,
    valuesDays,
  });
  t.after(() => unit.stop());
  return { tw, az, log, fabs, unit, around };
}

let made = 0;

async function results(fab: DocumentFab, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    void fab.bench.replica.write(batch([made++]));
    if (i % 64 === 63) await fab.bench.commit();
  }
  await fab.bench.commit();
}

/** Lets what takes several commits come to its end. */
async function ended<T>(fab: DocumentFab, work: Promise<T>): Promise<T> {
  let done = false;
  const end = () => {
    done = true;
  };
  work.then(end, end);
  while (!done) await fab.bench.commit();
  return work;
}

const KIM = { author: 'kim', reason: 'old' };

test('only what all members have applied is purged, and who blocks the rest is told', async (t) => {
  const { tw, az, unit } = retention(t);
  await results(tw, 3);
  await az.take(...tw.born);
  az.store.peers.saveReport({ origin: tw.store.origin, number: 1, ...tw.store.vectors });
  tw.store.peers.saveReport({ origin: az.store.origin, number: 1, ...az.store.vectors });
  tw.bench.world.advance(DAY_MS);
  await results(tw, 2);
  const plan = await ended(tw, unit.plan({ olderThanDays: 0 }));
  assert.deepEqual([plan.updates, plan.blocked], [3, 2]);
  assert.deepEqual(
    plan.blocks.map(({ fab, updates, oldestMs, heardAtMs }) => [fab, updates, oldestMs, heardAtMs]),
    [['az', 2, tw.bench.world.now - 5, tw.bench.world.now - DAY_MS - 10]],
  );
  assert.deepEqual(unit.view().last?.outlook, plan);
  assert.equal(
    (await ended(tw, unit.plan({ olderThanDays: 1 }))).blocked,
    0,
    'what is younger is not asked for',
  );
  const purged = await ended(tw, unit.purge({ olderThanDays: 0 }, KIM));
  assert.deepEqual(
    [purged.updates, purged.purges.length, purged.left.updates, purged.left.blocked],
    [3, 1, 0, 2],
  );
  const stubs = tw.born.filter(({ header }) => tw.store.log.get(header.dot)!.stubDigest);
  assert.deepEqual(stubs, tw.born.slice(0, 3));
  await az.take(...tw.born);
  assert.equal(az.store.foldDigest(), tw.store.foldDigest());
});

test('a member that nobody has heard of blocks everything, and members may come meanwhile', async (t) => {
  const { tw, az, fabs, unit } = retention(t, { members: ['tw', 'az', 'de'] });
  await results(tw, 2);
  await az.take(...tw.born);
  const purged = await ended(tw, unit.purge({ olderThanDays: 0 }, KIM));
  assert.deepEqual([purged.updates, purged.left.blocked], [0, 2]);
  assert.deepEqual(
    purged.left.blocks.map(({ fab, heardAtMs }) => [fab, heardAtMs]),
    [['de', null]],
  );
  fabs.members = ['tw', 'az'].map(fabId);
  const purging = unit.purge({ olderThanDays: 0 }, KIM);
  fabs.members = ['tw', 'az', 'de'].map(fabId);
  assert.equal((await ended(tw, purging)).updates, 0, 'who is a member is asked in the transaction itself');
  fabs.members = ['tw', 'az'].map(fabId);
  assert.equal((await ended(tw, unit.purge({ olderThanDays: 0 }, KIM))).updates, 2);
});

test('what one purge cannot name takes several', async (t) => {
  const { tw, unit } = retention(t, { members: ['tw'] });
  await results(tw, MAX_PURGED_UPDATES + 5);
  const purged = await ended(tw, unit.purge({ olderThanDays: 0 }, KIM));
  assert.deepEqual([purged.updates, purged.purges.length], [MAX_PURGED_UPDATES + 5, 2]);
  assert.deepEqual(
    tw.store.purges.list(9).map(({ updates, stubs }) => [updates, stubs]),
    [
      [5, 5],
      [MAX_PURGED_UPDATES, MAX_PURGED_UPDATES],
    ],
  );
  assert.deepEqual(tw.store.purges.totals(), { purges: 2, updates: MAX_PURGED_UPDATES + 5 });
  assert.equal(tw.store.rebuild().digest, tw.store.foldDigest());
});

test('once a day the values of what was born here go, and the log says what went and what blocks', async (t) => {
  const { tw, az, log, unit } = retention(t, { valuesDays: 30 });
  await results(tw, 1);
  await results(az, 1);
  await tw.take(...az.born);
  await az.take(...tw.born);
  unit.start();
  tw.bench.world.advance(60_000);
  await settleDaily(tw, log, 1);
  assert.equal(tw.store.purges.totals().purges, 0, 'nothing is old enough');
  await results(tw, 1);
  tw.bench.world.advance(31 * DAY_MS);
  await settleDaily(tw, log, 2);
  const [purge] = tw.store.purges.list(5);
  assert.deepEqual([purge?.updates, purge?.author, purge?.reason], [1, '', 'values are kept for 30 days']);
  const told = log.lines.map(({ level, event, fields }) => [level, event, fields.updates, fields.fab]);
  assert.deepEqual(told.slice(-3), [
    ['info', 'purge.applied', 1, undefined],
    ['info', 'purge.daily', 1, undefined],
    ['warn', 'purge.blocked', 1, 'az'],
  ]);
});

test('what a purge leaves free is used again: as much once more lets the database grow by its stubs alone', async (t) => {
  const { tw, unit } = retention(t, { members: ['tw'] });
  const fill = async () => {
    for (let i = 0; i < 100; i++) {
      void tw.bench.replica.write(batch([made++], {}, 20_000));
      if (i % 4 === 3) await tw.bench.commit();
    }
    await tw.bench.commit();
  };
  await fill();
  const first = tw.store.sizes.now();
  assert.ok(first.database > 4 * 2 ** 20, `${first.database} bytes were written`);
  await ended(tw, unit.purge({ olderThanDays: 0 }, KIM));
  const purged = tw.store.sizes.now();
  assert.ok(purged.free > 0.8 * first.database, `${purged.free} bytes of ${first.database} are free`);
  await fill();
  const again = tw.store.sizes.now();
  t.diagnostic(`${first.database} bytes, ${again.database} after a purge and as much again`);
  assert.ok(
    again.database < 1.1 * first.database,
    `the database grew from ${first.database} to ${again.database}`,
  );
  assert.ok(again.free < 0.2 * first.database);
});

async function settleDaily(fab: DocumentFab, log: Journal, times: number): Promise<void> {
  while (log.lines.filter(({ event }) => event === 'purge.daily').length < times) await fab.bench.commit();
}

test('by a clock that is ahead of another, or that nobody can compare, nothing old enough is purged', async (t) => {
  const { tw, az, unit, around } = retention(t);
  await results(tw, 1);
  await az.take(...tw.born);
  tw.bench.world.advance(2 * DAY_MS);
  const old = { olderThanDays: 1 };
  around.clocks = new Map([[fabId('az'), -61_000]]);
  await assert.rejects(ended(tw, unit.purge(old, KIM)), {
    code: 'precondition',
    message: /61 s ahead of that of az/,
  });
  around.clocks = new Map();
  await assert.rejects(ended(tw, unit.purge(old, KIM)), {
    code: 'precondition',
    hint: /another fab is connected/,
  });
  around.clocks = new Map([[fabId('az'), 3_600_000]]);
  assert.equal(
    (await ended(tw, unit.purge(old, KIM))).updates,
    1,
    'a clock that is behind makes results seem young',
  );
});

test('what may be forked is not purged: reports do not tell whose content all have', async (t) => {
  const { tw, az, unit, around } = retention(t);
  await results(tw, 1);
  await az.take(...tw.born);
  around.suspected = [tw.store.origin];
  assert.equal((await ended(tw, unit.purge({ olderThanDays: 0 }, KIM))).updates, 0);
  around.suspected = [];
  assert.equal((await ended(tw, unit.purge({ olderThanDays: 0 }, KIM))).updates, 1);
});

test('a purge that nobody waits for ends behind the commit under way', async (t) => {
  const { tw, az, unit } = retention(t);
  await results(tw, MAX_PURGED_UPDATES + 1);
  await az.take(...tw.born);
  const given = new AbortController();
  const purging = unit.purge({ olderThanDays: 0 }, KIM, given.signal);
  given.abort();
  await assert.rejects(ended(tw, purging), { code: 'cancelled' });
  assert.equal(tw.store.purges.totals().purges, 1);
});

test('a daily purge that fails is tried again within the hour', async (t) => {
  const { tw, az, unit, around, log } = retention(t, { valuesDays: 1 });
  await results(tw, 1);
  await az.take(...tw.born);
  tw.bench.world.advance(2 * DAY_MS);
  around.clocks = new Map();
  unit.start();
  tw.bench.world.advance(60_000);
  await log.line(({ event }) => event === 'purge.failed');
  around.clocks = new Map([[fabId('az'), 0]]);
  await tw.bench.commit();
  tw.bench.world.advance(3_600_000);
  await tw.bench.commit();
  assert.equal(tw.store.purges.totals().purges, 1);
});
