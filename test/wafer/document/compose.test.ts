import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDot, originKey } from '../../../src/clocks/dot.ts';
import type { Timestamp } from '../../../src/clocks/hlc.ts';
import { TransportVector } from '../../../src/clocks/transport-vector.ts';
import { VersionVector } from '../../../src/clocks/version-vector.ts';
import { WafersyncError } from '../../../src/errors.ts';
import { composeEdit, type Draft } from '../../../src/wafer/document/compose.ts';
import { EDIT_BOUNDS, type Edit } from '../../../src/wafer/document/edit.ts';
import type { FieldPath } from '../../../src/wafer/document/field.ts';
import { DocumentState } from '../../../src/wafer/document/view.ts';
import { dotOf } from '../../support/document-siblings.ts';

type Values = Readonly<Record<string, string | null>>;

function draft(values: Values, part: Partial<Draft> = {}): Draft {
  return {
    ...{
      author: 'kim',
      reason: '',
      guards: [],
      policyVersion: 1,
      attempts: () => TransportVector.empty,
      conflicts: [],
    },
    values: new Map(Object.entries(values) as [FieldPath, string | null][]),
    ...part,
  };
}

/** A document of edits that are born one after another, each at a fab that has no other. */
function stateOf(...edits: readonly (readonly [fab: string, values: Values])[]): DocumentState {
  const state = new DocumentState();
  for (const [i, [fab, values]] of edits.entries()) {
    const edit = composeEdit(new DocumentState(), draft(values))!;
    state.apply(edit, { dot: dotOf(fab, i + 1), timestamp: (i + 1) as Timestamp });
  }
  return state;
}

function compose(state: DocumentState, values: Values, part: Partial<Draft> = {}): Edit | null {
  return composeEdit(state, draft(values, part));
}

function written(edit: Edit | null): Record<string, string | null> {
  return Object.fromEntries(edit!.writes.map(({ field, value }) => [field, value]));
}

function contexts(edit: Edit | null): Record<string, string> {
  return Object.fromEntries(
    edit!.writes.map(({ field, context }) => [
      field,
      context
        .entries()
        .map(([origin, head]) => `${originKey(origin)}:${head}`)
        .join(' '),
    ]),
  );
}

test('each write has seen the siblings of its own field, all of them, and nothing of another', () => {
  const state = stateOf(['tw', { '/a': '1' }], ['az', { '/a': '2' }], ['de', { '/b': '3' }]);
  const edit = compose(state, { '/a': '4', '/b': '5', '/c': '6' });
  const [tw, az, de] = [dotOf('tw', 1), dotOf('az', 2), dotOf('de', 3)].map(formatDot);
  assert.deepEqual(contexts(edit), { '/a': `${az} ${tw}`, '/b': de, '/c': '' });
  assert.deepEqual(
    edit!.writes.map(({ replaces }) => replaces.map(formatDot)),
    [[az, tw], [de], []],
  );
});

test('a context reaches back over what was replaced before', () => {
  const state = stateOf(['tw', { '/a': '1' }]);
  state.apply(compose(state, { '/a': '2' })!, { dot: dotOf('az', 7), timestamp: 9 as Timestamp });
  const [write] = compose(state, { '/a': '3' })!.writes;
  assert.equal(write!.context.compare(VersionVector.of([dotOf('tw', 1), dotOf('az', 7)])), 'equal');
  assert.deepEqual(write!.replaces.map(formatDot), [formatDot(dotOf('az', 7))]);
});

test('there is no edit where nothing would be written, and an equal value is written', () => {
  const state = stateOf(['tw', { '/a': '1' }]);
  assert.equal(compose(state, {}), null);
  assert.equal(compose(state, { '/b': null }), null);
  assert.deepEqual(written(compose(state, { '/a': '1' })), { '/a': '1' });
  state.apply(compose(state, { '/a': null })!, { dot: dotOf('tw', 2), timestamp: 2 as Timestamp });
  assert.equal(compose(state, { '/a': null }), null, 'it is removed already');
});

test('a value ends what stands above and below it; the marker of an object ends no members', () => {
  const members = stateOf(['tw', { '/a/b/c': '1', '/a/d': '2', '/ab': '3' }]);
  assert.deepEqual(written(compose(members, { '/a': '4' })), { '/a': '4', '/a/b/c': null, '/a/d': null });
  assert.deepEqual(written(compose(members, { '/a': '{}' })), { '/a': '{}' });
  const value = stateOf(['tw', { '/a': '1' }]);
  assert.deepEqual(written(compose(value, { '/a/b/c': '2' })), { '/a': null, '/a/b/c': '2' });
  const marker = stateOf(['tw', { '/a': '{}' }]);
  assert.deepEqual(written(compose(marker, { '/a/b': '2' })), { '/a/b': '2' });
});

test('a removal ends nothing else, unless the branch is cleared: then what is hidden goes too', () => {
  const state = stateOf(
    ['tw', { '/a': '{}', '/a/b': '1' }],
    ['az', { '/a/b/c': '2' }],
    ['de', { '/x': '1' }],
  );
  assert.deepEqual(written(compose(state, { '/a/b/c': null })), { '/a/b/c': null });
  const cleared = (path: string) => compose(state, { '/a/b/c': null }, { cleared: [path as FieldPath] });
  assert.deepEqual(written(cleared('/a/b/c')), { '/a/b': null, '/a/b/c': null });
  assert.deepEqual(written(cleared('/a')), { '/a': null, '/a/b': null, '/a/b/c': null });
  assert.deepEqual(written(cleared('')), { '/a': null, '/a/b': null, '/a/b/c': null, '/x': null });
});

test('an edit says what it had seen below its guards, and of edits that rest on what it writes', () => {
  const state = stateOf(['tw', { '/holds/H1': '"x"', '/b': '1' }], ['az', { '/disposition': '"ship"' }]);
  const seen = (edit: Edit | null) => edit!.seen.map(({ field }) => field);
  assert.deepEqual(seen(compose(state, { '/c': '1' })), []);
  assert.deepEqual(seen(compose(state, { '/disposition': '"ship"' })), ['/holds/H1']);
  assert.deepEqual(seen(compose(state, { '/c': '1' }, { guards: ['/b' as FieldPath] })), ['/b']);
  assert.deepEqual(
    seen(compose(state, { '/holds/H2': '1' })),
    ['/disposition'],
    'the shipment rests on holds',
  );
});

test('which attempts the writer knew is said only by an edit that rests on them', () => {
  const attempts = () => TransportVector.empty.add(dotOf('tw', 1));
  const says = (values: Values, guards: string[] = []) =>
    !compose(new DocumentState(), values, { attempts, guards: guards as FieldPath[] })!.attemptsSeen.isEmpty;
  assert.ok(says({ '/verdicts/1,1': '"pass"' }) && says({ '/final_runs/r': 'true' }));
  assert.ok(says({ '/retired': 'true' }), 'a retirement rests on them, whoever writes it');
  assert.ok(!says({ '/retired': 'false' }) && !says({ '/a': '1' }, ['/holds']));
});

test('an edit has bounds, and what is just within them is taken', () => {
  const taken = (values: Values, part: Partial<Draft> = {}) =>
    assert.ok(compose(new DocumentState(), values, part));
  const over = (values: Values, part: Partial<Draft> = {}, state = new DocumentState()) =>
    assert.throws(
      () => compose(state, values, part),
      (error) =>
        error instanceof WafersyncError && error.code === 'invalid' && /over the bound/.test(error.message),
    );
  const many = (count: number, prefix: string): Values =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, '1']));
  const guards = (count: number) => Object.keys(many(count, '/g')) as FieldPath[];
  taken(many(EDIT_BOUNDS.writes, '/a'));
  over(many(EDIT_BOUNDS.writes + 1, '/a'));
  taken({ '/a': '1' }, { guards: guards(EDIT_BOUNDS.guards) });
  over({ '/a': '1' }, { guards: guards(EDIT_BOUNDS.guards + 1) });
  for (const part of ['author', 'reason'] as const) {
    taken({ '/a': '1' }, { [part]: 'x'.repeat(EDIT_BOUNDS[part]) });
    over({ '/a': '1' }, { [part]: 'x'.repeat(EDIT_BOUNDS[part] + 1) });
  }
  taken({ '/a': `"${'x'.repeat(EDIT_BOUNDS.valueBytes - 2)}"` });
  over({ '/a': `"${'é'.repeat(EDIT_BOUNDS.valueBytes / 2)}"` });
  const wide = stateOf(...['tw', 'az', 'de'].map((fab) => [fab, many(1500, `/h/${fab}`)] as const));
  over({ '/a': '1' }, { guards: ['/h' as FieldPath] }, wide);
});
