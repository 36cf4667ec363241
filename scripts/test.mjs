// All checks, in order, up to the first that fails. `npm test -- PATH…` runs only these test files or folders;
// options such as `--test-name-pattern=held` go to the runner.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isSupported } from '../bin/runtime.mjs';
import { ensureBuilt } from './made.mjs';
import { root, run, script } from './support.mjs';

const CHECKS = [
  ['lint', 'biome', ['check', '.']],
  ['types of src', 'tsc', ['--noEmit']],
  ['types of test', 'tsc', ['-p', 'test']],
  ['contract', 'buf', ['lint']],
  ['contract format', 'buf', ['format', '--diff', '--exit-code']],
];

/** Bounds a file of tests that hangs. */
const TEST_LIMIT_MS = 300_000;

script('test', () => {
  const args = process.argv.slice(2);
  const chosen = args.filter((arg) => !arg.startsWith('-')).map(asPattern);
  if (chosen.length === 0) runChecks();
  title('build');
  ensureBuilt();
  title('tests');
  // Nothing is printed behind the runner's own closing lines.
  const options = ['--test-reporter=spec', '--test-concurrency=2', `--test-timeout=${TEST_LIMIT_MS}`];
  const runner = ['--test', ...options, ...args.filter((arg) => arg.startsWith('-'))];
  const files = chosen.length === 0 ? ['test/**/*.test.ts'] : chosen;
  process.exitCode = run('node', [...runner, ...files], typesTakenOut());
});

/** Up to 22.17 and 23.5, Node runs TypeScript only if it is told to; tests start processes of src too. */
function typesTakenOut() {
  if (!isSupported(process.version) || process.features.typescript) return {};
  return { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --experimental-strip-types`.trim() };
}

function runChecks() {
  for (const [name, program, args] of CHECKS) {
    title(name);
    const code = run(program, args);
    if (code !== 0)
      throw new Error(`stopped at "${name}": \`${program} ${args.join(' ')}\` ended with ${code}`);
  }
}

/** @param {string} path */
function asPattern(path) {
  const full = join(root, path);
  if (!existsSync(full)) throw new Error(`there is no ${path}`);
  return statSync(full).isDirectory() ? join(path, '**', '*.test.ts') : path;
}

/** @param {string} name */
function title(name) {
  process.stdout.write(`── ${name}\n`);
}
