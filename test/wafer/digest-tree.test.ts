import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Branch, DigestTree, FEW_LEAVES, type Leaf, standingOf } from '../../src/wafer/digest-tree.ts';
import { formatSubject, type Subject, subjectKey } from '../../src/wafer/subject.ts';
import { dot } from '../support/clock-arbitraries.ts';

const KEYS = Array.from({ length: 300 }, (_, i) =>
  subjectKey({ kind: 'wafer', wafer: { lot: 'L', waferId: `W${i}`, insertion: '' } }),
);

/** What one fab has of a subject: of little choice, so that two often have the same. */
const content = fc.record({
  dots: fc.constantFrom('a'.repeat(32), 'b'.repeat(32)),
  log: fc.constantFrom('c'.repeat(32), 'd'.repeat(32)),
  tables: fc.constantFrom('e'.repeat(32), 'f'.repeat(32)),
});

const someLeaves: fc.Arbitrary<Leaf[]> = fc
  .array(fc.tuple(fc.nat({ max: KEYS.length - 1 }), content), { maxLength: 60 })
  .map((pairs) => [...new Map(pairs)].map(([i, leaf]) => ({ key: KEYS[i]!, ...leaf })));

/** A tree, and one that is the same but for some leaves. */
const twoTrees = fc.oneof(
  fc.tuple(someLeaves, someLeaves),
  fc.tuple(someLeaves, someLeaves).map(([all, few]): [Leaf[], Leaf[]] => {
    const changed = few.slice(0, 3);
    const kept = all.filter(({ key }) => !changed.some((other) => other.key === key));
    return [all, [...kept, ...changed]];
  }),
);

/** Goes down two trees as nodes do; tells the keys that differ, and how many branches were asked for. */
function walk(mine: DigestTree, theirs: DigestTree): { keys: string[]; asked: Branch[] } {
  const keys: string[] = [];
  const asked: Branch[] = [];
  for (let open = ['']; open.length > 0; ) {
    const branch = theirs.branch(open.pop()!);
    asked.push(branch);
    const { deeper, differing } = mine.against(branch);
    open = [...open, ...deeper];
    keys.push(...differing);
  }
  return { keys: keys.sort(), asked };
}

test('the walk down two trees finds just the leaves that are not the same in both', () => {
  fc.assert(
    fc.property(twoTrees, ([mine, theirs]) => {
      const text = ({ key, dots, log, tables }: Leaf) => key + dots + log + tables;
      const [a, b] = [new Set(mine.map(text)), new Set(theirs.map(text))];
      const odd = [...[...a].filter((one) => !b.has(one)), ...[...b].filter((one) => !a.has(one))];
      const expected = odd.map((one) => one.slice(0, 32));
      assert.deepEqual(walk(DigestTree.of(mine), DigestTree.of(theirs)).keys, [...new Set(expected)].sort());
    }),
  );
});

test('trees have the same digest where they have the same leaves, whatever their order', () => {
  fc.assert(
    fc.property(twoTrees, ([mine, theirs]) => {
      const [a, b] = [DigestTree.of(mine), DigestTree.of(theirs)];
      assert.equal(DigestTree.of(mine.toReversed()).digest(), a.digest());
      assert.equal(a.digest() === b.digest(), walk(a, b).keys.length === 0);
    }),
  );
});

test('only branches that differ are asked for, and a branch is small', () => {
  const leaves = KEYS.map((key) => ({ key, dots: 'a', log: 'b', tables: 'c' }));
  const other = leaves.map((leaf, i) => (i === 7 ? { ...leaf, tables: 'd' } : leaf));
  const { keys, asked } = walk(DigestTree.of(leaves), DigestTree.of(other));
  assert.deepEqual(keys, [KEYS[7]]);
  assert.ok(asked.length <= 4, `${asked.length} branches`);
  for (const { prefix, parts, leaves: given } of asked) {
    assert.ok(KEYS[7]!.startsWith(prefix));
    assert.ok(parts ? parts.length === 16 : given!.length <= FEW_LEAVES);
  }
  assert.equal(walk(DigestTree.of(leaves), DigestTree.of(leaves)).asked.length, 1);
});

test('what is no branch is refused', () => {
  for (const prefix of ['g', 'A', '0x', '0'.repeat(33)])
    assert.throws(() => DigestTree.of([]).branch(prefix), { code: 'invalid' });
});

test('where other updates are applied, something is on its way; else what differs is wrong somewhere', () => {
  const leaf = { key: KEYS[0]!, dots: 'a', log: 'b', tables: 'c' };
  assert.equal(standingOf(leaf, { ...leaf }), 'equal');
  assert.equal(standingOf(undefined, undefined), 'equal');
  assert.equal(standingOf(leaf, { ...leaf, dots: 'x', log: 'y', tables: 'z' }), 'on-its-way');
  assert.equal(standingOf(leaf, undefined), 'on-its-way');
  assert.equal(standingOf(leaf, { ...leaf, log: 'y' }), 'different');
  assert.equal(standingOf({ ...leaf, tables: 'y' }, leaf), 'different');
});

test('subjects have keys of their own, and names', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (lot, waferId, insertion) => {
      const wafer: Subject = { kind: 'wafer', wafer: { lot, waferId, insertion } };
      assert.match(subjectKey(wafer), /^[0-9a-f]{32}$/);
      const moved: Subject = { kind: 'wafer', wafer: { lot: `${lot}${waferId}`, waferId: '', insertion } };
      assert.equal(subjectKey(moved) === subjectKey(wafer), waferId === '');
    }),
  );
  fc.assert(
    fc.property(dot, (purge) => {
      assert.match(formatSubject({ kind: 'purge', purge }), /^purge [a-z].*:\d+$/);
    }),
  );
  const mesh: Subject = { kind: 'wafer', wafer: { lot: '', waferId: '', insertion: '' } };
  assert.equal(formatSubject(mesh), 'the mesh document');
  assert.equal(
    formatSubject({ kind: 'wafer', wafer: { lot: 'L', waferId: 'W', insertion: '' } }),
    'wafer L/W/-',
  );
});
