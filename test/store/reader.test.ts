import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReadFilter } from '../../src/store/read-scan.ts';
import type { PageBounds } from '../../src/store/reader.ts';
import type { Store } from '../../src/store/store.ts';
import { updateBytes } from '../../src/wafer/update.ts';
import { attempt, openStore, origin, quickFolder, run, take, update, WAFER } from './fixtures.ts';

const AZ = origin('az');
const TWO = origin('tw', 9);
const EARLY = { id: run('b'), startedAtUs: 100 };
const LATE = { id: run('a'), startedAtUs: 200 };
const W2 = { lot: 'L2', waferId: 'W2', insertion: 'CP1' };

/** Two runs: the late one of two updates whose indexes interleave, on two wafers. */
function filled(store: Store): void {
  const at = (index: number, startedAtUs: number | null) =>
    attempt(index, { x: index, y: -index, startedAtUs });
  take(
    store,
    update(AZ, 1, [at(0, 210), at(2, 230), at(4, null)], { run: LATE }),
    update(AZ, 2, [at(1, 220), at(3, 240)], { run: LATE, wafer: W2 }),
    update(TWO, 1, [at(7, 110), at(8, 120)], { run: EARLY }),
    update(TWO, 2, [at(0, 999), at(5, 250)], { run: LATE }),
  );
}

/** Every (run, fab, wafer, index) that the pages give, page by page. */
function read(store: Store, filter: ReadFilter, bounds?: PageBounds): string[][] {
  const reader = store.reader();
  try {
    return [...reader.pages(filter, bounds)].map((page) =>
      page.flatMap(({ run: { id }, update: { header }, wafer, indexes }) =>
        indexes.map((index) => `${id[0]}${index} ${header.dot.fab} ${wafer.waferId}`),
      ),
    );
  } finally {
    reader.close();
  }
}

test('attempts come run by run in the order of start, each once, with the update that counts', (t) => {
  const store = openStore(t);
  filled(store);
  assert.deepEqual(read(store, {}).flat(), [
    'b7 tw W1',
    'b8 tw W1',
    'a0 az W1',
    'a2 az W1',
    'a4 az W1',
    'a1 az W2',
    'a3 az W2',
    'a5 tw W1',
  ]);
});

test('every filter lets through what matches, and that alone', (t) => {
  const store = openStore(t);
  filled(store);
  const cases: [ReadFilter, string[]][] = [
    [{ waferId: 'W2' }, ['a1 az W2', 'a3 az W2']],
    [{ lot: 'L1', fab: AZ.fab }, ['a0 az W1', 'a2 az W1', 'a4 az W1']],
    [{ fab: TWO.fab }, ['b7 tw W1', 'b8 tw W1', 'a5 tw W1']],
    [{ waferId: 'W1', lot: 'L1', fab: TWO.fab }, ['b7 tw W1', 'b8 tw W1', 'a5 tw W1']],
    [{ run: EARLY.id }, ['b7 tw W1', 'b8 tw W1']],
    [{ x: 3 }, ['a3 az W2']],
    [{ x: 3, y: 3 }, []],
    [{ startedFromUs: 120, startedToUs: 220 }, ['b8 tw W1', 'a0 az W1', 'a4 az W1']],
    [{ insertion: 'CP9' }, []],
    [{ lot: '' }, []],
  ];
  for (const [filter, expected] of cases) {
    assert.deepEqual(read(store, filter).flat(), expected, JSON.stringify(filter));
  }
});

test('no page looks at more attempts than asked for, and nothing is lost or doubled between pages', (t) => {
  const store = openStore(t);
  filled(store);
  const whole = read(store, {}).flat().toSorted();
  for (const maxAttempts of [1, 2, 3, 4]) {
    const pages = read(store, {}, { maxAttempts, maxBytes: 1_000_000 });
    assert.ok(pages.every((page) => page.length <= maxAttempts));
    assert.deepEqual(pages.flat().toSorted(), whole);
  }
  const rare = read(store, { x: 5 }, { maxAttempts: 2, maxBytes: 1_000_000 });
  assert.deepEqual(rare.flat(), ['a5 tw W1']);
  assert.ok(rare.length > 1, 'pages without a match let the caller give way');
});

test('no page holds more bytes than asked for, unless a single update does', (t) => {
  const store = openStore(t);
  filled(store);
  const whole = read(store, {}).flat().toSorted();
  const one = updateBytes(update(AZ, 2, [attempt(1), attempt(3)], { run: LATE, wafer: W2 }));
  const pages = read(store, {}, { maxAttempts: 100, maxBytes: one });
  assert.deepEqual(pages.flat().toSorted(), whole);
  assert.ok(pages.every((page) => new Set(page.map((text) => text.slice(-5))).size === 1));
});

test('the writer goes on while pages are read, and an open reader is closed with the store', (t) => {
  const file = join(quickFolder(t), 'tw.db');
  const store = openStore(t, { file });
  filled(store);
  const pages = store.reader().pages({}, { maxAttempts: 1, maxBytes: 1 });
  pages.next();
  take(store, update(AZ, 3, [attempt(9, { x: 9 })], { run: LATE, wafer: WAFER }));
  store.checkpoint();
  const rest = [...pages].flat().flatMap(({ indexes }) => indexes);
  assert.ok(rest.includes(9), 'what was written meanwhile shows');
  const late = store.reader();
  store.close();
  assert.throws(() => late.pages({}).next());
  assert.equal(existsSync(`${file}-wal`), false, 'nobody has the database open');
});
