import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import { filesBelow, type SourceFile, sources, undocumented } from './source-files.ts';

const MAX_LINES = 400;

/** Files of these that a pattern is in. */
function matching(files: readonly SourceFile[], pattern: RegExp): string[] {
  return files.filter(({ text }) => pattern.test(text)).map(({ path }) => path);
}

test('no source has more than 400 lines', () => {
  const long = sources().filter(({ text }) => text.split('\n').length - 1 > MAX_LINES);
  assert.deepEqual(
    long.map(({ path }) => path),
    [],
  );
});

test('every exported declaration has a docstring', () => {
  const missing = sources().flatMap(({ path, text }) => undocumented(text).map((name) => `${path}: ${name}`));
  assert.deepEqual(missing, []);
});

test('only the command line writes to the console', () => {
  const others = sources().filter(({ path }) => !path.startsWith('src/cli/'));
  assert.deepEqual(matching(others, /\bconsole\./), []);
});

test('nothing is left to be done later', () => {
  // Put together here, so that this file does not hold the words.
  const words = ['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'];
  const written = filesBelow('src', 'test', 'scripts', 'bin', 'proto', 'docs', 'deploy', 'README.md');
  assert.deepEqual(matching(written, new RegExp(`\\b(${words.join('|')})\\b`)), []);
});

test('files have kebab-case names', () => {
  const name = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;
  const files = filesBelow('src', 'test', 'scripts', 'bin', 'proto', 'docs/adr', 'deploy');
  const paths = files.map(({ path }) => path).filter((path) => !path.startsWith('test/fixtures/'));
  assert.deepEqual(
    paths.filter((path) => !name.test(posix.basename(path))),
    [],
  );
});

test('the lock names no registry, so that any mirror serves', () => {
  assert.deepEqual(matching(filesBelow('package-lock.json'), /"resolved": "https?:/), []);
});

test('an export without a docstring is found', () => {
  const text = `/** Documented. */
export const a = 1;
export const b = 2;
// A comment is no docstring.
export function c() {}
/* Nor is this. */
export class D {}
/**
 * Documented.
 */
// biome-ignore lint/x: reason
export type E = 1;
/** Documented. */
export function f(x: string): string;
export function f(x: number): number;
export { a as g };
`;
  assert.deepEqual(undocumented(text), ['b', 'c', 'D']);
});
