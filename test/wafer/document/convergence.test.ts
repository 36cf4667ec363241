import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Conflict, conflictId, settlementOf } from '../../../src/wafer/document/conflict.ts';
import { segmentsOf, valueAt } from '../../../src/wafer/document/field.ts';
import { isObject, type Json } from '../../../src/wafer/document/json.ts';
import { render, templateOf } from '../../../src/wafer/document/shown.ts';
import { history, idsOf, play, WAFER } from '../../support/document-arbitraries.ts';
import { type MeshFab, modelSiblings, named, siblingsOf } from '../../support/document-mesh.ts';
import { nameOf } from '../../support/document-model.ts';
import { BASIS } from '../../support/document-policies.ts';

const TEMPLATE = templateOf('wafer') as Readonly<Record<string, Json>>;
const RUNS = { numRuns: 400 };

/** The document of a fab as it is shown. */
function shown({ state }: MeshFab): Record<string, Json> {
  return render(state.below(''), BASIS) as Record<string, Json>;
}

/** Conflicts as the model names them. */
function names(conflicts: readonly Conflict[]): string[] {
  const settlements = conflicts.map(settlementOf);
  return named(settlements.map((settlement) => ({ ...settlement, dots: settlement.dots.map(nameOf) })));
}

test('fabs that have the same edits have the same siblings, document and conflicts, whatever reached them when', () => {
  fc.assert(
    fc.property(history, (history) => {
      const [first, ...others] = play(history);
      for (const fab of others) {
        assert.deepEqual(siblingsOf(fab.state), siblingsOf(first!.state));
        assert.deepEqual(shown(fab), shown(first!));
        assert.deepEqual(idsOf(fab.conflicts()), idsOf(first!.conflicts()));
      }
    }),
    RUNS,
  );
});

test('once all have everything, the conflicts are those of the definition: none is missed, none invented', () => {
  fc.assert(
    fc.property(history, (history) => {
      const [fab] = play(history);
      const model = fab!.model();
      assert.deepEqual(siblingsOf(fab!.state), modelSiblings(model));
      assert.deepEqual(names(fab!.conflicts()), named(model.conflicts()));
    }),
    RUNS,
  );
});

test('a conflict stands once', () => {
  fc.assert(
    fc.property(history, (history) => {
      const [fab] = play(history);
      const found = names(fab!.conflicts());
      assert.deepEqual(found, [...new Set(found)]);
      for (const { members } of fab!.conflicts()) {
        const each = members.map(({ field, dot }) => `${field} ${nameOf(dot)}`);
        assert.deepEqual(each, [...new Set(each)]);
      }
    }),
    RUNS,
  );
});

/*
 * What a fab has not got, it may know of all the same: a write is no sibling as soon as one that came after it is
 * here, though it never arrived or arrives later. So the statement is of the edits applied here alone, whose pasts
 * reach beyond them.
 */
test('after each delivery, siblings and conflicts of fields and shapes are those of the edits that are here', () => {
  fc.assert(
    fc.property(history, (history) => {
      play(history, (fab) => {
        const model = fab.model();
        assert.deepEqual(siblingsOf(fab.state), modelSiblings(model));
        const found = fab.conflicts().filter(({ kind }) => kind !== 'guard');
        assert.deepEqual(names(found), named([...model.fieldConflicts(), ...model.shapeConflicts()]));
      });
    }),
    RUNS,
  );
});

test('the document shows of each field what its policy chooses, and of a value and its members the last written', () => {
  fc.assert(
    fc.property(history, (history) => {
      play(history, (fab) => {
        const expected = (fab.model().render() ?? {}) as Record<string, Json>;
        for (const [name, value] of Object.entries(shown(fab))) {
          assert.deepEqual(value, expected[name] ?? TEMPLATE[name], name);
        }
        assert.ok(Object.keys(expected).every((name) => Object.hasOwn(shown(fab), name)));
      });
    }),
    RUNS,
  );
});

test('of a value and its members, a conflict says that those are shown which the document shows', () => {
  fc.assert(
    fc.property(history, (history) => {
      play(history, (fab) => {
        for (const { field, members, chosen } of fab.conflicts().filter(({ kind }) => kind === 'shape')) {
          const value = valueAt(shown(fab), segmentsOf(field));
          // Where a value further up is shown, neither side is.
          if (value === undefined) continue;
          const side = members.filter((member) => (member.field !== field) === isObject(value));
          assert.deepEqual(new Set(chosen.map(nameOf)), new Set(side.map(({ dot }) => nameOf(dot))));
        }
      });
    }),
    RUNS,
  );
});

/** What a conflict is about, however its members change. */
function subjectOf({ kind, field, members }: Conflict): string {
  return `${kind} ${kind === 'guard' ? nameOf(members[0]!.dot) : field}`;
}

test('an edit names the conflicts that are over with it, and no other', () => {
  fc.assert(
    fc.property(history, (history) => {
      play(history, (fab, born, before) => {
        if (!born) return;
        const still = new Set(fab.conflicts().map(subjectOf));
        const over = before.filter((conflict) => !still.has(subjectOf(conflict)));
        const named = born.edit.settlements.map((settlement) => conflictId(WAFER, settlement)).sort();
        assert.deepEqual(named, idsOf(over));
      });
    }),
    RUNS,
  );
});
