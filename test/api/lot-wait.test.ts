import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { LotAnswer } from '../../src/api/lot-asker.ts';
import { waitForLot } from '../../src/api/lot-wait.ts';
import { fabId } from '../../src/clocks/dot.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { wafersync } from '../../src/gen/wafersync.js';
import type { Commit } from '../../src/replica/commit.ts';
import { EventSource } from '../../src/replica/event-source.ts';
import type { LotContent } from '../../src/store/lot-scan.ts';
import { AppliedMarks } from '../../src/sync/applied-marks.ts';
import type { PeerView } from '../../src/sync/events.ts';
import { LotBook } from '../../src/sync/lot-book.ts';
import type { Report } from '../../src/sync/report.ts';
import { fromNumber, toNumber } from '../../src/wire/long.ts';
import type { Message } from '../../src/wire/message.ts';
import { attempt, openStore, origin, record, run, runUpdate, take, update } from '../store/fixtures.ts';
import { StillWorld } from '../support/grpc-client.ts';

const { ConfirmedBy } = wafersync.v1;
const AZ = origin('az');
const [tw, az, de] = ['tw', 'az', 'de'].map(fabId) as [
  ReturnType<typeof fabId>,
  ReturnType<typeof fabId>,
  ReturnType<typeof fabId>,
];
const A = { id: run('a'), startedAtUs: 100 };
type Answers = Partial<Record<string, LotAnswer>>;

/** A node tw of a mesh with az and de, whose lot L1 is complete, and whose peers have all by their reports. */
function meshOf(t: TestContext) {
  const store = openStore(t);
  const world = new StillWorld();
  const commits = new EventSource<Commit<unknown>>();
  const changes = new EventSource<void>();
  const lots = new LotBook({ store, commits, world });
  take(
    store,
    update(AZ, 1, [attempt(0), attempt(1, { x: 1 })], { run: A }),
    runUpdate(AZ, 2, record({ attempts: 2 }), { run: A }),
  );
  const reports = new Map([az, de].map((fab) => [fab, store.vectors.received]));
  const report = (fab: typeof az, received: TransportVector): Report => ({
    ...{ node: { ...AZ, fab }, number: 1, received, held: TransportVector.empty },
  });
  const sync = {
    changes,
    peers: () => [view(az, true), view(de, false)],
    reports: () => [
      report(tw, store.vectors.received),
      ...[...reports].map(([fab, has]) => report(fab, has)),
    ],
  };
  const same = (): LotAnswer => {
    const { value } = store.lotScan.read('L1').next() as IteratorReturnResult<LotContent>;
    return { kind: 'answered', digest: value.digest, vector: value.applied };
  };
  const answers: Answers = {};
  const asked: string[] = [];
  const sources = {
    ...{ store, world, sync, lots, marks: new AppliedMarks() },
    membership: { members: () => [az, de, tw] },
    ask: async (fab: string) => {
      asked.push(fab);
      return answers[fab] ?? same();
    },
  };
  const changed = () => {
    commits.emit({ added: [], released: [], received: [], programs: [], refolded: [], housekept: [] });
    changes.emit();
  };
  return { store, world, sources, answers, asked, reports, changed, same };
}

/** A peer as operators see it. */
function view(peer: typeof az, up: boolean): PeerView {
  return {
    ...{ peer, outboundUp: up, inboundUp: false, liveFabs: [], behind: TransportVector.empty },
    ...{ rttMs: 0, lastError: '' },
  };
}

/** Waits by hand: each step lets time pass. */
function waiting(
  t: TestContext,
  mesh: ReturnType<typeof meshOf>,
  request: Message<'WaitForLotRequest'> = {},
) {
  const controller = new AbortController();
  t.after(() => controller.abort());
  const responses = waitForLot(mesh.sources, { lot: 'L1', ...request }, controller.signal);
  const seen: Message<'WaitForLotResponse'>[] = [];
  const done = (async () => {
    for await (const response of responses) seen.push(response);
    return seen.at(-1)?.receipt ?? null;
  })();
  const settle = async () => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  const step = async (ms: number) => {
    await settle();
    mesh.world.advance(ms);
    await settle();
  };
  return { seen, done, step, abort: () => controller.abort() };
}

test('a lot that is complete and equal is confirmed at once, and nothing is left behind', async (t) => {
  const mesh = meshOf(t);
  const { seen, done, step } = waiting(t, mesh);
  await step(0);
  const receipt = await done;
  assert.deepEqual([receipt?.confirmed, receipt?.missing, seen.length], [true, [], 1]);
  assert.deepEqual(mesh.asked, ['az', 'de']);
  assert.deepEqual(
    receipt?.fabs?.map(({ fab_id, confirmed_by }) => [fab_id, confirmed_by]),
    [
      ['az', ConfirmedBy.CONFIRMED_BY_DIGEST],
      ['de', ConfirmedBy.CONFIRMED_BY_DIGEST],
      ['tw', ConfirmedBy.CONFIRMED_BY_OWN],
    ],
  );
  assert.deepEqual(mesh.world.timers, []);
});

test('a fab with other content is never taken for equal, and is asked again by itself', async (t) => {
  const mesh = meshOf(t);
  const { vector } = mesh.same() as Extract<LotAnswer, { kind: 'answered' }>;
  mesh.answers.de = { kind: 'answered', digest: 'ff'.repeat(32), vector };
  const { done, step } = waiting(t, mesh);
  await step(100);
  assert.deepEqual(mesh.asked, ['az', 'de']);
  await step(800);
  assert.equal(mesh.asked.length, 2);
  await step(200);
  assert.equal(mesh.asked.length, 4);
  delete mesh.answers.de;
  await step(1_100);
  assert.equal((await done)?.confirmed, true);
});

test('when time is up, the receipt tells what is missing where', async (t) => {
  const mesh = meshOf(t);
  const { vector } = mesh.same() as Extract<LotAnswer, { kind: 'answered' }>;
  const more = vector.add({ ...AZ, sequence: 9 as never });
  mesh.answers.az = { kind: 'answered', digest: 'ee'.repeat(32), vector: more };
  mesh.answers.de = { kind: 'answered', digest: 'ff'.repeat(32), vector };
  const { done, step } = waiting(t, mesh);
  for (let i = 0; i < 70; i++) await step(1_000);
  const receipt = await done;
  assert.deepEqual(
    [receipt?.confirmed, receipt?.missing],
    [false, ['az: it has 1 update that is not here', 'de: it has other content under the same numbers']],
  );
  assert.equal(toNumber(receipt?.waited_ms), 60_000);
  assert.deepEqual(mesh.world.timers, []);
});

test('nobody is asked while something is known to be missing; what comes is looked at', async (t) => {
  const mesh = meshOf(t);
  mesh.reports.set(de, TransportVector.empty);
  const open = { ...A, id: run('b') };
  take(mesh.store, update(AZ, 3, [attempt(0)], { run: open }));
  const { seen, done, step } = waiting(t, mesh, { fab_ids: ['az'] });
  await step(100);
  assert.deepEqual(mesh.asked, []);
  assert.equal(toNumber(seen[0]?.progress?.incomplete_run_count), 1);
  take(mesh.store, runUpdate(AZ, 4, record({ attempts: 1 }), { run: open }));
  mesh.changed();
  await step(100);
  // Its run has ended; az is not known to have it yet.
  assert.deepEqual(mesh.asked, []);
  mesh.reports.set(az, mesh.store.vectors.received);
  mesh.changed();
  await step(100);
  const receipt = await done;
  assert.deepEqual([receipt?.confirmed, mesh.asked], [true, ['az']]);
});

test('what is missing is told as it changes, and at the end what a fab lacks and that it is not connected', async (t) => {
  const mesh = meshOf(t);
  mesh.reports.set(de, TransportVector.empty);
  const { seen, done, step } = waiting(t, mesh, { timeout_ms: fromNumber(5_000) });
  await step(100);
  mesh.changed();
  await step(100);
  assert.deepEqual(
    seen.map(({ missing }) => missing),
    [['de is not known to have 2 updates of it']],
    'nothing has changed',
  );
  mesh.reports.set(az, TransportVector.empty);
  mesh.changed();
  await step(100);
  assert.equal(seen.at(-1)?.missing?.length, 2);
  mesh.reports.set(az, mesh.store.vectors.received);
  mesh.changed();
  await step(5_000);
  const receipt = await done;
  assert.deepEqual(
    receipt?.fabs?.map(({ fab_id, missing_updates, reason }) => [
      fab_id,
      toNumber(missing_updates),
      reason ?? '',
    ]),
    [
      ['az', 0, 'it was not asked yet'],
      ['de', 2, 'it is waited for, and is not connected'],
      ['tw', 0, ''],
    ],
  );
});

test('of a lot that is not known here, those with similar names are told once', async (t) => {
  const mesh = meshOf(t);
  const { seen, step } = waiting(t, mesh, { lot: 'L2' });
  await step(100);
  mesh.changed();
  await step(100);
  assert.deepEqual(seen, [{ missing: ['nothing of lot L2 is known here yet'], similar_lots: ['L1'] }]);
});

test('a fab that cannot be asked is taken by its report, one that does not answer only where that is asked for', async (t) => {
  const mesh = meshOf(t);
  mesh.answers.az = { kind: 'unaskable', reason: 'old' };
  mesh.answers.de = { kind: 'silent', reason: 'away' };
  const strict = waiting(t, mesh);
  await strict.step(100);
  strict.abort();
  assert.equal(await strict.done, null);
  const { done, step } = waiting(t, mesh, { accept_reports: true });
  await step(100);
  const receipt = await done;
  assert.equal(receipt?.confirmed, true);
  assert.deepEqual(
    receipt?.fabs?.map(({ confirmed_by, reason }) => [confirmed_by, reason ?? '']),
    [
      [ConfirmedBy.CONFIRMED_BY_REPORT, 'taken by its report alone: old'],
      [ConfirmedBy.CONFIRMED_BY_REPORT, 'taken by its report alone: away'],
      [ConfirmedBy.CONFIRMED_BY_OWN, ''],
    ],
  );
});

test('what changes here while others are asked is not confirmed by what they said', async (t) => {
  const mesh = meshOf(t);
  const { ask } = mesh.sources;
  let added = false;
  mesh.sources.ask = async (fab: string) => {
    const answer = await ask(fab);
    if (!added) {
      added = true;
      take(
        mesh.store,
        update(AZ, 3, [attempt(0)], { wafer: { lot: 'L1', waferId: 'W7', insertion: '' }, run: A }),
      );
      mesh.reports.set(az, mesh.store.vectors.received).set(de, mesh.store.vectors.received);
      mesh.changed();
    }
    return answer;
  };
  const { seen, step } = waiting(t, mesh);
  await step(100);
  assert.ok(seen.length > 0 && seen.every(({ receipt }) => !receipt));
});
