import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FieldPath } from '../../../src/wafer/document/field.ts';
import { isPolicyName, type PolicyName } from '../../../src/wafer/document/policies/index.ts';
import { ANY_PRODUCT, BUILT_IN, matches, Rules } from '../../../src/wafer/document/rules.ts';
import { HOME_FAB, homeFabOf, showField } from '../../../src/wafer/document/shown.ts';
import { DocumentState } from '../../../src/wafer/document/view.ts';
import { dotOf, sibling } from '../../support/document-siblings.ts';

interface Entry {
  readonly product: string;
  readonly pattern: string;
  readonly policy: string;
}

function ruled(entries: readonly Entry[], field: string, product = ''): string {
  const { policy, pattern } = new Rules(entries, 1).of(field as FieldPath, product);
  return `${pattern} ${policy}`;
}

const any = (pattern: string, policy: string): Entry => ({ product: ANY_PRODUCT, pattern, policy });
const of = (product: string, pattern: string, policy: string): Entry => ({ product, pattern, policy });

test('where the mesh says nothing, the last writer decides, notes and tags are kept, verdicts are for a person', () => {
  assert.equal(ruled([], '/disposition'), '/** last-writer-wins');
  assert.equal(ruled([], '/notes/N1/text'), '/notes/** keep-all');
  assert.equal(ruled([], '/tags/t'), '/tags/** keep-all');
  assert.equal(ruled([], '/verdicts/1,1'), '/verdicts/* manual');
  assert.equal(Rules.builtIn.list().length, BUILT_IN.length);
  assert.ok(Rules.builtIn.list().every(({ builtIn }) => builtIn));
});

test('a rule of the product goes before one for all, however specific that is', () => {
  const entries = [any('/a/b/c', 'manual'), of('P1', '/**', 'keep-all'), of('P2', '/a/**', 'worst-bin')];
  assert.equal(ruled(entries, '/a/b/c', 'P1'), '/** keep-all');
  assert.equal(ruled(entries, '/a/b/c', 'P2'), '/a/** worst-bin');
  assert.equal(
    ruled(entries, '/x', 'P2'),
    '/** last-writer-wins',
    'where it has none that matches, one for all',
  );
  assert.equal(ruled(entries, '/a/b/c', 'P3'), '/a/b/c manual');
  assert.equal(ruled(entries, '/a/b/c'), '/a/b/c manual', 'a wafer of no product has no rule of one');
});

test('the rule that names most goes first; one segment before the rest; the own one before what is built in', () => {
  const entries = [
    any('/**', 'manual'),
    any('/a/**', 'worst-bin'),
    any('/a/*', 'keep-all'),
    any('/a/b', 'most-restrictive'),
    any('/*/b/c', 'home-fab-first'),
    any('/notes/**', 'manual'),
  ];
  assert.equal(ruled(entries, '/a/b'), '/a/b most-restrictive');
  assert.equal(ruled(entries, '/a/x'), '/a/* keep-all');
  assert.equal(ruled(entries, '/a/x/y'), '/a/** worst-bin');
  assert.equal(ruled(entries, '/a/b/c'), '/*/b/c home-fab-first', 'two names against one');
  assert.equal(ruled(entries, '/x'), '/** manual');
  assert.equal(ruled(entries, '/notes/n'), '/notes/** manual');
});

test('a policy that this version does not know is passed over', () => {
  assert.equal(ruled([any('/a', 'by-moonlight'), any('/**', 'manual')], '/a'), '/** manual');
  for (const name of ['toString', '__proto__', '']) assert.equal(isPolicyName(name), false);
});

test('a pattern stands for one segment by *, for the rest by ** at its end, and for names with / by ~1', () => {
  assert.ok(matches('/a/*', ['a', 'b']));
  assert.ok(!matches('/a/*', ['a']) && !matches('/a/*', ['a', 'b', 'c']));
  assert.ok(matches('/a/**', ['a', 'b', 'c']) && matches('/a/**', ['a']));
  assert.ok(!matches('/a/**', ['b']));
  assert.ok(matches('/**', ['a', 'b']));
  assert.ok(matches('/a~1b', ['a/b']) && !matches('/a~1b', ['a', 'b']));
});

test('rules hang on the set of entries, not on their order', () => {
  const segment = fc.constantFrom('a', 'b', '*');
  const pattern = fc
    .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([parts, open]) => `/${parts.join('/')}${open ? '/**' : ''}`);
  const policy = fc.constantFrom<PolicyName>('manual', 'worst-bin', 'keep-all', 'home-fab-first');
  const entry = fc.tuple(fc.constantFrom(ANY_PRODUCT, 'P1', 'P2'), pattern, policy);
  const entries = fc
    .uniqueArray(entry, { selector: ([product, pattern]) => `${product} ${pattern}`, maxLength: 8 })
    .map((list) => list.map(([product, pattern, policy]) => of(product, pattern, policy)));
  const field = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 });
  const cases = entries.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }), field),
  );
  fc.assert(
    fc.property(cases, ([list, shuffled, segments]) => {
      const path = `/${segments.join('/')}`;
      for (const product of ['', 'P1', 'P2']) {
        assert.equal(ruled(shuffled, path, product), ruled(list, path, product));
      }
    }),
  );
});

test('which fab is home the last writer says, whatever rule there is', () => {
  const rules = new Rules([any('/**', 'home-fab-first'), any(HOME_FAB, 'keep-all')], 1);
  const siblings = [
    sibling(dotOf('tw', 1), '"tw"', { timestamp: 2 }),
    sibling(dotOf('az', 1), '"az"', { timestamp: 3 }),
  ];
  const basis = { rules, product: '', facts: { homeFab: null } };
  assert.equal(showField(HOME_FAB, siblings, basis).choice.value, '"az"');
  assert.equal(homeFabOf({ siblings: () => siblings }), 'az');
  assert.equal(homeFabOf(new DocumentState()), null);
});
