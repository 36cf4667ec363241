import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Stands for npm, so that no test reaches the network or changes the real node_modules. */
const FAKE_NPM = `
const args = process.argv.slice(2).join(' ');
console.error('npm error code ' + process.env.NPM_FAILS + '\\nnpm error ' + args + ' went wrong.\\n');
process.exit(1);
`;

/** A class that makes an instance of itself and names itself in a private method: tsc breaks it for older targets. */
const PRODUCT = `export class Answer {
  static readonly first = new Answer();
  #next(): Answer { return Answer.first; }
  get next(): Answer { return this.#next(); }
}
export const answer: number = 1;
`;

/** A clone with the real scripts around a small product. */
let clone = '';

before(() => {
  clone = mkdtempSync(join(tmpdir(), 'wafersync-test-'));
  for (const part of [
    'bin',
    'scripts',
    'proto',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'buf.yaml',
  ]) {
    cpSync(join(ROOT, part), join(clone, part), { recursive: true });
  }
  linkPackages(join(clone, 'node_modules'));
  mkdirSync(join(clone, 'src', 'store', 'schema'), { recursive: true });
  writeFileSync(join(clone, 'src', 'main.ts'), PRODUCT);
  writeFileSync(join(clone, 'src', 'store', 'schema', '001.sql'), 'SELECT 1;\n');
  mkdirSync(join(clone, 'fake'));
  writeFileSync(join(clone, 'fake', 'npm-cli.js'), FAKE_NPM);
});

/** A folder of its own with links to the real packages: npm could only take away the links. */
function linkPackages(folder: string): void {
  mkdirSync(folder);
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, name));
  }
}

after(() => rmSync(clone, { recursive: true, force: true }));

function setup(args: readonly string[] = ['--build'], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, [join(clone, 'scripts', 'setup.mjs'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, npm_execpath: join(clone, 'fake', 'npm-cli.js'), ...env },
  });
}

const inClone = (...parts: string[]) => join(clone, ...parts);

/** When the build was last done. */
const builtAt = () => statSync(inClone('dist', '.stamp')).mtimeMs;

test('a fresh clone gets the generated code and dist, with all that is read at run time', () => {
  const { status, stderr } = setup();
  assert.equal(status, 0, stderr);
  for (const made of ['main.js', 'gen/wafersync.js', 'gen/descriptors.binpb', 'store/schema/001.sql']) {
    assert.ok(existsSync(inClone('dist', made)), made);
  }
});

test('what was built can be loaded', () => {
  const { status, stderr } = spawnSync(process.execPath, [inClone('dist', 'main.js')], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

test('where there is nothing to do it does nothing and says nothing', () => {
  const before = builtAt();
  const { status, stdout, stderr } = setup();
  assert.deepEqual(
    { status, stdout, stderr, at: builtAt() },
    { status: 0, stdout: '', stderr: '', at: before },
  );
});

test('a changed source is built again, even under its old time', () => {
  const file = inClone('src', 'main.ts');
  const { mtime } = statSync(file);
  writeFileSync(file, 'export const answer: number = 2;\n');
  spawnSync('touch', ['-d', mtime.toISOString(), file]);
  assert.equal(setup().status, 0);
  assert.match(readFileSync(inClone('dist', 'main.js'), 'utf8'), /answer = 2/);
});

test('a source that is gone leaves nothing in dist', () => {
  writeFileSync(inClone('src', 'gone.ts'), 'export const gone = 1;\n');
  assert.equal(setup().status, 0);
  assert.ok(existsSync(inClone('dist', 'gone.js')));
  rmSync(inClone('src', 'gone.ts'));
  assert.equal(setup().status, 0);
  assert.ok(!existsSync(inClone('dist', 'gone.js')) && !existsSync(inClone('dist', 'gone.js.map')));
});

test('a build that was interrupted, or lost a file, is done again', () => {
  rmSync(inClone('dist', '.stamp'));
  assert.equal(setup().status, 0);
  rmSync(inClone('dist', 'main.js'));
  assert.equal(setup().status, 0);
  assert.ok(existsSync(inClone('dist', 'main.js')));
});

test('what does not compile fails in one line, and again until it is put right', () => {
  const file = inClone('src', 'main.ts');
  writeFileSync(file, 'export const answer: number = "x";\n');
  for (const _ of [1, 2]) {
    const { status, stderr } = setup();
    assert.equal(status, 1);
    assert.equal(stderr, 'setup: src does not compile; dist is not built\n');
  }
  writeFileSync(file, 'export const answer: number = 3;\n');
  assert.equal(setup().status, 0);
});

/** Locks a package to a version that nobody has. */
function lockAnother(): void {
  const lock = JSON.parse(readFileSync(inClone('package-lock.json'), 'utf8'));
  lock.packages['node_modules/pino'].version = '0.0.1';
  writeFileSync(inClone('package-lock.json'), JSON.stringify(lock));
}

test('node_modules that is a link serves where all is as locked, and is never emptied', () => {
  const [modules, elsewhere, lock] = ['node_modules', 'elsewhere', 'package-lock.json'].map((name) =>
    inClone(name),
  );
  const locked = readFileSync(lock!);
  renameSync(modules!, elsewhere!);
  symlinkSync(elsewhere!, modules!);
  const { status, stderr } = setup();
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  lockAnother();
  const refusal = (target: string) =>
    `setup: packages are missing or other than locked, and ${modules} is a link to ${target}, which \`npm ci\` would empty. ` +
    `Remove the link (rm ${modules}), then run this again; or bring the folder behind it to this package-lock.json\n`;
  const refused = setup([], { NPM_FAILS: 'REACHED' });
  assert.deepEqual(
    { status: refused.status, stderr: refused.stderr },
    { status: 1, stderr: refusal(realpathSync(elsewhere!)) },
  );
  // One that leads nowhere would become a folder elsewhere.
  rmSync(modules!);
  symlinkSync(inClone('nowhere'), modules!);
  assert.equal(setup([], { NPM_FAILS: 'REACHED' }).stderr, refusal(inClone('nowhere')));
  rmSync(modules!);
  renameSync(elsewhere!, modules!);
  writeFileSync(lock!, locked);
});

test('packages other than locked are installed; an npm that fails is told in one line with the remedy', () => {
  lockAnother();
  const cases = [
    ['ENOTFOUND', /registry cannot be reached/],
    ['EUSAGE', /run `npm install`/],
    ['ENOSPC', /disk is full/],
    ['EACCES', /may not write/],
    ['E418', /Put right what it names/],
  ] as const;
  for (const [code, remedy] of cases) {
    const { status, stderr } = setup([], { NPM_FAILS: code });
    assert.equal(status, 1);
    const [first = '', line = '', ...rest] = stderr.split('\n');
    assert.match(first, /^setup: installing packages/);
    assert.match(
      line,
      new RegExp(`^setup: npm ci failed \\(${code}: ci --ignore-scripts .* went wrong\\)\\. `),
    );
    assert.match(line, remedy);
    assert.deepEqual(rest, ['']);
  }
});
