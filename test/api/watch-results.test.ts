import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { BacklogBounds } from '../../src/api/result-backlog.ts';
import { watchResults } from '../../src/api/watch-results.ts';
import { wafersync } from '../../src/gen/wafersync.js';
import { PART_FAILED } from '../../src/wafer/attempt.ts';
import type { RunId } from '../../src/wafer/run.ts';
import { toNumber } from '../../src/wire/long.ts';
import { Bench, batch, PROGRAM, RECORD, settle } from '../replica/replica-fixture.ts';

type Request = wafersync.v1.WatchResultsRequest.$Properties;
type Response = wafersync.v1.WatchResultsResponse.$Properties;

const { YieldView } = wafersync.v1;
const LATER = { id: 'b'.repeat(32) as RunId, startedAtUs: 1_700_000_000_000_001 };

/** A watch of a bench, told by hand. */
function watching(t: TestContext, bench: Bench, request: Request, backlog?: BacklogBounds) {
  const controller = new AbortController();
  const { store, world, replica } = bench;
  let listeners = 0;
  const commits: Parameters<typeof watchResults>[0]['commits'] = {
    subscribe: (listener) => {
      const unsubscribe = replica.commits.subscribe(listener);
      listeners++;
      return () => {
        listeners--;
        unsubscribe();
      };
    },
  };
  const options = { store, world, commits, ...(backlog ? { backlog } : {}) };
  const responses = watchResults(options, request, controller.signal);
  t.after(() => controller.abort());
  const next = async (): Promise<Response | null> => {
    const coming = responses.next();
    await settle();
    world.advance(50);
    const { value, done } = await coming;
    return done ? null : value;
  };
  return { next, abort: () => controller.abort(), listeners: () => listeners };
}

/** What a response says, in short. */
function brief(response: Response | null) {
  return {
    results: response?.results?.length ?? 0,
    attempts: toNumber(response?.attempts),
    attemptResults: toNumber(response?.attempt_results),
    missed: [toNumber(response?.missed_attempts), toNumber(response?.missed_results)],
    yields: (response?.yields ?? []).map(({ wafer, view, parts, passed, failed, yield: rate }) => ({
      wafer: wafer?.wafer_id,
      view,
      counts: [toNumber(parts), toNumber(passed), toNumber(failed)],
      rate,
    })),
  };
}

/** Attempts that failed. */
function failing(indexes: readonly number[], part = {}) {
  const made = batch(indexes, part);
  return { ...made, attempts: made.attempts.map((attempt) => ({ ...attempt, partFlags: PART_FAILED })) };
}

async function write(bench: Bench, ...batches: ReturnType<typeof batch>[]): Promise<void> {
  for (const each of batches) void bench.replica.write(each);
  await bench.commit();
}

const NOTHING = { results: 0, attempts: 0, attemptResults: 0, missed: [0, 0], yields: [] };

test('results are told as they are committed, and behind them the yield of their wafer', async (t) => {
  const tw = new Bench(t);
  const { next } = watching(t, tw, {});
  assert.deepEqual(brief(await next()), NOTHING);
  await write(tw, batch([0, 1]));
  const news = await next();
  assert.deepEqual(brief(news), { ...NOTHING, results: 8, attempts: 2, attemptResults: 8 });
  const [first] = news!.results!;
  assert.deepEqual(
    [first?.wafer_id, first?.die_x, first?.test_name, first?.fab_id, toNumber(first?.attempt_index)],
    ['W1', 0, 'test 0', 'tw', 0],
  );
  const { yields } = brief(await next());
  assert.deepEqual(yields, [{ wafer: 'W1', view: YieldView.YIELD_VIEW_LAST, counts: [2, 2, 0], rate: 1 }]);
  await write(tw, failing([0], { run: LATER }));
  assert.equal(brief(await next()).attempts, 1);
  assert.deepEqual(brief(await next()).yields[0], {
    ...{ wafer: 'W1', view: YieldView.YIELD_VIEW_LAST, counts: [2, 1, 1], rate: 0.5 },
  });
});

for (const [view, counts] of [
  ['YIELD_VIEW_LAST', [2, 1, 1]],
  ['YIELD_VIEW_FIRST', [2, 2, 0]],
  ['YIELD_VIEW_BEST', [2, 2, 0]],
  ['YIELD_VIEW_WORST', [2, 1, 1]],
  ['YIELD_VIEW_FLAGGED', [3, 2, 1]],
  ['YIELD_VIEW_RAW', [3, 2, 1]],
] as const) {
  test(`a watch begins with the yields of what is here, by the view that it asks for: ${view}`, async (t) => {
    const tw = new Bench(t);
    await write(
      tw,
      batch([0, 1]),
      failing([0], { run: LATER }),
      batch([0], { wafer: { lot: 'L2', waferId: 'W2', insertion: '' } }),
    );
    const { next } = watching(t, tw, { wafer_id: 'W1', view: YieldView[view] });
    const [one, ...others] = brief(await next()).yields;
    assert.deepEqual([one?.wafer, one?.view, one?.counts], ['W1', YieldView[view], counts]);
    assert.deepEqual(others, []);
  });
}

test('a yield of nothing judged is not a number', async (t) => {
  const tw = new Bench(t);
  const { next } = watching(t, tw, { lot: 'L1', summary: true });
  await next();
  const made = batch([0]);
  await write(tw, { ...made, attempts: made.attempts.map((attempt) => ({ ...attempt, partFlags: 0x10 })) });
  await next();
  assert.deepEqual(brief(await next()).yields[0], {
    ...{ wafer: 'W1', view: YieldView.YIELD_VIEW_LAST, counts: [1, 0, 0], rate: undefined },
  });
});

test('a watch tells what it asked for and nothing else', async (t) => {
  const tw = new Bench(t);
  const W2 = { lot: 'L2', waferId: 'W2', insertion: '' };
  const other = { id: 'c'.repeat(32) as RunId, startedAtUs: 3 };
  const watches = [
    { wafer_id: 'W2' },
    { lot: 'L2' },
    { equipment_id: 'T-2' },
    { lot: 'L2', equipment_id: 'T-1' },
  ].map((request) => watching(t, tw, { ...request, summary: true }));
  for (const { next } of watches) await next();
  void tw.replica.recordRun(LATER, { ...RECORD, equipmentId: 'T-2' });
  void tw.replica.recordRun(other, RECORD);
  await write(
    tw,
    batch([0], { run: other }),
    batch([1, 2], { run: LATER, wafer: W2 }),
    batch([3], { run: other, wafer: W2 }),
  );
  const told = [];
  for (const { next } of watches) {
    const first = brief(await next());
    const second = brief(await next());
    told.push([first.attempts, second.attempts]);
  }
  assert.deepEqual(told, [
    [2, 1],
    [2, 1],
    [2, 0],
    [1, 0],
  ]);
});

test('an attempt of many results is told in pages, and counted once', async (t) => {
  const tw = new Bench(t);
  const { next } = watching(t, tw, {});
  await next();
  await write(tw, batch([0], {}, 1500), batch([1], {}, 600));
  const pages = [brief(await next()), brief(await next()), brief(await next())];
  assert.deepEqual(
    pages.map(({ results, attempts, attemptResults }) => [results, attempts, attemptResults]),
    [
      [1000, 0, 0],
      [500, 1, 1500],
      [600, 1, 600],
    ],
  );
});

test('without results a watch tells their number', async (t) => {
  const tw = new Bench(t);
  const { next } = watching(t, tw, { summary: true });
  await next();
  await write(tw, batch([0, 1, 2]));
  assert.deepEqual(brief(await next()), { ...NOTHING, attempts: 3, attemptResults: 12 });
});

test('a watcher that is too slow is told how much it missed, and gets what comes then', async (t) => {
  const tw = new Bench(t);
  const { next } = watching(t, tw, { summary: true }, { updates: 2, bytes: 1e6 });
  await next();
  for (let i = 0; i < 5; i++) await write(tw, batch([i, 100 + i]));
  assert.equal(brief(await next()).attempts, 2);
  assert.equal(brief(await next()).attempts, 2);
  const { missed, yields } = brief(await next());
  assert.deepEqual(missed, [6, 24]);
  assert.deepEqual(yields[0]?.counts, [10, 10, 0]);
  await write(tw, batch([7]));
  assert.equal(brief(await next()).attempts, 1);
  assert.deepEqual(brief(await next()).missed, [0, 0]);
});

test('results from elsewhere are told as they are applied, held ones once they are', async (t) => {
  const [tw, az] = [new Bench(t, 'tw'), new Bench(t, 'az')];
  await write(tw, batch([0]));
  const { next } = watching(t, az, { summary: true });
  await next();
  az.replica.receive({ update: tw.born[0]!, token: 'early' });
  await az.commit();
  const coming = next();
  az.replica.receiveProgram(PROGRAM.digest, PROGRAM.body);
  await az.commit();
  assert.equal(brief(await coming).attempts, 1);
});

test('an attempt that two fabs brought is told once', async (t) => {
  const [tw, az] = [new Bench(t, 'tw'), new Bench(t, 'az')];
  await write(az, batch([0, 1]));
  const { next } = watching(t, az, { summary: true });
  await next();
  await write(tw, batch([1, 2]));
  az.replica.receive({ update: tw.born[0]!, token: 'again' });
  await az.commit();
  assert.equal(brief(await next()).attempts, 1);
});

test('a watch that is over ends, and leaves nothing behind', async (t) => {
  const tw = new Bench(t);
  const { next, abort, listeners } = watching(t, tw, { summary: true });
  await next();
  assert.equal(listeners(), 1);
  const last = next();
  abort();
  assert.equal(await last, null);
  assert.equal(listeners(), 0);
});

test('a view that is not known is refused', async (t) => {
  const tw = new Bench(t);
  const { next } = watching(t, tw, { view: 9 as never });
  await assert.rejects(next(), {
    ...{ code: 'invalid', message: 'view 9 is not known' },
    hint: /^Ask for YIELD_VIEW_LAST, .*YIELD_VIEW_FLAGGED, YIELD_VIEW_RAW\.$/,
  });
});
