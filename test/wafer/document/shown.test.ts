import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Timestamp } from '../../../src/clocks/hlc.ts';
import { TransportVector } from '../../../src/clocks/transport-vector.ts';
import { VersionVector } from '../../../src/clocks/version-vector.ts';
import { shapeConflict } from '../../../src/wafer/document/conflict.ts';
import type { FieldPath } from '../../../src/wafer/document/field.ts';
import type { Json } from '../../../src/wafer/document/json.ts';
import { Rules } from '../../../src/wafer/document/rules.ts';
import { render } from '../../../src/wafer/document/shown.ts';
import { DocumentState } from '../../../src/wafer/document/view.ts';
import { dotOf } from '../../support/document-siblings.ts';

const BASIS = { rules: Rules.builtIn, product: '', facts: { homeFab: null } };

/** A document of writes that have not seen each other, in the order of their times. */
function documentOf(...writes: readonly (readonly [field: string, value: string | null])[]): DocumentState {
  const state = new DocumentState();
  for (const [i, [field, value]] of writes.entries()) {
    const write = { field: field as FieldPath, value, context: VersionVector.empty, replaces: [] };
    state.apply(
      {
        ...{ author: '', reason: '', policyVersion: 0, guards: [], seen: [], settlements: [] },
        ...{ writes: [write], attemptsSeen: TransportVector.empty },
      },
      { dot: dotOf('tw', i + 1), timestamp: (i + 1) as Timestamp },
    );
  }
  return state;
}

function shownAt(state: DocumentState, name: string): Json | undefined {
  return (render(state.below(''), BASIS) as Record<string, Json>)[name];
}

/** Values that the conflict of a value at /x says are shown. */
function chosen(state: DocumentState): (string | null)[] {
  const { members, chosen } = shapeConflict(state, '/x' as FieldPath, BASIS)!;
  return members
    .filter(({ dot }) => chosen.some(({ sequence }) => sequence === dot.sequence))
    .map(({ value }) => value);
}

test('of a value and members, whichever was written last is shown, in the document and in the conflict', () => {
  const value = documentOf(['/x/b', '1'], ['/x', '2']);
  assert.deepEqual([shownAt(value, 'x'), chosen(value)], [2, ['2']]);
  const members = documentOf(['/x/b', '1'], ['/x', '2'], ['/x/c/d', '3']);
  assert.deepEqual([shownAt(members, 'x'), chosen(members)], [{ b: 1, c: { d: 3 } }, ['1', '3']]);
});

test('the marker of an object counts as one of its members, against a value further up', () => {
  const state = documentOf(['/x/b/c', '1'], ['/x', '2'], ['/x/b', '{}']);
  assert.deepEqual(shownAt(state, 'x'), { b: { c: 1 } });
  assert.deepEqual(chosen(state), ['1', '{}']);
});

test('a marker yields to members, and is an empty object without them', () => {
  assert.deepEqual(shownAt(documentOf(['/x/b', '1'], ['/x', '{}']), 'x'), { b: 1 });
  assert.deepEqual(shownAt(documentOf(['/x', '{}']), 'x'), {});
  assert.equal(shapeConflict(documentOf(['/x/b', '1'], ['/x', '{}']), '/x' as FieldPath, BASIS), null);
});

test('what is removed is not shown, and what nobody wrote is as in every document', () => {
  assert.equal(shownAt(documentOf(['/x', null]), 'x'), undefined);
  assert.equal(shownAt(documentOf(), 'disposition'), 'none');
  assert.deepEqual(shownAt(documentOf(['/holds/H1', '1']), 'holds'), { H1: 1 });
  assert.equal(shownAt(documentOf(['/holds', '1']), 'holds'), 1);
});
