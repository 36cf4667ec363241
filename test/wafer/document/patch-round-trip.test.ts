import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { epoch, fabId, sequence } from '../../../src/clocks/dot.ts';
import type { Timestamp } from '../../../src/clocks/hlc.ts';
import { TransportVector } from '../../../src/clocks/transport-vector.ts';
import { composeEdit } from '../../../src/wafer/document/compose.ts';
import type { Edit } from '../../../src/wafer/document/edit.ts';
import { canonicalJson, isObject, type Json } from '../../../src/wafer/document/json.ts';
import { applyPatch } from '../../../src/wafer/document/patch.ts';
import { render, templateOf } from '../../../src/wafer/document/shown.ts';
import type { DocumentState } from '../../../src/wafer/document/view.ts';
import { history, play } from '../../support/document-arbitraries.ts';
import { BASIS } from '../../support/document-policies.ts';
import { escaped, type PatchOperation, patched, pathsOf } from '../../support/json-patch.ts';

const TEMPLATE = templateOf('wafer') as Readonly<Record<string, Json>>;

/** What a random operation is made of, before the document says which paths there are. */
interface Draw {
  readonly op: PatchOperation['op'];
  readonly path: number;
  readonly from: number;
  /** Name of a new member; null keeps to the path. */
  readonly name: string | null;
  readonly value: Json;
}

const value = fc.constantFrom<Json>(
  ...[1, 'x', null, true, {}, { b: 1 }, { b: { c: 2 }, d: {} }, [1, { b: 2 }], []],
);

const draw: fc.Arbitrary<Draw> = fc.record({
  op: fc.constantFrom('add', 'add', 'replace', 'remove', 'remove', 'move', 'copy'),
  path: fc.nat(),
  from: fc.nat(),
  name: fc.constantFrom(null, 'b', 'd', 'x~y/z', 'constructor', 'toString', ''),
  value,
});

/** A patch that applies to a document, and the document by the letter of RFC 6902. */
function patchFor(document: Json, draws: readonly Draw[]): { patch: PatchOperation[]; expected: Json } {
  const patch: PatchOperation[] = [];
  let expected = document;
  for (const { op, path, from, name, value } of draws) {
    const paths = pathsOf(expected);
    const target = paths[path % paths.length]!;
    const member =
      name === null || op === 'remove' || op === 'replace' ? target : `${target}/${escaped(name)}`;
    const operation = { op, path: member, from: paths[from % paths.length]!, value } as PatchOperation;
    const next = member.split('/').length > 12 ? null : patched(expected, operation);
    if (next === null || !isObject(next)) continue;
    patch.push(operation);
    expected = next;
  }
  return { patch, expected };
}

function compose(state: DocumentState, patch: readonly PatchOperation[]): Edit | null {
  const document = render(state.below(''), BASIS);
  return composeEdit(state, {
    ...applyPatch(document, JSON.stringify(patch), TEMPLATE),
    ...{
      author: '',
      reason: '',
      guards: [],
      policyVersion: 1,
      attempts: () => TransportVector.empty,
      conflicts: [],
    },
  });
}

const BIRTH = {
  dot: { fab: fabId('zz'), epoch: epoch(2 ** 40), sequence: sequence(1) },
  timestamp: 1e9 as Timestamp,
};

const patches = fc.array(draw, { minLength: 1, maxLength: 6 });

test('a patch leaves the document that RFC 6902 says, over what is in every document', () => {
  fc.assert(
    fc.property(history, patches, (history, draws) => {
      const { state } = play(history)[0]!;
      const { patch, expected } = patchFor(render(state.below(''), BASIS), draws);
      const edit = compose(state, patch);
      if (edit) state.apply(edit, BIRTH);
      const found = render(state.below(''), BASIS);
      assert.deepEqual(
        JSON.parse(canonicalJson(found)),
        JSON.parse(canonicalJson({ ...TEMPLATE, ...(expected as typeof TEMPLATE) })),
        JSON.stringify(patch),
      );
    }),
    { numRuns: 500 },
  );
});

test('a field that a patch does not name keeps its siblings', () => {
  fc.assert(
    fc.property(history, patches, (history, draws) => {
      const { state } = play(history)[0]!;
      const { patch } = patchFor(render(state.below(''), BASIS), draws);
      const before = state.below('');
      const edit = compose(state, patch);
      if (edit) state.apply(edit, BIRTH);
      const named = patch.flatMap((operation) =>
        operation.op === 'move' ? [operation.path, operation.from] : [operation.path],
      );
      for (const [field, siblings] of before) {
        const near = named.some(
          (path) => `${field}/`.startsWith(`${path}/`) || `${path}/`.startsWith(`${field}/`),
        );
        if (!near) assert.deepEqual(state.siblings(field), siblings, field);
      }
    }),
    { numRuns: 300 },
  );
});
