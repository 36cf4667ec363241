import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyAt } from '../../src/config/keys.ts';
import { filesBelow, sources } from '../house/source-files.ts';
import { documentOf } from './documents.ts';

const UNITS: Readonly<Record<string, number>> = {
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  ms: 1,
  s: 1000,
  min: 60_000,
};

/** A row of the table of bounds. */
interface Bound {
  readonly what: string;
  readonly name: string;
  /** In bytes, milliseconds or pieces. */
  readonly value: number;
  /** File; empty for a key of the configuration. */
  readonly file: string;
}

function bounds(): Bound[] {
  const section = documentOf('docs/ARCHITECTURE.md').text.split('## Bounds')[1]!.split('\n## ')[0]!;
  const rows = section.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  return rows.flatMap(([, what, name, value, file]) => {
    const quoted = /^`([\w.]+)`$/.exec(name ?? '')?.[1];
    return quoted ? [{ what: what!, name: quoted, value: quantity(value!), file: file! }] : [];
  });
}

/** `1,024`, `8 MiB`, `10 min`. */
function quantity(text: string): number {
  const [number, unit] = text.trim().split(' ');
  const factor = unit === undefined ? 1 : UNITS[unit];
  assert.ok(factor !== undefined, `${text} has a unit that is known`);
  return Number(number!.replaceAll(',', '')) * factor;
}

/** Value that a file gives a name, as a constant or as a field of one: a product or quotient of numbers and constants. */
function definedIn(text: string, name: string): number | undefined {
  const term = /(?:[\w]+)(?: [*/] [\w]+)*/.source;
  const found = new RegExp(`\\b${name}(?:: \\w+)?(?: =|:) (${term})[,; ]`, 'g');
  const [value] = [...text.matchAll(found)]
    .map(([, expression]) => evaluate(expression!))
    .filter((v) => !Number.isNaN(v));
  return value;
}

function evaluate(expression: string): number {
  const [first, ...rest] = expression.split(' ');
  let value = operand(first!);
  for (let i = 0; i < rest.length; i += 2) {
    const next = operand(rest[i + 1]!);
    value = rest[i] === '*' ? value * next : value / next;
  }
  return value;
}

/** A number, or a constant that one file alone defines. */
function operand(text: string): number {
  if (/^[\d_]+$/.test(text)) return Number(text.replaceAll('_', ''));
  if (!/^[A-Z][A-Z_]+$/.test(text)) return Number.NaN;
  const definitions = sources().filter((source) => source.text.includes(`const ${text} = `));
  return definitions.length === 1 ? (definedIn(definitions[0]!.text, text) ?? Number.NaN) : Number.NaN;
}

test('every bound in docs/ARCHITECTURE.md is the one in the code or the default of its key', () => {
  const rows = bounds();
  assert.ok(rows.length > 60, `${rows.length} bounds were found`);
  for (const { what, name, value, file } of rows) {
    if (file === '') assert.equal(keyAt(name.split('.'))?.default, value, `${what}: ${name}`);
    else {
      const [source] = filesBelow(file);
      assert.ok(source, `${what}: there is no ${file}`);
      assert.equal(definedIn(source.text, name), value, `${what}: ${name} in ${file}`);
    }
  }
});

test('products of numbers and constants are read', () => {
  assert.equal(definedIn('export const A = 2 * 1024 * 1024;', 'A'), 2 ** 21);
  assert.equal(definedIn('const A = MAX_UPDATE_BYTES / 2;', 'A'), 2 ** 20);
  assert.equal(definedIn('x = { a: number; a: 4_096, b: 2 }', 'a'), 4096);
  assert.equal(definedIn('const B = 1;', 'A'), undefined);
});
