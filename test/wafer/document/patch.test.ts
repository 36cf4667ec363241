import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../../../src/errors.ts';
import { WafersyncError } from '../../../src/errors.ts';
import { MAX_DEPTH } from '../../../src/wafer/document/field.ts';
import type { Json } from '../../../src/wafer/document/json.ts';
import { applyPatch, MAX_OPERATIONS, type Patched } from '../../../src/wafer/document/patch.ts';
import { templateOf } from '../../../src/wafer/document/shown.ts';

const DOCUMENT: Json = {
  ...(templateOf('wafer') as object),
  holds: { H1: { reason: 'probe card', until: null } },
  attributes: { lots: [1, { a: 2 }], card: { id: 7, maker: { name: 'x' } } },
};

type Row = readonly [op: string, path: string, valueOrFrom?: Json];

function patch(...rows: readonly Row[]): Patched {
  const operations = rows.map(([op, path, value]) => ({
    ...{ op, path },
    ...(value === undefined ? {} : op === 'move' || op === 'copy' ? { from: value } : { value }),
  }));
  return applyPatch(DOCUMENT, JSON.stringify(operations), templateOf('wafer'));
}

function values(...rows: readonly Row[]): Record<string, string | null> {
  return Object.fromEntries(patch(...rows).values);
}

function refused(work: () => unknown, code: ErrorCode, ...says: readonly RegExp[]): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof WafersyncError, String(error));
    assert.equal(error.code, code, error.message);
    for (const part of says) assert.match(error.message, part);
    return true;
  });
}

test('members of an object are fields, each with its net value', () => {
  assert.deepEqual(values(['add', '/holds/H2', { reason: 'chuck', by: { name: 'kim' } }]), {
    '/holds/H2/by/name': '"kim"',
    '/holds/H2/reason': '"chuck"',
  });
  assert.deepEqual(values(['replace', '/disposition', 'hold'], ['replace', '/disposition', 'scrap']), {
    '/disposition': '"scrap"',
  });
});

test('a value that stays equal is written all the same, and so is null', () => {
  assert.deepEqual(values(['replace', '/disposition', 'none']), { '/disposition': '"none"' });
  assert.deepEqual(values(['replace', '/holds/H1/until', null]), { '/holds/H1/until': 'null' });
  assert.deepEqual(values(['add', '/holds/H9', 1], ['remove', '/holds/H9']), { '/holds/H9': null });
});

test('replacing an object removes those of its members that the new one has not', () => {
  assert.deepEqual(values(['replace', '/holds/H1', { reason: 'chuck', by: 'kim' }]), {
    '/holds/H1/by': '"kim"',
    '/holds/H1/reason': '"chuck"',
    '/holds/H1/until': null,
  });
  assert.deepEqual(values(['replace', '/holds/H1', 'probe card']), {
    '/holds/H1': '"probe card"',
    '/holds/H1/reason': null,
    '/holds/H1/until': null,
  });
});

test('an array is one value, whatever of it changes', () => {
  const whole = '[1,{"a":2}';
  assert.deepEqual(values(['add', '/attributes/lots/-', 3]), { '/attributes/lots': `${whole},3]` });
  assert.deepEqual(values(['add', '/attributes/lots/2', 3]), { '/attributes/lots': `${whole},3]` });
  assert.deepEqual(values(['replace', '/attributes/lots/1/a', 5]), { '/attributes/lots': '[1,{"a":5}]' });
  assert.deepEqual(values(['remove', '/attributes/lots/1']), { '/attributes/lots': '[1]' });
  assert.deepEqual(values(['add', '/attributes/lots', []]), { '/attributes/lots': '[]' });
});

test('an object that is left empty has a marker, but not one that is in every document', () => {
  assert.deepEqual(values(['add', '/holds/H2', {}]), { '/holds/H2': '{}' });
  assert.deepEqual(values(['remove', '/holds/H1/reason'], ['remove', '/holds/H1/until']), {
    '/holds/H1': '{}',
    '/holds/H1/reason': null,
    '/holds/H1/until': null,
  });
  assert.deepEqual(values(['remove', '/holds/H1']), { '/holds/H1/reason': null, '/holds/H1/until': null });
});

test('a document that is left empty is no field', () => {
  const { values } = patch(['replace', '', {}]);
  assert.ok(!values.has('' as never));
  assert.ok([...values.values()].every((value) => value === null));
});

test('move takes the fields along; copy leaves them', () => {
  const moved = { '/attributes/c/id': '7', '/attributes/c/maker/name': '"x"' };
  assert.deepEqual(values(['copy', '/attributes/c', '/attributes/card']), moved);
  assert.deepEqual(values(['move', '/attributes/c', '/attributes/card']), {
    ...moved,
    '/attributes/card/id': null,
    '/attributes/card/maker/name': null,
  });
  assert.deepEqual(values(['move', '/attributes/first', '/attributes/lots/0']), {
    '/attributes/first': '1',
    '/attributes/lots': '[{"a":2}]',
  });
  refused(() => patch(['move', '/attributes/card/x', '/attributes/card']), 'invalid', /itself/);
  refused(() => patch(['move', '/attributes/x', '/attributes/none']), 'precondition', /\/attributes\/none/);
  refused(() => patch(['copy', '/attributes/x', '/attributes/none']), 'precondition', /\/attributes\/none/);
});

test('what a patch names is cleared; what it tests, it rests on: of a value within an array, on the array', () => {
  const { cleared, tests } = patch(
    ['test', '/attributes/lots/1/a', 2],
    ['test', '/attributes/lots/0', 1],
    ['test', '/holds/H1', { until: null, reason: 'probe card' }],
    ['remove', '/holds/H1'],
    ['move', '/attributes/c', '/attributes/card'],
  );
  assert.deepEqual(tests, ['/attributes/lots', '/holds/H1']);
  assert.deepEqual(cleared, ['/holds/H1', '/attributes/c', '/attributes/card']);
  assert.deepEqual(values(['test', '/disposition', 'none']), {}, 'a test writes nothing');
});

test('a test that fails says which operation it was and what was there', () => {
  const failing = (path: string, value: Json) => () =>
    patch(['replace', '/disposition', 'hold'], ['test', path, value]);
  refused(
    failing('/disposition', 'none'),
    'conflict',
    /^operation 2 \(test \/disposition\) fails/,
    /"hold" there/,
  );
  refused(failing('/holds/H1/until', 'x'), 'conflict', /has null there/);
  refused(failing('/holds/H2', null), 'conflict', /has nothing there/);
  refused(failing('/attributes/lots/0', 2), 'conflict', /has 1 there/);
  refused(failing('/attributes/lots/01', { a: 2 }), 'conflict', /has nothing there/);
  refused(failing('/attributes/toString', 1), 'conflict', /has nothing there/);
});

test('an operation whose path leads nowhere says which it was', () => {
  const nowhere = (...rows: Row[]) =>
    refused(
      () => patch(['test', '/disposition', 'none'], ...rows),
      'precondition',
      /^operation 2/,
      /nothing was written$/,
    );
  nowhere(['remove', '/holds/H2']);
  nowhere(['replace', '/holds/H2', 1]);
  nowhere(['add', '/holds/H2/reason', 'x']);
  nowhere(['add', '/disposition/x', 1]);
  nowhere(['add', '/attributes/lots/3', 1]);
  nowhere(['add', '/attributes/lots/01', 1]);
  nowhere(['remove', '/attributes/lots/2']);
  nowhere(['replace', '/attributes/lots/-', 1]);
  nowhere(['replace', '/attributes/lots/length', 1]);
});

test('names that every object has in JavaScript are names like any other', () => {
  for (const name of ['toString', 'constructor', 'hasOwnProperty', 'valueOf']) {
    const field = `/attributes/${name}`;
    refused(() => patch(['remove', field]), 'precondition', /there is nothing at/);
    refused(() => patch(['replace', field, 1]), 'precondition', /there is nothing at/);
    refused(() => patch(['copy', '/attributes/x', field]), 'precondition', /there is nothing at/);
    refused(() => patch(['add', `${field}/x`, 1]), 'precondition');
    assert.deepEqual(values(['add', field, 1]), { [field]: '1' });
    assert.deepEqual(values(['add', field, { x: 1 }], ['replace', `${field}/x`, 2]), { [`${field}/x`]: '2' });
  }
});

test('__proto__ is no name, in a path or in a value', () => {
  refused(() => patch(['add', '/attributes/__proto__', 1]), 'invalid', /__proto__/);
  refused(() => patch(['add', '/__proto__/x', 1]), 'invalid', /__proto__/);
  refused(() => patch(['copy', '/attributes/x', '/__proto__']), 'invalid', /__proto__/);
  const hidden = '[{"op":"add","path":"/attributes/x","value":{"y":{"__proto__":{"z":1}}}}]';
  refused(() => applyPatch(DOCUMENT, hidden, {}), 'invalid', /__proto__/);
  assert.equal(Object.hasOwn(Object.prototype, 'z'), false);
});

test('what is no patch is refused', () => {
  const bad = (text: string, ...says: RegExp[]) =>
    refused(() => applyPatch(DOCUMENT, text, {}), 'invalid', ...says);
  bad('', /not JSON/);
  bad('[{"op":"add"', /not JSON/);
  bad('{"op":"remove","path":"/holds"}', /no array/);
  bad('[null]', /operation 1 .* no op/);
  bad('[{"op":"add","value":1}]', /operation 1 .* no path/);
  bad('[{"op":"add","path":"holds","value":1}]', /no JSON Pointer/);
  bad('[{"op":"add","path":"/a~2","value":1}]', /no JSON Pointer/);
  bad('[{"op":"add","path":"/a"}]', /operation 1 \(add \/a\)/);
  bad('[{"op":"move","path":"/a"}]', /no from/);
  bad('[{"op":"copy","path":"/a","from":3}]', /no from/);
  bad('[{"op":"_get","path":"/holds"}]', /_get, which is none/);
  bad('[{"op":"toString","path":"/holds"}]', /which is none/);
  bad('[{"op":"remove","path":""}]', /no object as the document/);
  bad('[{"op":"replace","path":"","value":[]}]', /no object as the document/);
  bad('[{"op":"add","path":"/a","value":1e999}]', /too great/);
  bad('[{"op":"add","path":"/a","value":{"b":[-1e999]}}]', /too great/);
  bad(`[{"op":"add","path":"/a","value":${'['.repeat(1e5)}${']'.repeat(1e5)}}]`);
});

test('a patch, a path and a depth have bounds', () => {
  const operation: Row = ['test', '/disposition', 'none'];
  assert.equal(patch(...Array<Row>(MAX_OPERATIONS).fill(operation)).values.size, 0);
  refused(() => patch(...Array<Row>(MAX_OPERATIONS + 1).fill(operation)), 'invalid', /2001 operations/);
  const nested = (depth: number): Json => (depth === 0 ? 1 : { a: nested(depth - 1) });
  assert.equal(patch(['add', '/x', nested(MAX_DEPTH - 1)]).values.size, 1);
  refused(() => patch(['add', '/x', nested(MAX_DEPTH)]), 'invalid', /levels deep/);
  refused(
    () => patch(['add', '/x', nested(MAX_DEPTH - 1)], ['add', '/y', {}], ['move', '/y/x', '/x']),
    'invalid',
    /levels deep/,
  );
  refused(() => patch(['add', `/${'x'.repeat(512)}`, 1]), 'invalid', /bytes long/);
});

test('copies that double the document again and again are stopped at the bound of a document', () => {
  const doubling = Array.from({ length: 60 }, (_, i): Row => ['copy', `/attributes/c${i}`, '/attributes']);
  refused(() => patch(...doubling), 'invalid', /^operation \d+ \(copy /, /larger than 1048576 bytes/);
});
