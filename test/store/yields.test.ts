import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BinCount, DieAttempt, WaferBins, WaferYield } from '../../src/store/yields.ts';
import { type AttemptSummary, PART_FAILED, PART_NO_PASS_FAIL, passed } from '../../src/wafer/attempt.ts';
import { SUPERSEDES_ID, SUPERSEDES_XY } from '../../src/wafer/supersession.ts';
import { countingAttempts, YIELD_VIEWS } from '../../src/wafer/views.ts';
import { readYields } from '../support/read-yields.ts';
import { attempt, openStore, origin, quickFolder, run, take, update, WAFER } from './fixtures.ts';

/** Attempts of one run, in order of index, some of them at another wafer. */
interface Run {
  readonly id: ReturnType<typeof run>;
  readonly startedAtUs: number;
  readonly attempts: readonly { readonly summary: AttemptSummary; readonly waferId: string }[];
}

const PLACES = [
  { x: 0, y: 0 },
  { x: 0, y: 1 },
  { x: -1, y: 1 },
  { x: null, y: null },
];
const FLAGS = [0, PART_FAILED, PART_NO_PASS_FAIL, SUPERSEDES_ID, SUPERSEDES_XY | PART_FAILED];
const BINS = [null, 1, 20];

const attempts = fc
  .array(
    fc.record({
      place: fc.constantFrom(...PLACES),
      partFlags: fc.constantFrom(...FLAGS),
      partId: fc.constantFrom('', 'a', 'b'),
      hardBin: fc.constantFrom(...BINS),
      softBin: fc.constantFrom(...BINS),
      waferId: fc.constantFrom('W1', 'W1', 'W2'),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((each) =>
    each.map(({ place, waferId, ...part }, i) => ({
      summary: attempt(3 * i, { ...place, ...part }),
      waferId,
    })),
  );
const runs: fc.Arbitrary<Run[]> = fc
  .array(fc.record({ startedAtUs: fc.constantFrom(5, 6), attempts }), { minLength: 1, maxLength: 4 })
  .map((each) => each.map((one, i) => ({ ...one, id: run('abcd'[i]!) })));

/** Updates that bring the runs, one for each run and wafer. */
function updatesOf(all: readonly Run[]) {
  const parts = all.flatMap(({ id, startedAtUs, attempts }) =>
    ['W1', 'W2'].map((waferId) => ({
      ...{ run: { id, startedAtUs }, wafer: { ...WAFER, waferId } },
      summaries: attempts.filter((one) => one.waferId === waferId).map(({ summary }) => summary),
    })),
  );
  return parts.map(({ summaries, ...header }, i) => update(origin('az'), i + 1, summaries, header));
}

/** What counts of the wafer W1 in the order of its attempts, with their runs. */
function expected(all: readonly Run[], view: (typeof YIELD_VIEWS)[number]) {
  const inOrder = all
    .toSorted((a, b) => a.startedAtUs - b.startedAtUs || (a.id < b.id ? -1 : 1))
    .flatMap(({ id, attempts }) => attempts.map((one) => ({ ...one, run: id })))
    .filter(({ waferId }) => waferId === 'W1')
    .map(({ run, summary }) => ({ ...summary, run, passed: passed(summary) }));
  const counting = [...countingAttempts(inOrder, view)];
  const placed = inOrder.filter((one) => one.x !== null && counting.includes(one));
  return {
    yield: {
      parts: counting.length,
      passed: counting.filter((one) => one.passed === true).length,
      failed: counting.filter((one) => one.passed === false).length,
    } satisfies WaferYield,
    bins: {
      hard: binsOf(counting.map(({ hardBin }) => hardBin)),
      soft: binsOf(counting.map(({ softBin }) => softBin)),
    } satisfies WaferBins,
    dies: placed
      .toSorted((a, b) => a.x! - b.x! || a.y! - b.y!)
      .map(
        ({ x, y, run, index, hardBin, softBin, passed }): DieAttempt => ({
          ...{ x: x!, y: y!, run, index, hardBin, softBin, passed },
          attempts: inOrder.filter((one) => one.x === x && one.y === y).length,
        }),
      ),
  };
}

function binsOf(all: readonly (number | null)[]): BinCount[] {
  return [1, 20, null]
    .map((bin) => ({ bin, parts: all.filter((one) => one === bin).length }))
    .filter(({ parts }) => parts > 0);
}

for (const view of YIELD_VIEWS) {
  test(`yield, bins and dies by the view "${view}" are those of the attempts that it counts, whatever their order of arrival`, (t) => {
    fc.assert(
      fc.property(runs, fc.boolean(), (all, backwards) => {
        const file = join(quickFolder(t), 'tw.db');
        const store = openStore(t, { file });
        take(store, ...(backwards ? updatesOf(all).reverse() : updatesOf(all)));
        const asked = readYields(
          file,
          (yields) => ({
            yield: yields.of(WAFER, view),
            bins: yields.bins(WAFER, view),
            dies: yields.dies(WAFER, view),
          }),
          2,
        );
        assert.deepEqual(asked, expected(all, view));
        store.close();
      }),
      { numRuns: 40 },
    );
  });
}

test('a wafer that is not known here has no parts', (t) => {
  const { yields } = openStore(t);
  const none = { parts: 0, passed: 0, failed: 0 };
  for (const view of YIELD_VIEWS) {
    assert.deepEqual(yields.of(WAFER, view), none);
    assert.deepEqual(yields.bins(WAFER, view), { hard: [], soft: [] });
    assert.deepEqual(yields.dies(WAFER, view), []);
    assert.deepEqual(yields.composite(WAFER, view), { yield: none, dies: [] });
  }
});
