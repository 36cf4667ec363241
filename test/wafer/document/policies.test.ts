import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FabId, fabId, formatDot } from '../../../src/clocks/dot.ts';
import type { Sibling } from '../../../src/wafer/document/edit.ts';
import { type Choice, POLICIES, type PolicyName } from '../../../src/wafer/document/policies/index.ts';
import { anySiblings, dotOf, sibling } from '../../support/document-siblings.ts';

const NAMES = Object.keys(POLICIES) as PolicyName[];

const anyFacts = fc
  .constantFrom(null, 'tw', 'de')
  .map((fab) => ({ homeFab: fab === null ? null : fabId(fab) }));

/** A choice without the order in which its siblings are named. */
function plain({ value, chosen }: Choice) {
  return { value, chosen: chosen.map(({ dot }) => formatDot(dot)).sort() };
}

/** What a policy shows of values written in this order, each at a fab of its own. */
function shows(policy: PolicyName, values: readonly (string | null)[], homeFab: FabId | null = null) {
  const fabs = ['az', 'de', 'il', 'kr', 'tw'];
  const siblings = values.map((value, i) => sibling(dotOf(fabs[i]!, 1), value, { timestamp: i + 1 }));
  return POLICIES[policy].choose(siblings, { homeFab }).value;
}

for (const name of NAMES) {
  const { choose } = POLICIES[name];

  test(`${name} looks at the set of siblings, not at their order`, () => {
    const shuffled = anySiblings.chain((siblings) =>
      fc.tuple(
        fc.constant(siblings),
        fc.shuffledSubarray([...siblings], { minLength: siblings.length }),
        anyFacts,
      ),
    );
    fc.assert(
      fc.property(shuffled, ([siblings, other, facts]) => {
        assert.deepEqual(plain(choose(other, facts)), plain(choose(siblings, facts)));
      }),
    );
  });

  test(`${name} chooses among the choices of a split what it chooses among all`, () => {
    fc.assert(
      fc.property(anySiblings, fc.nat(), anyFacts, (siblings, cut, facts) => {
        fc.pre(siblings.length > 1);
        const at = 1 + (cut % (siblings.length - 1));
        const parts = [siblings.slice(0, at), siblings.slice(at)];
        const winners = parts.flatMap((part) => [...choose(part, facts).chosen]);
        assert.deepEqual(plain(choose(winners, facts)), plain(choose(siblings, facts)));
      }),
    );
  });

  test(`${name} chooses its own choice again`, () => {
    fc.assert(
      fc.property(anySiblings, anyFacts, (siblings, facts) => {
        const choice = choose(siblings, facts);
        assert.deepEqual(plain(choose(choice.chosen, facts)), plain(choice));
      }),
    );
  });

  test(`${name} shows what one of the siblings wrote, and leaves them as they were`, () => {
    fc.assert(
      fc.property(anySiblings, anyFacts, (siblings, facts) => {
        const before = [...siblings];
        const { value, chosen } = choose(siblings, facts);
        assert.ok(chosen.length > 0);
        assert.ok(chosen.every((one) => siblings.includes(one)));
        if (name !== 'keep-all') assert.equal(value, chosen[0]!.value);
        assert.deepEqual(siblings, before);
      }),
    );
  });
}

test('keep-all keeps every value that differs, the earliest first, and none twice', () => {
  fc.assert(
    fc.property(anySiblings, (siblings) => {
      const values = new Set(siblings.map(({ value }) => value).filter((value) => value !== null));
      const shown = POLICIES['keep-all'].choose(siblings, { homeFab: null }).value;
      if (values.size === 0) assert.equal(shown, null);
      else if (values.size === 1) assert.equal(shown, [...values][0]);
      else {
        const kept = JSON.parse(shown!) as unknown[];
        assert.deepEqual(kept.map((value) => JSON.stringify(value)).sort(), [...values].sort());
      }
    }),
  );
  assert.equal(shows('keep-all', ['"b"', '"a"', '"b"']), '["b","a"]');
  assert.equal(shows('keep-all', ['"a"', null]), '"a"', 'a removal takes nothing that it has not seen');
});

test('last-writer-wins and manual show the greatest time, then the greatest dot', () => {
  for (const policy of ['last-writer-wins', 'manual'] as const) {
    const later = sibling(dotOf('az', 1), '1', { timestamp: 2 });
    const tied: Sibling[] = [
      sibling(dotOf('tw', 1), '2'),
      sibling(dotOf('tw', 2), '3'),
      sibling(dotOf('az', 9), '4'),
    ];
    assert.equal(POLICIES[policy].choose([...tied, later], { homeFab: null }).value, '1');
    assert.equal(POLICIES[policy].choose(tied, { homeFab: null }).value, '3');
    assert.equal(shows(policy, ['1', null]), null, 'a removal is a write');
  }
  assert.deepEqual(
    NAMES.filter((name) => POLICIES[name].manual),
    ['manual'],
  );
});

test('most-restrictive lets the least happen', () => {
  const order = ['"ship"', '"release"', null, '"hold"', '"scrap"'];
  for (const [i, less] of order.entries()) {
    for (const more of order.slice(i + 1)) {
      assert.equal(shows('most-restrictive', [more, less]), more);
      assert.equal(shows('most-restrictive', [less, more]), more);
    }
  }
  assert.equal(shows('most-restrictive', ['true', 'false']), 'true');
  assert.equal(
    shows('most-restrictive', ['"odd"', '"ship"']),
    '"odd"',
    'what it does not know is no shipment',
  );
  assert.equal(shows('most-restrictive', ['"hold"', '"odd"']), '"hold"');
  assert.equal(shows('most-restrictive', ['"none"', null]), null, 'of equal rank the last');
});

test('worst-bin shows fail, then the greatest bin', () => {
  assert.equal(shows('worst-bin', ['9', '10', '2']), '10', 'as numbers, not as texts');
  assert.equal(shows('worst-bin', ['"fail"', '"pass"']), '"fail"');
  assert.equal(shows('worst-bin', ['"fail"', '65535']), '"fail"');
  assert.equal(shows('worst-bin', ['0', '"pass"']), '0');
  assert.equal(shows('worst-bin', ['1', null]), '1');
  assert.equal(shows('worst-bin', ['"pass"', null]), '"pass"');
});

test('home-fab-first shows what the home fab wrote, and the last writer where it wrote nothing', () => {
  assert.equal(shows('home-fab-first', ['1', '2', '3'], fabId('az')), '1');
  assert.equal(shows('home-fab-first', ['1', '2', '3'], fabId('tw')), '3');
  assert.equal(shows('home-fab-first', ['1', '2', '3']), '3');
  assert.equal(shows('home-fab-first', [null, '2'], fabId('az')), null, 'its removal too');
});
