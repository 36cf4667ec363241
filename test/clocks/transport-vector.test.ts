import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareDots, type Dot, formatDot, originKey, sequence } from '../../src/clocks/dot.ts';
import { IntervalSet } from '../../src/clocks/interval-set.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { dot, intervalSet, origin, transportVector } from '../support/clock-arbitraries.ts';

/** The model: every dot written out. */
function dotsOf(vector: TransportVector): Set<string> {
  const dots = new Set<string>();
  for (const [from, set] of vector.entries()) {
    for (const { from: first, to } of set.intervals) {
      for (let at = first; at <= to; at++) dots.add(formatDot({ ...from, sequence: sequence(at) }));
    }
  }
  return dots;
}

function vectorOf(dots: readonly Dot[]): TransportVector {
  return dots.reduce((vector, each) => vector.add(each), TransportVector.empty);
}

test('join is commutative, associative and idempotent', () => {
  fc.assert(
    fc.property(transportVector, transportVector, transportVector, (a, b, c) => {
      assert.ok(a.join(b).equals(b.join(a)));
      assert.ok(a.join(b.join(c)).equals(a.join(b).join(c)));
      assert.ok(a.join(a).equals(a));
      assert.ok(a.join(TransportVector.empty).equals(a));
    }),
  );
});

test('join, difference and intersection are those of sets of dots', () => {
  fc.assert(
    fc.property(transportVector, transportVector, (a, b) => {
      assert.deepEqual(dotsOf(a.join(b)), new Set([...dotsOf(a), ...dotsOf(b)]));
      const [mine, theirs] = [dotsOf(a), dotsOf(b)];
      assert.deepEqual(dotsOf(a.difference(b)), new Set([...mine].filter((each) => !theirs.has(each))));
      assert.deepEqual(dotsOf(a.intersection(b)), new Set([...mine].filter((each) => theirs.has(each))));
    }),
  );
});

test('difference and intersection together are the vector itself, and share nothing', () => {
  fc.assert(
    fc.property(transportVector, transportVector, (a, b) => {
      const missing = a.difference(b);
      const common = a.intersection(b);
      assert.ok(missing.join(common).equals(a));
      assert.ok(missing.intersection(common).isEmpty);
      assert.equal(missing.size + common.size, a.size);
    }),
  );
});

test('a vector covers another just when nothing of it is missing', () => {
  fc.assert(
    fc.property(transportVector, transportVector, (a, b) => {
      assert.equal(a.covers(b), b.difference(a).isEmpty);
      assert.ok(a.join(b).covers(a) && a.join(b).covers(b));
      assert.equal(a.covers(b) && b.covers(a), a.equals(b));
    }),
  );
});

test('dots added in any order, once or twice, give equal vectors', () => {
  const orders = fc
    .array(dot, { maxLength: 30 })
    .chain((dots) =>
      fc.tuple(fc.constant(dots), fc.shuffledSubarray([...dots, ...dots], { minLength: dots.length * 2 })),
    );
  fc.assert(
    fc.property(orders, ([dots, again]) => {
      const vector = vectorOf(dots);
      assert.ok(vectorOf(again).equals(vector));
      assert.equal(String(vectorOf(again)), String(vector));
      assert.ok(dots.every((each) => vector.has(each)));
      assert.equal(vector.size, new Set(dots.map(formatDot)).size);
    }),
  );
});

test('a vector made of its own entries is the same one', () => {
  fc.assert(
    fc.property(transportVector, (vector) => {
      assert.ok(TransportVector.of(vector.entries()).equals(vector));
      assert.ok(TransportVector.of(vector.entries().toReversed()).equals(vector));
    }),
  );
});

test('sets given for one origin are united', () => {
  fc.assert(
    fc.property(transportVector, transportVector, (a, b) => {
      assert.ok(TransportVector.of([...a.entries(), ...b.entries()]).equals(a.join(b)));
    }),
  );
});

test('entries come in the order of dots, and none is empty', () => {
  fc.assert(
    fc.property(transportVector, (vector) => {
      const entries = vector.entries();
      const first = entries.map(([from]) => ({ ...from, sequence: sequence(1) }));
      assert.deepEqual(first, [...first].sort(compareDots));
      assert.ok(entries.every(([, set]) => !set.isEmpty));
    }),
  );
});

test('setting one origin leaves the others, and an empty set takes it out', () => {
  fc.assert(
    fc.property(transportVector, origin, origin, intervalSet, (vector, changed, other, set) => {
      const next = vector.with(changed, set);
      assert.ok(next.get(changed).equals(set));
      if (formatDot({ ...changed, sequence: sequence(1) }) !== formatDot({ ...other, sequence: sequence(1) }))
        assert.ok(next.get(other).equals(vector.get(other)));
      const emptied = vector.with(changed, IntervalSet.empty);
      assert.ok(vector.covers(emptied) && emptied.get(changed).isEmpty);
    }),
  );
});

test('what has changed since an earlier vector are the origins that were written since, gone ones as well', () => {
  fc.assert(
    fc.property(transportVector, fc.array(fc.tuple(origin, intervalSet)), (before, writes) => {
      const after = writes.reduce((vector, [changed, set]) => vector.with(changed, set), before);
      const changed = new Set(after.changedSince(before).map(originKey));
      const all = [...before.entries(), ...after.entries()].map(([each]) => each);
      for (const each of all)
        assert.ok(changed.has(originKey(each)) || after.get(each).equals(before.get(each)), originKey(each));
      const written = new Set(writes.map(([each]) => originKey(each)));
      assert.ok([...changed].every((key) => written.has(key)));
    }),
  );
});

test('a filter keeps the origins that pass, whole', () => {
  fc.assert(
    fc.property(transportVector, (vector) => {
      const kept = vector.filter(({ fab }) => fab === 'tw');
      const others = vector.filter(({ fab }) => fab !== 'tw');
      assert.ok(kept.join(others).equals(vector));
      assert.ok(kept.entries().every(([from, set]) => from.fab === 'tw' && vector.get(from).equals(set)));
    }),
  );
});

test('no operation changes the vectors that it is given', () => {
  fc.assert(
    fc.property(transportVector, transportVector, dot, (a, b, each) => {
      const before = [String(a), String(b)];
      a.join(b);
      a.difference(b);
      a.intersection(b);
      a.add(each);
      a.with(each, IntervalSet.empty);
      assert.deepEqual([String(a), String(b)], before);
    }),
  );
});
