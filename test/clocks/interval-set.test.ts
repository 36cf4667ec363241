import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Interval, IntervalSet } from '../../src/clocks/interval-set.ts';
import { intervalSet, intervals, smallSequence } from '../support/clock-arbitraries.ts';

/** The model: every sequence written out. */
function members(set: { readonly intervals: readonly Interval[] }): Set<number> {
  const all = new Set<number>();
  for (const { from, to } of set.intervals) for (let at = from; at <= to; at++) all.add(at);
  return all;
}

function sorted(numbers: Iterable<number>): number[] {
  return [...numbers].sort((a, b) => a - b);
}

function minus(a: ReadonlySet<number>, b: ReadonlySet<number>): number[] {
  return [...a].filter((each) => !b.has(each));
}

function common(a: ReadonlySet<number>, b: ReadonlySet<number>): number[] {
  return [...a].filter((each) => b.has(each));
}

/** The set holds just these, and is in canonical form. */
function assertHolds(set: IntervalSet, expected: Iterable<number>): void {
  assert.deepEqual(sorted(members(set)), sorted(new Set(expected)));
  let end = -1;
  for (const { from, to } of set.intervals) {
    assert.ok(from <= to, `interval ${from}-${to} is empty`);
    assert.ok(from > end + 1, `intervals of ${set} are not sorted, or overlap, or touch`);
    end = to;
  }
}

test('a set of intervals holds their sequences and no others, in canonical form', () => {
  fc.assert(
    fc.property(intervals, (list) => assertHolds(IntervalSet.of(list), members({ intervals: list }))),
  );
});

test('equal sets have equal intervals and equal texts, however they were made', () => {
  fc.assert(
    fc.property(fc.array(smallSequence), (list) => {
      const grown = list.reduce((set, sequence) => set.add(sequence), IntervalSet.empty);
      const made = IntervalSet.of([...list].reverse().map((at) => ({ from: at, to: at })));
      assert.ok(grown.equals(made));
      assert.deepEqual(grown.intervals, made.intervals);
      assert.equal(String(grown), String(made));
    }),
  );
});

test('sets that differ are not equal', () => {
  fc.assert(
    fc.property(intervalSet, intervalSet, (a, b) => {
      const [left, right] = [members(a), members(b)];
      const same = left.size === right.size && minus(left, right).length === 0;
      assert.equal(a.equals(b), same);
      assert.equal(String(a) === String(b), same);
    }),
  );
});

test('union, difference and intersection are those of sets', () => {
  fc.assert(
    fc.property(intervalSet, intervalSet, (a, b) => {
      assertHolds(a.union(b), [...members(a), ...members(b)]);
      assertHolds(a.difference(b), minus(members(a), members(b)));
      assertHolds(a.intersection(b), common(members(a), members(b)));
    }),
  );
});

test('adding puts one sequence in, and changes nothing where it is in already', () => {
  fc.assert(
    fc.property(intervalSet, smallSequence, (set, sequence) => {
      assertHolds(set.add(sequence), members(set).add(sequence));
      assert.equal(set.add(sequence).add(sequence).equals(set.add(sequence)), true);
    }),
  );
});

test('taking one sequence out leaves the others', () => {
  fc.assert(
    fc.property(intervalSet, smallSequence, (set, sequence) => {
      assertHolds(set.without(sequence), minus(members(set), new Set([sequence])));
    }),
  );
});

test('a set covers another just when it holds all of it', () => {
  fc.assert(
    fc.property(intervalSet, intervalSet, (a, b) => {
      assert.equal(a.covers(b), minus(members(b), members(a)).length === 0);
      assert.equal(a.covers(b), b.difference(a).isEmpty);
      assert.ok(a.union(b).covers(a));
    }),
  );
});

test('a set has a sequence just when the model has it', () => {
  fc.assert(
    fc.property(intervalSet, fc.integer({ min: -1, max: 60 }), (set, sequence) => {
      assert.equal(set.has(sequence), members(set).has(sequence));
    }),
  );
});

test('size, greatest and contiguous part are those of the model', () => {
  fc.assert(
    fc.property(intervalSet, (set) => {
      const model = members(set);
      let contiguous = 0;
      while (model.has(contiguous + 1)) contiguous++;
      assert.equal(set.size, model.size);
      assert.equal(set.isEmpty, model.size === 0);
      assert.equal(set.max, Math.max(0, ...model));
      assert.equal(set.contiguousThrough, contiguous);
    }),
  );
});

test('the newest are the greatest of them', () => {
  fc.assert(
    fc.property(intervalSet, fc.nat({ max: 60 }), (set, count) => {
      assertHolds(set.newest(count), count === 0 ? [] : sorted(members(set)).slice(-count));
    }),
  );
});

test('no operation changes the sets that it is given', () => {
  fc.assert(
    fc.property(intervalSet, intervalSet, smallSequence, (a, b, sequence) => {
      const before = [String(a), String(b)];
      a.union(b);
      a.difference(b);
      a.intersection(b);
      a.add(sequence);
      a.newest(3);
      assert.deepEqual([String(a), String(b)], before);
    }),
  );
});

test('what is no range of sequences is refused', () => {
  const wrong = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER + 1];
  for (const value of wrong) {
    assert.throws(() => IntervalSet.range(value, value), { code: 'invalid' });
    assert.throws(() => IntervalSet.empty.add(value), { code: 'invalid' });
  }
  assert.throws(() => IntervalSet.range(2, 1), { code: 'invalid' });
  assert.throws(() => IntervalSet.range(1, 5).add(1.5), { code: 'invalid' });
  const full = IntervalSet.range(1, Number.MAX_SAFE_INTEGER);
  assert.throws(() => full.add(Number.MAX_SAFE_INTEGER + 1), { code: 'invalid' });
});

test('a set of the greatest sequences works like any other', () => {
  const most = Number.MAX_SAFE_INTEGER;
  const set = IntervalSet.range(most - 1, most);
  assert.equal(String(set.difference(IntervalSet.range(most, most))), String(most - 1));
  assert.equal(String(set.union(IntervalSet.range(1, most - 2))), `1-${most}`);
});
