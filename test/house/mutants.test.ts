import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PATCHES = join(ROOT, 'test', 'mutants');
const TESTING = readFileSync(join(ROOT, 'docs', 'TESTING.md'), 'utf8');
/** Number of a mutant. */
function numberOf(file: string): number {
  return Number.parseInt(file, 10);
}

/** In the order of their numbers. */
const FILES = readdirSync(PATCHES).sort((a, b) => numberOf(a) - numberOf(b));
const SCRIPT = join(ROOT, 'scripts', 'mutants.mjs');

for (const file of FILES) {
  test(`mutant ${file} says what it breaks, applies to the code, and names tests that exist`, () => {
    assert.match(file, /^\d{2,3}-[a-z0-9-]+\.patch$/);
    const text = readFileSync(join(PATCHES, file), 'utf8');
    assert.match(text, /^# Bug: \S.*\.$/m);
    const tests = /^# Tests: (.+)$/m.exec(text)?.[1]?.split(' ') ?? [];
    assert.notEqual(tests.length, 0, 'no line "# Tests: …"');
    for (const path of tests) assert.ok(existsSync(join(ROOT, path)), `there is no ${path}`);
    const changed = [...text.matchAll(/^\+\+\+ b\/(\S+)/gm)].map((match) => match[1]!);
    assert.ok(changed.length > 0 && changed.every((path) => path.startsWith('src/')), changed.join());
    const check = spawnSync('git', ['apply', '--check', join(PATCHES, file)], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    assert.equal(check.status, 0, check.stderr);
  });
}

test('docs/TESTING.md lists the mutants, and what is wrong in each', () => {
  const rows = [...TESTING.matchAll(/^\| `(\d{2,3}-[^`]+)` \| (.+?) \| .+ \|$/gm)].map(([, name, bug]) => [
    name,
    bug,
  ]);
  const mutants = FILES.map((file) => {
    const text = readFileSync(join(PATCHES, file), 'utf8');
    return [file.replace('.patch', ''), /^# Bug: (.+)$/m.exec(text)?.[1]?.replaceAll('|', '\\|')];
  });
  assert.deepEqual(rows, mutants);
});

test('no two mutants have one number', () => {
  const numbers = FILES.map(numberOf);
  assert.equal(new Set(numbers).size, numbers.length);
});

const CODE = 'export function add(a, b) {\n  return a + b;\n}\n';

/** A mutant of the small product below. */
function patch(line: string, tests = 'test/add.test.js'): string {
  return `# Bug: it is wrong.
# Tests: ${tests}
--- a/src/add.js
+++ b/src/add.js
@@ -1,3 +1,3 @@
 export function add(a, b) {
-  return a + b;
+${line}
 }
`;
}

/** Runs mutants of a small product. */
function judge(folder: string, patches: Readonly<Record<string, string>>) {
  for (const name of ['src', 'test', 'test/mutants']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(join(folder, 'src', 'add.js'), CODE);
  const asserts = (wrong: string) => `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { add } from '../src/add.js';
test('adds', () => assert.equal(add(2, 3), ${wrong}));
`;
  writeFileSync(join(folder, 'test', 'add.test.js'), asserts('5'));
  writeFileSync(join(folder, 'test', 'wrong.test.js'), asserts('6'));
  for (const [name, text] of Object.entries(patches)) {
    writeFileSync(join(folder, 'test', 'mutants', `${name}.patch`), text);
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, '--json', '--root', folder], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  const verdicts = JSON.parse(stdout || '[]') as { name: string; fate: string; detail: string }[];
  return {
    status,
    stderr,
    fates: Object.fromEntries(verdicts.map(({ name, fate }) => [name, fate])),
    verdicts,
  };
}

test('the runner tells a mutant that is noticed from one that is not, and from one that proves nothing', (t) => {
  const { status, fates } = judge(temporaryFolder(t), {
    broken: patch('  return a +* b;'),
    inapplicable: patch('  return a - b;').replace('-  return a + b;', '-  return b + a;'),
    killed: patch('  return a - b;'),
    survived: patch('  return b + a;'),
    unfounded: patch('  return a - b;', 'test/wrong.test.js'),
  });
  assert.deepEqual(fates, {
    broken: 'broken',
    inapplicable: 'inapplicable',
    killed: 'killed',
    survived: 'survived',
    unfounded: 'unfounded',
  });
  assert.equal(status, 1);
});

test('the runner ends with 0 where every mutant is noticed, each in code without the others', (t) => {
  const { status, verdicts } = judge(temporaryFolder(t), {
    minus: patch('  return a - b;'),
    times: patch('  return a * b;'),
    zero: patch('  return 0;'),
  });
  assert.equal(status, 0);
  assert.deepEqual(
    verdicts.map(({ fate, detail }) => [fate, detail]),
    [
      ['killed', 'adds'],
      ['killed', 'adds'],
      ['killed', 'adds'],
    ],
  );
});

test('a mutant without its headers is told by name', (t) => {
  const { status, stderr } = judge(temporaryFolder(t), { nameless: CODE });
  assert.equal(status, 1);
  assert.match(stderr, /nameless\.patch lacks a line/);
});
