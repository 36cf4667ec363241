import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CompositeDie, compositeDies, type InsertionAttempts } from '../../src/wafer/composite.ts';
import type { Verdict } from '../../src/wafer/views.ts';

const COORDINATES = [-2, 0, 10];

const insertions: fc.Arbitrary<(InsertionAttempts & { attempts: CompositeAttempt[] })[]> = fc
  .array(
    fc.array(
      fc.record({
        x: fc.constantFrom(...COORDINATES),
        y: fc.constantFrom(...COORDINATES),
        passed: fc.constantFrom<Verdict>(true, false, null),
      }),
      { maxLength: 12 },
    ),
    { maxLength: 3 },
  )
  .map((each) => each.map((attempts, i) => ({ insertion: ['CP1', 'CP2', ''][i]!, attempts })));

type CompositeAttempt = { readonly x: number; readonly y: number; readonly passed: Verdict };

/** The composite, worked out place by place. */
function expected(all: readonly (InsertionAttempts & { attempts: CompositeAttempt[] })[]): CompositeDie[] {
  return COORDINATES.flatMap((x) => COORDINATES.map((y) => ({ x, y }))).flatMap(({ x, y }) => {
    const seen = all.map(({ insertion, attempts }) => ({
      insertion,
      verdicts: attempts.filter((one) => one.x === x && one.y === y).map(({ passed }) => passed),
    }));
    const at = seen.filter(({ verdicts }) => verdicts.length > 0);
    const failed = at.filter(({ verdicts }) => verdicts.includes(false));
    const passed = at.some(({ verdicts }) => verdicts.includes(true));
    if (at.length === 0) return [];
    const names = (some: typeof at) => some.map(({ insertion }) => insertion);
    return [
      {
        ...{ x, y, passed: failed.length > 0 ? false : passed ? true : null },
        ...{ insertions: names(at), failedAt: names(failed) },
      },
    ];
  });
}

test('a die fails where one insertion fails it, passes where one passes it and none fails it', () => {
  fc.assert(
    fc.property(insertions, (all) => assert.deepEqual(compositeDies(all), expected(all))),
    { numRuns: 500 },
  );
});

test('attempts without coordinates are dies of their own, behind all others', () => {
  const none = { x: null, y: null };
  const dies = compositeDies([
    {
      insertion: 'CP1',
      attempts: [
        { ...none, passed: true },
        { x: 1, y: 1, passed: null },
      ],
    },
    { insertion: 'CP2', attempts: [{ ...none, passed: false }] },
  ]);
  assert.deepEqual(
    dies.map(({ x, passed, insertions }) => [x, passed, ...insertions]),
    [
      [1, null, 'CP1'],
      [null, true, 'CP1'],
      [null, false, 'CP2'],
    ],
  );
});

test('a wafer without insertions has no dies', () => {
  assert.deepEqual(compositeDies([]), []);
});
