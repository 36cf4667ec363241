import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Store } from '../../src/store/store.ts';
import type { Update } from '../../src/wafer/update.ts';
import {
  attempt,
  jsonDecoders,
  openStore,
  origin,
  PROGRAM,
  program,
  quickFolder,
  record,
  rows,
  run,
  runUpdate,
  stillWorld,
  TW,
  take,
  update,
  WAFER,
} from './fixtures.ts';

/** Rows of a view after updates came in this order, one transaction each. */
function shownAfter(t: TestContext, sql: string, ...updates: readonly Update[]): unknown[] {
  const file = join(quickFolder(t), 'tw.db');
  const store = Store.open({ file, fab: TW, world: stillWorld, decoders: jsonDecoders });
  try {
    store.programs.put(PROGRAM.digest, PROGRAM.body);
    for (const one of updates) take(store, one);
    return rows(file, sql);
  } finally {
    store.close();
  }
}

const DIES = 'SELECT x, y, attempts, attempt_index, hard_bin, passed FROM v_dies ORDER BY x, y';

test('of the same attempt born at two fabs, the smallest dot counts, whichever came first', (t) => {
  const az = update(origin('az'), 5, [attempt(0, { hardBin: 7 }), attempt(1)]);
  const tw = update(origin('tw'), 1, [attempt(0, { hardBin: 9 })]);
  const sql = 'SELECT attempt_index, hard_bin, fab, sequence FROM v_attempts ORDER BY attempt_index';
  const expected = [
    { attempt_index: 0, hard_bin: 7, fab: 'az', sequence: 5 },
    { attempt_index: 1, hard_bin: 1, fab: 'az', sequence: 5 },
  ];
  assert.deepEqual(shownAfter(t, sql, az, tw), expected);
  assert.deepEqual(shownAfter(t, sql, tw, az), expected);
});

test('a smaller dot that tells the bins or the verdict otherwise is what the die shows', (t) => {
  const tw = update(origin('tw'), 1, [attempt(0)]);
  for (const [part, shown] of [
    [{ partFlags: 0x08 }, { hard_bin: 1, soft_bin: 1, passed: 0 }],
    [{ hardBin: 4 }, { hard_bin: 4, soft_bin: 1, passed: 1 }],
    [{ softBin: null }, { hard_bin: 1, soft_bin: null, passed: 1 }],
  ] as const) {
    const az = update(origin('az'), 1, [attempt(0, part)]);
    assert.deepEqual(shownAfter(t, 'SELECT hard_bin, soft_bin, passed FROM v_dies', tw, az), [shown]);
  }
});

test('a smaller dot that moves an attempt to another die and wafer leaves nothing behind', (t) => {
  const tw = update(origin('tw'), 1, [attempt(0, { x: 4 }), attempt(1, { x: 5 })]);
  const az = update(origin('az'), 1, [attempt(0, { x: 6 })], { wafer: { ...WAFER, waferId: 'W2' } });
  const sql = 'SELECT wafer_id, x, attempt_index FROM v_dies ORDER BY wafer_id, x';
  assert.deepEqual(shownAfter(t, sql, tw, az), [
    { wafer_id: 'W1', x: 5, attempt_index: 1 },
    { wafer_id: 'W2', x: 6, attempt_index: 0 },
  ]);
  const wafers = 'SELECT wafer_id, attempts, results FROM v_wafers ORDER BY wafer_id';
  assert.deepEqual(shownAfter(t, wafers, tw, az), [
    { wafer_id: 'W1', attempts: 1, results: 10 },
    { wafer_id: 'W2', attempts: 1, results: 10 },
  ]);
});

test('a die shows the attempt of the run that started last, however late it came', (t) => {
  const early = update(origin('tw'), 1, [attempt(9, { hardBin: 1 })], {
    run: { id: run('b'), startedAtUs: 100 },
  });
  const late = update(origin('tw'), 2, [attempt(2, { hardBin: 5 })], {
    run: { id: run('a'), startedAtUs: 200 },
  });
  const expected = [{ x: 0, y: 0, attempts: 2, attempt_index: 2, hard_bin: 5, passed: 1 }];
  assert.deepEqual(shownAfter(t, DIES, early, late), expected);
  assert.deepEqual(shownAfter(t, DIES, late, early), expected);
});

test('runs that start at the same time order by run id, and attempts of one run by index', (t) => {
  const at = (id: string) => ({ run: { id: run(id), startedAtUs: 100 } });
  const a = update(origin('tw'), 1, [attempt(7, { hardBin: 1 })], at('a'));
  const b = update(origin('tw'), 2, [attempt(3, { hardBin: 2 }), attempt(4, { hardBin: 3 })], at('b'));
  const expected = [{ x: 0, y: 0, attempts: 3, attempt_index: 4, hard_bin: 3, passed: 1 }];
  assert.deepEqual(shownAfter(t, DIES, a, b), expected);
  assert.deepEqual(shownAfter(t, DIES, b, a), expected);
});

test('a smaller dot that tells another start of the run changes which attempt counts', (t) => {
  const other = update(origin('tw'), 1, [attempt(0, { hardBin: 1 })], {
    run: { id: run('b'), startedAtUs: 200 },
  });
  const big = update(origin('tw'), 2, [attempt(0, { hardBin: 2 })], {
    run: { id: run('a'), startedAtUs: 300 },
  });
  const small = runUpdate(origin('az'), 1, record(), { run: { id: run('a'), startedAtUs: 100 } });
  const before = [{ x: 0, y: 0, attempts: 2, attempt_index: 0, hard_bin: 2, passed: 1 }];
  assert.deepEqual(shownAfter(t, DIES, other, big), before);
  assert.deepEqual(shownAfter(t, DIES, other, big, small), [{ ...before[0]!, hard_bin: 1 }]);
});

test('attempts without coordinates count, but are of no die; a verdict that is not given stays open', (t) => {
  const one = update(origin('tw'), 1, [attempt(0, { x: null, y: null }), attempt(1, { partFlags: 0x10 })]);
  assert.deepEqual(shownAfter(t, DIES, one), [
    { x: 0, y: 0, attempts: 1, attempt_index: 1, hard_bin: 1, passed: null },
  ]);
  const wafers = 'SELECT attempts, results, dies, passed_dies FROM v_wafers';
  assert.deepEqual(shownAfter(t, wafers, one), [{ attempts: 2, results: 20, dies: 1, passed_dies: 0 }]);
});

test('of several records of a run the one with the most attempts counts, of equal ones the smallest dot', (t) => {
  const short = runUpdate(origin('az'), 1, record({ attempts: 2, fileName: 'short' }));
  const il = runUpdate(origin('il'), 1, record({ attempts: 3, fileName: 'il' }));
  const tw = runUpdate(origin('tw'), 1, record({ attempts: 3, fileName: 'tw' }));
  const sql = 'SELECT file_name FROM v_runs';
  for (const order of [
    [short, il, tw],
    [tw, il, short],
    [il, short, tw],
    [tw, short, il],
  ]) {
    assert.deepEqual(shownAfter(t, sql, ...order), [{ file_name: 'il' }]);
  }
});

test('of records with equal attempts a complete one counts, whatever the dots', (t) => {
  const cut = runUpdate(
    origin('az'),
    1,
    record({ complete: false, incompleteReason: 'cut', fileName: 'cut' }),
  );
  const whole = runUpdate(origin('tw'), 1, record({ fileName: 'whole' }));
  const sql = 'SELECT file_name, complete, incomplete_reason FROM v_runs';
  for (const order of [
    [cut, whole],
    [whole, cut],
  ]) {
    assert.deepEqual(shownAfter(t, sql, ...order), [
      { file_name: 'whole', complete: 1, incomplete_reason: record({}).incompleteReason },
    ]);
  }
});

test('a kind that this version does not know is refused, so that it can be held', (t) => {
  const store = openStore(t);
  const one = update(origin('az'), 1, {}, { kind: 'unknown', run: null, program: null });
  store.transaction(() => {
    store.log.append(one);
    assert.throws(() => store.savepoint(() => store.apply(one)), {
      code: 'precondition',
      message: 'kind unknown is not known to this version',
    });
    store.log.hold(one.header.dot, 'kind', 'later');
  });
  assert.deepEqual(store.stats(), { updates: 1, held: 1, damaged: 0, attempts: 0, results: 0, wafers: 0 });
});

test('results are not folded before their test program is here', (t) => {
  const store = openStore(t);
  const other = program('other');
  const one = update(origin('az'), 1, [attempt(0)], { program: other.digest });
  store.transaction(() => {
    store.log.append(one);
    assert.throws(() => store.savepoint(() => store.apply(one)), { code: 'precondition' });
    store.programs.put(other.digest, other.body);
    store.apply(one);
  });
  assert.equal(store.stats().attempts, 1);
});

test('a payload that fails half way leaves nothing of itself in a savepoint', (t) => {
  const store = openStore(t);
  take(store, update(origin('az'), 1, [attempt(0)]));
  const before = store.foldDigest();
  const bad = update(origin('az'), 2, [attempt(1), attempt(2, { x: 1, y: null })]);
  store.transaction(() => {
    store.log.append(bad);
    assert.throws(() => store.savepoint(() => store.apply(bad)), { code: 'internal' });
    store.log.hold(bad.header.dot, 'fold', 'half a coordinate');
  });
  assert.equal(store.foldDigest(), before);
  assert.equal(store.stats().attempts, 1);
});
