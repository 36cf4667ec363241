import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { WaferYield } from '../../src/store/yields.ts';
import { type AttemptSummary, PART_FAILED, PART_NO_PASS_FAIL } from '../../src/wafer/attempt.ts';
import type { YieldView } from '../../src/wafer/views.ts';
import { attempt, openStore, origin, run, take, update, WAFER } from './fixtures.ts';

/** Attempts of one run, in order of index. */
interface Run {
  readonly id: ReturnType<typeof run>;
  readonly startedAtUs: number;
  readonly attempts: readonly AttemptSummary[];
}

const PLACES = [
  { x: 0, y: 0 },
  { x: 0, y: 1 },
  { x: -1, y: 1 },
  { x: null, y: null },
];

const attempts = fc
  .array(fc.tuple(fc.constantFrom(...PLACES), fc.constantFrom(0, PART_FAILED, PART_NO_PASS_FAIL)), {
    minLength: 1,
    maxLength: 8,
  })
  .map((each) => each.map(([place, partFlags], index) => attempt(index, { ...place, partFlags })));
const runs: fc.Arbitrary<Run[]> = fc
  .array(fc.record({ startedAtUs: fc.constantFrom(5, 6), attempts }), { minLength: 1, maxLength: 4 })
  .map((each) => each.map((one, i) => ({ ...one, id: run('abcd'[i]!) })));

/** The yield of a view, worked out from the attempts in their order. */
function expected(all: readonly Run[], view: YieldView): WaferYield {
  const inOrder = all
    .toSorted((a, b) => a.startedAtUs - b.startedAtUs || (a.id < b.id ? -1 : 1))
    .flatMap((one) => one.attempts);
  const counting = new Map<unknown, AttemptSummary>();
  for (const one of inOrder) {
    const die = one.x === null || view === 'raw' ? one : `${one.x} ${one.y}`;
    if (view !== 'first' || !counting.has(die)) counting.set(die, one);
  }
  const flags = [...counting.values()].map(({ partFlags }) => partFlags);
  return {
    parts: flags.length,
    passed: flags.filter((flag) => flag === 0).length,
    failed: flags.filter((flag) => flag === PART_FAILED).length,
  };
}

for (const view of ['last', 'first', 'raw'] as const) {
  test(`the yield by the view "${view}" counts the attempts that the view names, whatever their order of arrival`, (t) => {
    fc.assert(
      fc.property(runs, fc.boolean(), (all, backwards) => {
        const store = openStore(t);
        const updates = all.map(({ id, startedAtUs, attempts }, i) =>
          update(origin('az'), i + 1, attempts, { run: { id, startedAtUs } }),
        );
        take(store, ...(backwards ? updates.reverse() : updates));
        assert.deepEqual(store.yields.of(WAFER, view), expected(all, view));
        store.close();
      }),
      { numRuns: 25 },
    );
  });
}

test('a wafer that is not known here has no parts', (t) => {
  const store = openStore(t);
  assert.deepEqual(store.yields.of(WAFER, 'last'), { parts: 0, passed: 0, failed: 0 });
});
