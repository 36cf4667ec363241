import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { IntervalSet } from '../../src/clocks/interval-set.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { Connection } from '../../src/store/connection.ts';
import { LocalKeys } from '../../src/store/keys.ts';
import { type LotContent, LotScan } from '../../src/store/lot-scan.ts';
import { Lots } from '../../src/store/lots.ts';
import { migrate } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import type { WaferKey } from '../../src/wafer/wafer-key.ts';
import {
  attempt,
  openStore,
  origin,
  program,
  quickFolder,
  record,
  run,
  runUpdate,
  take,
  update,
} from './fixtures.ts';

const AZ = origin('az');
const TW = origin('tw', 9);
const A = { id: run('a'), startedAtUs: 100 };
const B = { id: run('b'), startedAtUs: 200 };
const wafer = (waferId: string, lot = 'L1', insertion = 'CP1'): WaferKey => ({ lot, waferId, insertion });
const set = (...sequences: number[]) => IntervalSet.of(sequences.map((n) => ({ from: n, to: n })));

function hold(store: Store, held: ReturnType<typeof update>): void {
  store.transaction(() => {
    store.log.append(held);
    store.log.hold(held.header.dot, 'program', '');
  });
}

/** Two wafers of lot L1, one of them in two insertions, by two runs; another lot beside it. */
function filled(t: TestContext, order: 'forwards' | 'backwards' = 'forwards'): Store {
  const store = openStore(t);
  const updates = [
    update(AZ, 1, [attempt(0), attempt(1, { x: 1 })], { run: A, wafer: wafer('W1') }),
    update(AZ, 2, [attempt(2)], { run: A, wafer: wafer('W2') }),
    update(AZ, 4, [attempt(0)], { run: B, wafer: wafer('W1', 'L1', 'CP2') }),
    update(TW, 3, [attempt(9)], { run: { ...A, id: run('c') }, wafer: wafer('W1', 'L2') }),
    runUpdate(AZ, 5, record({ attempts: 0, complete: false }), { run: A }),
    runUpdate(AZ, 6, record({ attempts: 3 }), { run: A }),
    // Nothing but its record has come.
    runUpdate(TW, 8, record({ attempts: 7 }), { run: { ...A, id: run('d') } }),
  ];
  take(store, ...(order === 'forwards' ? updates : updates.toReversed()));
  return store;
}

/** The updates of a lot, and in how many pieces they were read. */
function piecesOf(reading: Generator<void, LotContent>): { content: LotContent; pieces: number } {
  for (let pieces = 1; ; pieces++) {
    const step = reading.next();
    if (step.done) return { content: step.value, pieces };
  }
}

function contentOf(store: Store, lot: string): LotContent {
  return piecesOf(store.lotScan.read(lot)).content;
}

test('a lot has the updates of its wafers, and the record that counts of each run', (t) => {
  const store = filled(t);
  const dots = contentOf(store, 'L1').dots;
  assert.equal(dots.get(AZ).toString(), '1-2,4,6');
  assert.equal(dots.get(TW).toString(), '8');
  assert.equal(contentOf(store, 'L2').dots.get(TW).toString(), '3');
  assert.equal(contentOf(store, 'L9').dots.isEmpty, true);
  assert.deepEqual(store.lots.wafers('L1', 10), [wafer('W1'), wafer('W1', 'L1', 'CP2'), wafer('W2')]);
  assert.deepEqual([store.lots.countWafers('L1'), store.lots.wafers('L1', 1).length], [3, 1]);
});

test('the digest of a lot is of its applied updates alone, whatever order they came in', (t) => {
  const [store, other] = [filled(t), filled(t, 'backwards')];
  const { digest, applied } = contentOf(store, 'L1');
  assert.deepEqual([applied.size, contentOf(other, 'L1').digest], [5, digest]);
  const held = update(AZ, 7, [attempt(5)], { run: A, wafer: wafer('W2'), program: program('other').digest });
  hold(store, held);
  assert.equal(contentOf(store, 'L1').digest, digest);
  assert.equal(contentOf(store, 'L1').dots.get(AZ).toString(), '1-2,4,6-7');
  take(store, update(AZ, 9, [attempt(4)], { wafer: wafer('W1', 'L2') }));
  assert.equal(contentOf(store, 'L1').digest, digest);
  take(store, update(AZ, 10, [attempt(6)], { run: A, wafer: wafer('W2') }));
  assert.notEqual(contentOf(store, 'L1').digest, digest);
});

/** Updates of lot L5, from a sequence on: each fifth is of no other wafer, the others are of one. */
function many(from: number, count: number) {
  return Array.from({ length: count }, (_, i) => {
    const at = wafer(i % 5 === 0 ? `W${i}` : 'W', 'L5');
    return update(AZ, from + 2 * i, [attempt(from + i, { x: i })], { run: A, wafer: at });
  });
}

test('a large lot is read in pieces, as of one moment, whatever is written meanwhile', (t) => {
  const store = openStore(t);
  take(store, ...many(1, 3_000), runUpdate(AZ, 100_001, record({ lot: 'L5' }), { run: A }));
  const held = update(AZ, 100_003, [attempt(5)], {
    wafer: wafer('W', 'L5'),
    program: program('other').digest,
  });
  hold(store, held);
  const whole = piecesOf(store.lotScan.read('L5'));
  const { dots, applied, digest } = whole.content;
  assert.equal(whole.pieces > 100, true, 'rows, and then parts of the digest');
  assert.deepEqual([dots.size, applied.size, dots.get(AZ).intervals.length], [3_002, 3_001, 3_002]);
  assert.deepEqual(applied, dots.intersection(store.vectors.applied));
  const sorted = store.log
    .read(AZ, applied.get(AZ), 1e9)
    .map((one) => Buffer.from(one.digest).toString('hex'))
    .sort();
  const expected = createHash('sha256')
    .update('wafersync lot 1\n')
    .update(Buffer.from(sorted.join(''), 'hex'));
  assert.equal(digest, expected.digest('hex'));

  const reader = store.lotReader();
  const reading = reader.read('L5');
  for (let i = 0; i < 2; i++) assert.equal(reading.next().done, false);
  take(store, ...many(200_001, 2_000));
  const during = piecesOf(reading).content;
  assert.deepEqual([during.digest, during.dots, during.applied], [digest, dots, applied]);
  const after = piecesOf(reader.read('L5')).content;
  assert.deepEqual([after.applied.size, after.digest === digest], [5_001, false]);
  reader.close();
});

test('a lot of too many updates is refused, once so many were looked at', (t) => {
  const store = openStore(t);
  take(store, ...many(1, 1_500));
  const scan = store.lotScan;
  assert.equal(piecesOf(scan.read('L5')).content.dots.size, 1_500);
  assert.throws(() => piecesOf(scan.read('L5', 1_499)), {
    code: 'exhausted',
    message: 'lot L5 has more than 1499 updates',
  });
});

test('the runs of a lot and of a wafer tell what their records promise, and what is here', (t) => {
  const store = filled(t);
  const facts = store.lots
    .runs('L1')
    .map((one) => [one.id[0], one.fab, one.recorded, one.ended, one.received]);
  assert.deepEqual(facts, [
    ['a', 'az', 3, true, 3],
    ['b', 'az', null, false, 1],
    ['d', 'tw', 7, true, 0],
  ]);
  const own = store.lots
    .runsOfWafer(wafer('W1'))
    .map(({ id, received, ofWafer }) => [id[0], received, ofWafer]);
  assert.deepEqual(own, [['a', 3, 2]]);
  assert.deepEqual(store.lots.counts(wafer('W1')), { attempts: 2, dies: 2 });
  assert.deepEqual(store.lots.counts(wafer('W9')), { attempts: 0, dies: 0 });
  const last = store.lots.lastOf(store.wafers.dots(wafer('W2')));
  assert.deepEqual([last?.dot.fab, last?.dot.sequence], ['az', 2]);
  assert.equal(store.lots.lastOf(TransportVector.empty), null);
});

test('pages go on behind a wafer, whatever is added before and after it', (t) => {
  const store = filled(t);
  const names = (rows: ReturnType<typeof store.lots.page>) =>
    rows.map(({ key, hit }) => `${key.lot}/${key.waferId}/${key.insertion}${hit ? '' : ' -'}`);
  const first = store.lots.page({}, null, 2);
  assert.deepEqual(names(first), ['L1/W1/CP1', 'L1/W1/CP2']);
  take(store, update(AZ, 20, [attempt(0)], { run: B, wafer: wafer('W0') }));
  take(store, update(AZ, 21, [attempt(1)], { run: B, wafer: wafer('W3') }));
  assert.deepEqual(names(store.lots.page({}, first[1]!.key, 9)), ['L1/W2/CP1', 'L1/W3/CP1', 'L2/W1/CP1']);
  assert.deepEqual(names(store.lots.page({ lot: 'L1' }, first[1]!.key, 9)), ['L1/W2/CP1', 'L1/W3/CP1']);
  const having = TransportVector.of([[AZ, set(2, 4)]]);
  assert.deepEqual(names(store.lots.page({ lot: 'L1', having }, null, 9)), [
    ...['L1/W0/CP1 -', 'L1/W1/CP1 -', 'L1/W1/CP2', 'L1/W2/CP1', 'L1/W3/CP1 -'],
  ]);
  // Of many intervals those between them count as well, never fewer.
  const many = TransportVector.of([[AZ, set(...Array.from({ length: 40 }, (_, i) => 2 + i * 2))]]);
  const hits = names(store.lots.page({ having: many }, null, 9)).filter((name) => !name.endsWith('-'));
  assert.ok(hits.includes('L1/W2/CP1') && hits.includes('L1/W1/CP2') && !hits.includes('L1/W1/CP1'));
});

test('names of lots are found about a place, each once, and no more than are asked for', (t) => {
  const store = openStore(t);
  const lots = ['', 'A', 'B', 'C', 'D', 'E'];
  take(
    store,
    ...lots.flatMap((lot, n) => [
      update(AZ, 2 * n + 1, [attempt(0)], { run: A, wafer: wafer('W1', lot) }),
      update(AZ, 2 * n + 2, [attempt(1)], { run: A, wafer: wafer('W2', lot) }),
    ]),
  );
  assert.deepEqual(store.lots.namesAbout('C', 9), ['A', 'B', 'C', 'D', 'E']);
  assert.deepEqual(store.lots.namesAbout('Ca', 2), ['B', 'C', 'D', 'E']);
  assert.deepEqual(store.lots.namesAbout('C', 1), ['B', 'C']);
  assert.deepEqual(store.lots.namesAbout('', 2), ['A', 'B']);
  assert.deepEqual(store.lots.namesAbout('Z', 1), ['E']);
});

test('every query of lots and pages goes by an index, and sorts no more than it gives', (t) => {
  const file = join(quickFolder(t), 'plans.db');
  const db = new Database(file);
  t.after(() => db.close());
  migrate(db);
  const connection = new Connection(db, file);
  const keys = new LocalKeys(connection);
  const asked: string[] = [];
  const prepare = connection.prepare.bind(connection);
  connection.prepare = (sql) => {
    asked.push(sql);
    return prepare(sql);
  };
  new Lots(connection, keys);
  new LotScan(connection);
  assert.ok(asked.length >= 8);
  for (const sql of asked) {
    const marks = (sql.match(/\?/g) ?? []).map(() => 1);
    const plan = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...marks);
    // What is gone through is what another step gave: the rows of a subquery, of a constant, of a recursion, of the JSON of
    // intervals.
    const scans = plan.filter(({ detail }) =>
      /^SCAN (?!\(subquery|CONSTANT ROW|i VIRTUAL|(w|names)$)/.test(detail),
    );
    assert.deepEqual(scans, [], sql);
    if (plan.some(({ detail }) => detail === 'SCAN w'))
      assert.ok(plan.some(({ detail }) => /^SEARCH wafers USING COVERING INDEX wafers_by_lot/.test(detail)));
  }
});
