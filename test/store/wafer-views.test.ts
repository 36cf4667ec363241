import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { Connection, type Query, type Value } from '../../src/store/connection.ts';
import { CountingAttempts } from '../../src/store/counting-attempts.ts';
import type { Store } from '../../src/store/store.ts';
import { type AttemptSummary, PART_FAILED, PART_NO_PASS_FAIL } from '../../src/wafer/attempt.ts';
import { SUPERSEDES_ID } from '../../src/wafer/supersession.ts';
import { YIELD_VIEWS, type YieldView } from '../../src/wafer/views.ts';
import { attempt, openStore, origin, quickFolder, run, take, update, WAFER } from './fixtures.ts';

const PASSES = { partFlags: 0, hardBin: 1, softBin: 1 };
const fails = (bin: number) => ({ partFlags: PART_FAILED, hardBin: bin, softBin: 10 * bin });

/** A wafer of three runs. The one that began last came first, and has the least id. */
function retested(t: TestContext): Store {
  const store = openStore(t);
  const none = { x: null, y: null };
  const ran = (at: number, id: string, startedAtUs: number, attempts: AttemptSummary[]) =>
    update(origin('az'), at, attempts, { run: { id: run(id), startedAtUs } });
  take(
    store,
    ran(1, 'a', 30, [
      attempt(0, { x: 0, y: 0, ...fails(4) }),
      attempt(1, { x: 1, y: 0, ...PASSES }),
      attempt(2, { x: 2, y: 0, ...fails(4) }),
    ]),
    ran(2, 'b', 10, [
      attempt(0, { x: 0, y: 0, ...PASSES }),
      attempt(1, { x: 1, y: 0, ...fails(2) }),
      attempt(2, { x: 2, y: 0, ...fails(2) }),
      attempt(3, { x: 3, y: 0, ...PASSES }),
      attempt(4, { ...none, ...PASSES }),
      attempt(5, { ...none, ...fails(3) }),
    ]),
    ran(3, 'c', 20, [
      attempt(0, { x: 2, y: 0, ...fails(3) }),
      attempt(1, { x: 1, y: 0, partFlags: PART_NO_PASS_FAIL, hardBin: null, softBin: null }),
    ]),
  );
  return store;
}

for (const [view, yielded, hard, dies] of [
  ['last', [6, 3, 3], ['1×3', '3×1', '4×2'], ['a0 fails', 'a1 passes', 'a2 fails', 'b3 passes']],
  ['first', [6, 3, 3], ['1×3', '2×2', '3×1'], ['b0 passes', 'b1 fails', 'b2 fails', 'b3 passes']],
  ['best', [6, 4, 2], ['1×4', '3×1', '4×1'], ['b0 passes', 'a1 passes', 'a2 fails', 'b3 passes']],
  ['worst', [6, 2, 4], ['1×2', '2×1', '3×1', '4×2'], ['a0 fails', 'b1 fails', 'a2 fails', 'b3 passes']],
] as const) {
  test(`a wafer tested again in two more runs, by the view "${view}"`, (t) => {
    const { yields } = retested(t);
    const { parts, passed, failed } = yields.of(WAFER, view);
    assert.deepEqual([parts, passed, failed], yielded);
    assert.deepEqual(
      yields.bins(WAFER, view).hard.map(({ bin, parts }) => `${bin}×${parts}`),
      hard,
    );
    const shown = yields.dies(WAFER, view);
    assert.deepEqual(
      shown.map(({ run, index, passed }) => `${run[0]}${index} ${passed ? 'passes' : 'fails'}`),
      dies,
    );
    assert.deepEqual(
      shown.map(({ x, y, attempts }) => [x, y, attempts]),
      [
        [0, 0, 2],
        [1, 0, 3],
        [2, 0, 3],
        [3, 0, 1],
      ],
    );
  });
}

test('all attempts count where no flag supersedes any, and bins know those that have none', (t) => {
  const { yields } = retested(t);
  for (const view of ['raw', 'flagged'] as const) {
    assert.deepEqual(yields.of(WAFER, view), { parts: 11, passed: 4, failed: 6 });
    assert.deepEqual(yields.bins(WAFER, view).soft.at(-1), { bin: null, parts: 1 });
    assert.equal(yields.dies(WAFER, view).length, 9);
  }
});

test('a flag ends the attempts of the same part id in earlier runs, at whatever place they are', (t) => {
  const store = openStore(t);
  const ran = (at: number, id: string, startedAtUs: number, attempts: AttemptSummary[]) =>
    update(origin('az'), at, attempts, { run: { id: run(id), startedAtUs } });
  take(
    store,
    ran(1, 'b', 2, [attempt(0, { x: 1, y: 1, partId: 'p', partFlags: SUPERSEDES_ID })]),
    ran(2, 'a', 1, [attempt(0, { x: 0, y: 0, partId: 'p', ...fails(2) }), attempt(1, { x: 0, y: 1 })]),
    ran(3, 'c', 3, [attempt(0, { x: null, y: null, partId: 'p', ...fails(2) })]),
  );
  assert.deepEqual(store.yields.of(WAFER, 'flagged'), { parts: 3, passed: 2, failed: 1 });
  assert.deepEqual(
    store.yields.dies(WAFER, 'flagged').map(({ x, y }) => [x, y]),
    [
      [0, 1],
      [1, 1],
    ],
  );
});

/** One wafer at two insertions, the second of them in two runs; and another wafer of the lot. */
function severalInsertions(t: TestContext): Store {
  const store = openStore(t);
  const ran = (at: number, insertion: string, attempts: AttemptSummary[], waferId = WAFER.waferId) =>
    update(origin('az'), at, attempts, {
      run: { id: run(String(at)), startedAtUs: at },
      wafer: { ...WAFER, waferId, insertion },
    });
  const unknown = { partFlags: PART_NO_PASS_FAIL };
  take(
    store,
    ran(1, 'CP1', [
      attempt(0, { x: 0, y: 0, ...PASSES }),
      attempt(1, { x: 1, y: 0, ...PASSES }),
      attempt(2, { x: 2, y: 0, ...fails(2) }),
      attempt(3, { x: 3, y: 0, ...unknown }),
      attempt(4, { x: null, y: null, ...PASSES }),
    ]),
    ran(2, 'CP2', [
      attempt(0, { x: 0, y: 0, ...fails(5) }),
      attempt(1, { x: 1, y: 0, ...unknown }),
      attempt(2, { x: 2, y: 0, ...PASSES }),
      attempt(3, { x: 3, y: 0, ...unknown }),
    ]),
    ran(3, 'CP2', [attempt(0, { x: 0, y: 0, ...PASSES }), attempt(1, { x: 4, y: 0, ...PASSES })]),
    ran(4, 'CP1', [attempt(0, { x: 0, y: 0, ...fails(2) })], 'W2'),
  );
  return store;
}

const COMPOSITES: readonly (readonly [YieldView, yielded: readonly number[], first: boolean])[] = [
  ['last', [6, 4, 1], true],
  ['first', [6, 3, 2], false],
  ['best', [6, 4, 1], true],
  ['worst', [6, 3, 2], false],
  ['raw', [6, 3, 2], false],
  ['flagged', [6, 3, 2], false],
];

test('no view scans a table, and only the attempts of dies that were tested again are looked at', (t) => {
  const file = join(quickFolder(t), 'tw.db');
  openStore(t, { file });
  const database = new Database(file, { readonly: true });
  t.after(() => database.close());
  const asked: string[] = [];
  class Noting extends Connection {
    override prepare<Params extends readonly Value[], Row>(sql: string): Query<Params, Row> {
      asked.push(sql);
      return super.prepare(sql);
    }
  }
  const connection = new Noting(database, file);
  asked.length = 0;
  new CountingAttempts(connection);
  assert.ok(asked.length > 5);
  for (const sql of asked) {
    const marks = sql.split('?').slice(1).fill('0').map(Number);
    const plan = database.prepare<number[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...marks);
    const scans = plan.filter(({ detail }) => /^SCAN (?!CONSTANT)/.test(detail));
    assert.deepEqual(scans, [], sql);
    if (sql.includes('d.attempts > 1'))
      assert.match(plan[0]!.detail, /^SEARCH d USING PRIMARY KEY \(wafer=\?\)/);
  }
  assert.equal(asked.filter((sql) => sql.includes('d.attempts > 1')).length, 1);
});

test('there is a composite by every view', () => {
  assert.deepEqual(COMPOSITES.map(([view]) => view).sort(), [...YIELD_VIEWS].sort());
});

for (const [view, yielded, first] of COMPOSITES) {
  test(`the composite of two insertions, each by the view "${view}"`, (t) => {
    const { yield: all, dies } = severalInsertions(t).yields.composite(WAFER, view);
    assert.deepEqual([all.parts, all.passed, all.failed], yielded);
    const both = ['CP1', 'CP2'];
    assert.deepEqual(dies, [
      { x: 0, y: 0, passed: first, insertions: both, failedAt: first ? [] : ['CP2'] },
      { x: 1, y: 0, passed: true, insertions: both, failedAt: [] },
      { x: 2, y: 0, passed: false, insertions: both, failedAt: ['CP1'] },
      { x: 3, y: 0, passed: null, insertions: both, failedAt: [] },
      { x: 4, y: 0, passed: true, insertions: ['CP2'], failedAt: [] },
      { x: null, y: null, passed: true, insertions: ['CP1'], failedAt: [] },
    ]);
  });
}

test('the yield of one insertion leaves out the others', (t) => {
  const { yields } = severalInsertions(t);
  const of = (insertion: string) => yields.of({ ...WAFER, insertion }, 'last');
  assert.deepEqual([of('CP1').parts, of('CP2').parts, of('CP3').parts], [5, 5, 0]);
});
