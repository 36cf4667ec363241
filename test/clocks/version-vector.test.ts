import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareDots, sequence } from '../../src/clocks/dot.ts';
import { VersionVector } from '../../src/clocks/version-vector.ts';
import { dot, versionVector } from '../support/clock-arbitraries.ts';

const dots = fc.array(dot, { maxLength: 12 });

/** Whether `a` has seen no more than `b`. */
function atMost(a: VersionVector, b: VersionVector): boolean {
  const order = a.compare(b);
  return order === 'before' || order === 'equal';
}

test('order of vectors is reflexive, antisymmetric and transitive', () => {
  fc.assert(
    fc.property(versionVector, versionVector, versionVector, (a, b, c) => {
      assert.equal(a.compare(a), 'equal');
      if (atMost(a, b) && atMost(b, a)) assert.deepEqual(a.entries(), b.entries());
      if (atMost(a, b) && atMost(b, c)) assert.ok(atMost(a, c));
    }),
  );
});

test('transitivity is met by vectors that grow', () => {
  fc.assert(
    fc.property(dots, dots, dots, (first, second, third) => {
      const a = VersionVector.of(first);
      const b = a.join(VersionVector.of(second));
      const c = b.join(VersionVector.of(third));
      assert.ok(atMost(a, b) && atMost(b, c) && atMost(a, c));
    }),
  );
});

test('comparing the other way round gives the opposite', () => {
  const opposite = { equal: 'equal', before: 'after', after: 'before', concurrent: 'concurrent' } as const;
  fc.assert(
    fc.property(versionVector, versionVector, (a, b) => assert.equal(b.compare(a), opposite[a.compare(b)])),
  );
});

test('one vector is at most another just when the other covers all that it covers', () => {
  fc.assert(
    fc.property(
      versionVector,
      versionVector,
      fc.array(dot, { minLength: 20, maxLength: 60 }),
      (a, b, all) => {
        const heads = a.entries().map(([from, head]) => ({ ...from, sequence: sequence(head) }));
        assert.equal(
          atMost(a, b),
          heads.every((head) => b.covers(head)),
        );
        if (atMost(a, b)) assert.ok(all.every((each) => !a.covers(each) || b.covers(each)));
      },
    ),
  );
});

test('join is the least upper bound', () => {
  fc.assert(
    fc.property(versionVector, versionVector, versionVector, (a, b, c) => {
      const join = a.join(b);
      assert.ok(atMost(a, join) && atMost(b, join));
      assert.deepEqual(join.entries(), b.join(a).entries());
      const bound = join.join(c);
      assert.ok(atMost(a, bound) && atMost(b, bound) && atMost(join, bound));
      assert.equal(atMost(join, c), atMost(a, c) && atMost(b, c));
    }),
  );
});

test('a vector of dots covers just these and what came before them at their origins', () => {
  fc.assert(
    fc.property(dots, dot, (given, asked) => {
      const before = given.some(
        (each) => each.fab === asked.fab && each.epoch === asked.epoch && asked.sequence <= each.sequence,
      );
      assert.equal(VersionVector.of(given).covers(asked), before);
    }),
  );
});

test('two lives of one fab are two origins', () => {
  fc.assert(
    fc.property(dot, dot, (a, b) => {
      fc.pre(a.fab === b.fab && a.epoch !== b.epoch);
      assert.equal(VersionVector.of([a]).covers(b), false);
      assert.equal(VersionVector.of([a]).compare(VersionVector.of([b])), 'concurrent');
    }),
  );
});

test('a vector is empty just when it was made of nothing, and is then before all others', () => {
  fc.assert(
    fc.property(dots, (given) => {
      const vector = VersionVector.of(given);
      assert.equal(vector.isEmpty, given.length === 0);
      assert.equal(VersionVector.empty.compare(vector), given.length === 0 ? 'equal' : 'before');
    }),
  );
});

test('entries come in the order of dots and make the same vector again', () => {
  fc.assert(
    fc.property(versionVector, (vector) => {
      const heads = vector.entries().map(([from, head]) => ({ ...from, sequence: sequence(head) }));
      assert.deepEqual(heads, [...heads].sort(compareDots));
      assert.equal(VersionVector.of(heads).compare(vector), 'equal');
      assert.ok(heads.every((head) => vector.get(head) === head.sequence));
    }),
  );
});
