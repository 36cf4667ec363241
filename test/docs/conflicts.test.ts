import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wafersync } from '../../src/gen/wafersync.js';
import { checkValue } from '../../src/wafer/document/checks.ts';
import { EDIT_BOUNDS, type Sibling } from '../../src/wafer/document/edit.ts';
import { type FieldPath, MAX_DEPTH, MAX_PATH_BYTES } from '../../src/wafer/document/field.ts';
import { canonicalJson, type Json } from '../../src/wafer/document/json.ts';
import { MAX_OPERATIONS } from '../../src/wafer/document/patch.ts';
import { POLICIES, type PolicyName } from '../../src/wafer/document/policies/index.ts';
import { BUILT_IN } from '../../src/wafer/document/rules.ts';
import { templateOf } from '../../src/wafer/document/shown.ts';
import { services } from '../../src/wire/services.ts';
import { filesBelow, sources } from '../house/source-files.ts';
import { assertKnown, commandLines } from './command-lines.ts';
import { codeBlocks, documentOf } from './documents.ts';

const PAGE = documentOf('docs/CONFLICTS.md').text;

/** Rows of the table under this head: the cells of each. */
function table(head: string): string[][] {
  const [, rows] = PAGE.split(`${head}\n`);
  assert.ok(rows, head);
  const lines = rows.split('\n\n')[0]!.split('\n').slice(1);
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** What stands in back quotes. */
function quoted(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word!);
}

/** Whether a value may stand in a field. */
function mayStand(kind: 'wafer' | 'mesh', field: string, value: Json): boolean {
  try {
    checkValue(kind, field as FieldPath, canonicalJson(value), {});
    return true;
  } catch {
    return false;
  }
}

/** Members that the contract's enum has, without its prefix and the unset one. */
function enumWords(values: object, prefix: string): string[] {
  return Object.keys(values)
    .filter((name) => name.startsWith(prefix) && !name.endsWith('_UNSPECIFIED'))
    .map((name) => name.slice(prefix.length).toLowerCase());
}

test('the fields with a meaning of their own are those that the code checks, and take what is told', () => {
  const rows = table('| field | what may stand in it | what it does |');
  const [checks] = sources().filter(({ path }) => path === 'src/wafer/document/checks.ts');
  const [, listed] = checks!.text.split('const WAFER_CHECKS')[1]!.split(' = [');
  const patterns = [...listed!.split('\n];')[0]!.matchAll(/\[\s*'(\/[^']+)'/g)].map(([, field]) => field!);
  assert.deepEqual(rows.map(([field]) => quoted(field!)[0]).sort(), patterns.sort());
  for (const [cell, allowed] of rows) {
    const pattern = quoted(cell!)[0]!;
    const name = pattern.startsWith('/final_runs') ? 'a'.repeat(32) : '5,-33';
    const field = pattern.replace('*', name);
    const words = quoted(allowed!).map((word) => (/^(true|false)$/.test(word) ? word === 'true' : word));
    for (const word of words) assert.ok(mayStand('wafer', field, word), `${field} = ${word}`);
    assert.ok(!mayStand('wafer', field, { no: 'object' }), field);
    if (allowed!.startsWith('a text')) {
      assert.ok(mayStand('wafer', field, 'x'.repeat(256)), field);
      for (const text of ['', 'x'.repeat(257)]) assert.ok(!mayStand('wafer', field, text), field);
    } else assert.ok(!mayStand('wafer', field, 'anything else'), field);
    if (allowed!.startsWith('a bin')) {
      const [least, most] = [...allowed!.matchAll(/\d+/g)].map(([number]) => Number(number));
      for (const bin of [least!, most!]) assert.ok(mayStand('wafer', field, bin));
      for (const bin of [least! - 1, most! + 1, 1.5]) assert.ok(!mayStand('wafer', field, bin));
    }
  }
  assert.ok(!mayStand('wafer', '/rebins/W1', 1) && !mayStand('wafer', '/ink_offs/5', true));
});

test('the maps that are always there are those of an empty document', () => {
  const [, told] = /These are maps by id, and are always there: ([^.]+)\./.exec(PAGE)!;
  const maps = Object.entries(templateOf('wafer') as Record<string, Json>)
    .filter(([, value]) => typeof value === 'object')
    .map(([name]) => name);
  assert.deepEqual(quoted(told!).sort(), maps.sort());
});

test('the policies are those of the code, and their examples come out as told', () => {
  const rows = table('| policy | shown | for a person | example |');
  assert.deepEqual(
    rows.map(([name]) => quoted(name!)[0]),
    Object.keys(POLICIES),
  );
  for (const [name, , forAPerson] of rows) {
    assert.equal(forAPerson === 'yes', POLICIES[quoted(name!)[0]! as PolicyName].manual, name);
  }
  const write = (value: Json | null, timestamp: number, fab = 'tw') =>
    ({
      dot: { fab, epoch: 1, sequence: 1 },
      timestamp,
      value: value === null ? null : canonicalJson(value),
    }) as Sibling;
  const shown = (policy: PolicyName, siblings: Sibling[], homeFab: string | null = null) =>
    POLICIES[policy].choose(siblings, { homeFab: homeFab as never }).value;
  assert.equal(shown('last-writer-wins', [write('C', 2, 'az'), write('B', 1)]), '"C"');
  const ranked = ['scrap', 'hold', 'none', 'release', 'ship'];
  ranked.forEach((value, i) => {
    const later = ranked.slice(i + 1).map((other, j) => write(other, 10 + j, `f${j}`));
    assert.equal(shown('most-restrictive', [write(value, 1), ...later]), canonicalJson(value));
  });
  assert.equal(shown('most-restrictive', [write(null, 1), write('ship', 2, 'az')]), null);
  assert.equal(shown('most-restrictive', [write(true, 1), write(false, 2, 'az')]), 'true');
  assert.equal(shown('worst-bin', [write(7, 1), write(1, 2, 'az')]), '7');
  assert.equal(shown('worst-bin', [write('fail', 1), write(99, 2, 'az')]), '"fail"');
  assert.equal(shown('worst-bin', [write(1, 1), write('pass', 2, 'az')]), '1');
  assert.equal(shown('home-fab-first', [write(3, 1), write(4, 2, 'az')], 'tw'), '3');
  assert.equal(shown('home-fab-first', [write(3, 1), write(4, 2, 'az')]), '4');
  assert.equal(shown('keep-all', [write('b', 2, 'az'), write('a', 1)]), '["a","b"]');
});

test('the built-in rules are those of the code', () => {
  const rows = table('| pattern | policy |').map(([pattern, policy]) => [
    quoted(pattern!)[0],
    quoted(policy!)[0],
  ]);
  assert.deepEqual(rows, BUILT_IN);
});

test('the views that the mesh document may name are those that it takes', () => {
  const [, told] = /`\/views\/PRODUCT` is one of\n?([^.]+?), and `\/views\/\*`/s.exec(PAGE)!;
  for (const view of quoted(told!)) assert.ok(mayStand('mesh', '/views/chip', view), view);
  assert.ok(!mayStand('mesh', '/views/chip', 'anything else'));
});

test('kinds and states are those of the contract', () => {
  const { ConflictKind, ConflictState } = wafersync.v1;
  const [, kinds] = /^Kinds: ([^.]+)\./m.exec(PAGE)!;
  assert.deepEqual(quoted(kinds!), enumWords(ConflictKind, 'CONFLICT_KIND_'));
  const states = table("| state | meaning | the wafer's state |").map(([state]) => quoted(state!)[0]);
  assert.deepEqual(states, enumWords(ConflictState, 'CONFLICT_STATE_'));
  const situations = table('| situation | conflict? | who decides |');
  const told = new Set(situations.flatMap(([, conflict]) => quoted(conflict!)));
  assert.deepEqual([...told].sort(), enumWords(ConflictKind, 'CONFLICT_KIND_').sort());
});

test('the bounds in docs/CONFLICTS.md are those of the code', () => {
  const rows = new Map(table('| of an edit | bound |').map(([what, bound]) => [what, bound]));
  const grouped = (number: number) => number.toLocaleString('en-US');
  assert.deepEqual(Object.fromEntries(rows), {
    'operations of a patch': grouped(MAX_OPERATIONS),
    'fields written': grouped(EDIT_BOUNDS.writes),
    'guards, `test` operations included': grouped(EDIT_BOUNDS.guards),
    'fields that it says it had seen': grouped(EDIT_BOUNDS.seen),
    'a value': `${EDIT_BOUNDS.valueBytes / 1024} KiB`,
    'the document with it': `${EDIT_BOUNDS.documentBytes / 1024 ** 2} MiB`,
    author: `${grouped(EDIT_BOUNDS.author)} characters`,
    reason: `${grouped(EDIT_BOUNDS.reason)} characters`,
    'levels of a field': grouped(MAX_DEPTH),
    'path of a field': `${grouped(MAX_PATH_BYTES)} bytes`,
  });
});

test('every method that docs/CONFLICTS.md calls is served, and every request has fields of its message', () => {
  const methods = new Map(
    services.flatMap(({ name, methods }) =>
      Object.entries(methods).map(([method, definition]) => [`${name}/${method}`, definition]),
    ),
  );
  const text = codeBlocks(PAGE)
    .map((block) => block.text)
    .join('\n');
  const contract = filesBelow('proto/wafersync/v1/wafers.proto')[0]!.text;
  const calls = [...text.matchAll(/-d '(\{[^']*\})'[^']*?\b(wafersync\.v1\.\w+\/\w+)/g)];
  assert.ok(calls.length >= 6, `${calls.length} calls`);
  for (const [, sent, path] of calls) {
    const method = methods.get(path!);
    assert.ok(method, path);
    const request = JSON.parse(sent!.replaceAll(/\n\s*/g, '')) as Record<string, unknown>;
    const message = `${path!.split('/')[1]}Request`;
    const body = new RegExp(`message ${message} \\{([^]*?)\\n\\}`).exec(contract)![1]!;
    for (const field of Object.keys(request))
      assert.match(body, new RegExp(`\\b${field} = \\d`), `${message}.${field}`);
    if (typeof request.patch_json === 'string') assert.ok(Array.isArray(JSON.parse(request.patch_json)));
  }
});

test('every command and option that docs/CONFLICTS.md names is in the help of the command', async () => {
  await assertKnown(commandLines(PAGE));
});
