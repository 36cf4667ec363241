import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SUPERSEDES_ID, SUPERSEDES_XY } from '../../src/wafer/supersession.ts';
import {
  countingAttempts,
  type Verdict,
  type ViewedAttempt,
  YIELD_VIEWS,
  type YieldView,
} from '../../src/wafer/views.ts';

interface Numbered extends ViewedAttempt {
  /** Place in the order of attempts. */
  readonly at: number;
}

const PLACES = [
  { x: 0, y: 0 },
  { x: 0, y: -1 },
  { x: -1, y: 0 },
  { x: null, y: null },
];

const attempts: fc.Arbitrary<Numbered[]> = fc
  .array(
    fc.record({
      place: fc.constantFrom(...PLACES),
      passed: fc.constantFrom<Verdict>(true, false, null),
      partId: fc.constantFrom('', 'a', 'b'),
      // Bits that say nothing of superseding as well.
      partFlags: fc.constantFrom(0, SUPERSEDES_ID, SUPERSEDES_XY, SUPERSEDES_ID | SUPERSEDES_XY, 0x04, 0x08),
    }),
    { maxLength: 12 },
  )
  .map((each) => each.map(({ place, ...rest }, at) => ({ ...place, ...rest, at })));

const WORST_TO_BEST: readonly Verdict[] = [false, null, true];
const rank = ({ passed }: ViewedAttempt) => WORST_TO_BEST.indexOf(passed);
const sameId = (a: Numbered, b: Numbered) => a.partId !== '' && a.partId === b.partId;
const samePlace = (a: Numbered, b: Numbered) => a.x !== null && a.x === b.x && a.y === b.y;

/** When another attempt keeps one from counting, by each view. */
const KEEPS_OUT: Readonly<Record<YieldView, (other: Numbered, one: Numbered) => boolean>> = {
  last: (other, one) => samePlace(other, one) && other.at > one.at,
  first: (other, one) => samePlace(other, one) && other.at < one.at,
  best: (other, one) =>
    samePlace(other, one) && (rank(other) > rank(one) || (rank(other) === rank(one) && other.at > one.at)),
  worst: (other, one) =>
    samePlace(other, one) && (rank(other) < rank(one) || (rank(other) === rank(one) && other.at > one.at)),
  flagged: (other, one) =>
    other.at > one.at &&
    (((other.partFlags & SUPERSEDES_ID) !== 0 && sameId(other, one)) ||
      ((other.partFlags & SUPERSEDES_XY) !== 0 && samePlace(other, one))),
  raw: () => false,
};

/** Numbers of the attempts that count. */
function counting(all: readonly Numbered[], view: YieldView): number[] {
  return [...countingAttempts(all, view)].map(({ at }) => at).sort((a, b) => a - b);
}

for (const view of YIELD_VIEWS) {
  test(`by the view "${view}", an attempt counts exactly where no other keeps it out`, () => {
    fc.assert(
      fc.property(attempts, (all) => {
        const expected = all.filter((one) => !all.some((other) => KEEPS_OUT[view](other, one)));
        assert.deepEqual(
          counting(all, view),
          expected.map(({ at }) => at),
        );
      }),
      { numRuns: 500 },
    );
  });
}

test('attempts without coordinates all count, unless a flag ends them', () => {
  const none = { x: null, y: null, passed: true, partFlags: 0 };
  const all = [
    { ...none, partId: 'p', at: 0 },
    { ...none, partId: 'p', at: 1 },
    { ...none, partId: 'p', partFlags: SUPERSEDES_ID | SUPERSEDES_XY, at: 2 },
  ];
  for (const view of YIELD_VIEWS) assert.deepEqual(counting(all, view), view === 'flagged' ? [2] : [0, 1, 2]);
});

/** Attempts at one die, with these verdicts in order. */
const atOneDie = (...verdicts: readonly Verdict[]): Numbered[] =>
  verdicts.map((passed, at) => ({ x: 3, y: 4, passed, partId: '', partFlags: 0, at }));

for (const [what, verdicts, expected] of [
  ['pass to fail', [true, false], { last: 1, first: 0, best: 0, worst: 1 }],
  ['fail to pass', [false, true], { last: 1, first: 0, best: 1, worst: 0 }],
  ['unknown between the two', [true, null, false, null], { last: 3, first: 0, best: 0, worst: 2 }],
  ['unknown before both', [null, null], { last: 1, first: 0, best: 1, worst: 1 }],
  ['ties', [false, true, true, false], { last: 3, first: 0, best: 2, worst: 3 }],
] as const) {
  test(`one die from ${what}`, () => {
    for (const [view, at] of Object.entries(expected)) {
      assert.deepEqual(counting(atOneDie(...verdicts), view as YieldView), [at], view);
    }
  });
}
