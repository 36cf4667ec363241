import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Store } from '../../src/store/store.ts';
import type { Update } from '../../src/wafer/update.ts';
import { jsonDecoders, PROGRAM, quickFolder, rows, stillWorld, TW, take } from './fixtures.ts';
import { anyArrival, anyHistory } from './histories.ts';
import { ACTUAL, type Expected, fold } from './model.ts';

const twoArrivals = anyHistory.chain((history) =>
  fc.tuple(fc.constant(history), anyArrival(history), anyArrival(history)),
);

/** Runs `work` on a store that has taken the groups in, a transaction a group. */
function withStore<T>(
  folder: string,
  groups: readonly Update[][],
  work: (store: Store, file: string) => T,
): T {
  const file = join(folder, 'tw.db');
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
  const store = Store.open({ file, fab: TW, world: stillWorld, decoders: jsonDecoders });
  try {
    store.programs.put(PROGRAM.digest, PROGRAM.body);
    for (const group of groups) take(store, ...group);
    return work(store, file);
  } finally {
    store.close();
  }
}

test('the folds hang on the set of updates alone: not on order, repetition or grouping, and a rebuild gives the same', (t) => {
  const folder = quickFolder(t);
  fc.assert(
    fc.property(twoArrivals, ([history, one, other]) => {
      const digest = withStore(folder, one, (store) => {
        assert.equal(store.vectors.applied.size, history.length);
        const before = store.stats();
        const folded = store.foldDigest();
        assert.deepEqual(store.rebuild(), { updates: history.length, digest: folded });
        assert.deepEqual(store.stats(), before);
        return folded;
      });
      assert.equal(
        withStore(folder, other, (store) => store.foldDigest()),
        digest,
      );
    }),
    { numRuns: 40 },
  );
});

test('the folds hold what a fold over the whole set at once holds', (t) => {
  const folder = quickFolder(t);
  const arrival = anyHistory.chain((history) => fc.tuple(fc.constant(history), anyArrival(history)));
  fc.assert(
    fc.property(arrival, ([history, groups]) => {
      const expected = fold(history);
      withStore(folder, groups, (store, file) => {
        for (const name of Object.keys(ACTUAL) as (keyof Expected)[]) {
          assert.deepEqual(rows(file, ACTUAL[name]), expected[name], name);
        }
        const { attempts, results, wafers } = store.stats();
        assert.equal(attempts, expected.attempts.length);
        assert.equal(
          results,
          (expected.attempts as { results: number }[]).reduce((n, a) => n + a.results, 0),
        );
        assert.equal(wafers, expected.wafers.length);
      });
    }),
    { numRuns: 70 },
  );
});
