import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { renderConfig } from '../../src/config/render.ts';
import { type InstalledPackage, installPackage } from '../support/installed-package.ts';

const run = promisify(execFile);
const TSC = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url));

/** A tester's program. It knows the package alone. */
const PROGRAM = `import { openTester, type TesterOptions, type TesterReceipt } from 'wafersync/tester';

const options: TesterOptions = { node: process.argv[2]!, equipmentId: 'T01', streamId: 's1' };
const tester = openTester(options);
for (const x of [1, 2]) {
  await tester.add({ waferId: 'W07', x, y: 1, test: { name: 'VDD' }, value: 1.02, passed: true, lastOfDie: true });
}
const receipt: TesterReceipt = await tester.finish();
console.log(receipt.results);
`;

/** Strict, and the package's own declarations are checked too. */
const COMPILER = {
  compilerOptions: { module: 'nodenext', target: 'es2024', lib: ['es2024'], types: [], strict: true },
  include: ['*.ts'],
};

let installed: InstalledPackage;

before(() => {
  installed = installPackage(mkdtempSync(join(tmpdir(), 'wafersync-test-')));
});

after(() => rmSync(installed.folder, { recursive: true, force: true }));

/** Starts the installed command's node; settles once it serves. */
async function serveInstalled(t: TestContext): Promise<{ child: ChildProcess; address: string }> {
  const config = join(installed.folder, 'tw.yaml');
  writeFileSync(config, renderConfig({ fab: 'tw', data_dir: 'data', listen: { port: 0 } }));
  const bin = join(installed.folder, 'node_modules/wafersync/bin/wafersync.mjs');
  const child = spawn(process.execPath, [bin, 'serve', '--config', config], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { child, address: `127.0.0.1:${port}` };
}

test('the package holds what runs and what is read, and nothing else', () => {
  const tops = new Set(installed.files.map((path) => path.split('/')[0]));
  const expected = ['CHANGELOG.md', 'README.md', 'bin', 'deploy', 'dist', 'docs', 'package.json', 'proto'];
  assert.deepEqual([...tops].sort(), expected);
  for (const path of ['dist/main.js', 'dist/gen/descriptors.binpb', 'dist/store/schema/001-spine.sql'])
    assert.ok(installed.files.includes(path), path);
  assert.deepEqual(
    installed.files.filter((path) => /(^|\/)\./.test(path)),
    [],
  );
});

test('an installed node serves an installed tester, whose program compiles against the package', async (t) => {
  const { folder } = installed;
  writeFileSync(join(folder, 'tester.ts'), PROGRAM);
  writeFileSync(
    join(folder, 'globals.d.ts'),
    'declare const process: { argv: string[] };\ndeclare const console: { log(value: number): void };\n',
  );
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(COMPILER));
  await run(TSC, ['-p', folder]);
  const { child, address } = await serveInstalled(t);
  const { stdout } = await run(process.execPath, [join(folder, 'tester.js'), address]);
  assert.equal(stdout.trim(), '2');
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('what the package does not offer cannot be imported', async () => {
  const script = `await import('wafersync/dist/node.js')`;
  const failed = run(process.execPath, ['--input-type=module', '--eval', script], { cwd: installed.folder });
  await assert.rejects(failed, /ERR_PACKAGE_PATH_NOT_EXPORTED/);
});
