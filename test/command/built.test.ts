import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Loads every file of dist but the entry, which would run, and those that run in a thread of their own. */
const LOAD_ALL = `
import { globSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
const files = globSync('dist/**/*.js', { exclude: ['dist/main.js', 'dist/**/*-worker.js'] });
for (const file of files) await import(pathToFileURL(file).href);
console.log(files.length);
`;

function node(...args: string[]) {
  return spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
}

before(() => {
  const { status, stdout, stderr } = node(join('scripts', 'setup.mjs'), '--build');
  assert.equal(status, 0, stdout + stderr);
});

test('every file of the built product can be loaded', () => {
  const { status, stdout, stderr } = node('--input-type=module', '--eval', LOAD_ALL);
  assert.equal(status, 0, stderr);
  assert.ok(Number(stdout) > 100, `${stdout.trim()} files`);
});

test('the built command tells its version', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const { status, stdout, stderr } = node(join('bin', 'wafersync.mjs'), '--version');
  assert.equal(status, 0, stderr);
  assert.equal(stdout.trim(), version);
});
