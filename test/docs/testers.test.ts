import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fromWireView } from '../../src/api/yield-views.ts';
import { wafersync } from '../../src/gen/wafersync.js';
import { STREAM_BOUNDS } from '../../src/ingest/stream/stream-bounds.ts';
import { TESTER_BOUNDS } from '../../src/tester/tester-client.ts';
import { YIELD_VIEWS } from '../../src/wafer/views.ts';
import { sources } from '../house/source-files.ts';
import { startNodes } from '../support/local-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { assertKnown, commandLines } from './command-lines.ts';
import { codeBlocks, documentOf } from './documents.ts';

const TESTERS = documentOf('docs/TESTERS.md').text;
const TESTING = documentOf('docs/TESTING.md').text;
const run = promisify(execFile);
const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
const TYPES = fileURLToPath(new URL('../../node_modules/@types', import.meta.url));
const TSC_OPTIONS = [
  ...[
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--erasableSyntaxOnly',
    '--allowImportingTsExtensions',
  ],
  ...['--target', 'esnext', '--module', 'nodenext', '--types', 'node', '--typeRoots', TYPES],
];
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test('every refusal that docs/TESTERS.md tells of is made somewhere', () => {
  const texts = sources().map(({ text }) => text);
  const rows = [...TESTERS.matchAll(/^\| [A-Z_]+ \| `([^`]+)` \|/gm)].map(([, told]) => told!);
  assert.ok(rows.length >= 15);
  for (const told of rows)
    assert.ok(
      texts.some((text) => text.includes(told)),
      told,
    );
});

test('the bounds in docs/TESTERS.md are those of a node and of the client', () => {
  const grouped = (number: number) => number.toLocaleString('en-US');
  const { attemptResults, openSites, openResults, definitions } = STREAM_BOUNDS;
  const rows = new Map(
    [...TESTERS.matchAll(/^\| ([^|]+) \| (\d[\d,]*\d)/gm)].map(([, name, bound]) => [name, bound]),
  );
  assert.equal(rows.get('results of an attempt'), grouped(attemptResults));
  assert.equal(rows.get('sites with a die that has not ended'), grouped(openSites));
  assert.equal(rows.get('results of dies that have not ended'), grouped(openResults));
  assert.equal(rows.get('tests'), grouped(definitions));
  assert.ok(TESTERS.includes(`(${grouped(TESTER_BOUNDS.bufferedResults)} results, then callers wait)`));
});

test('docs/TESTERS.md tells of each view that there is, and of the one that is meant where none is named', () => {
  const [, table] = TESTERS.split('| view |');
  const rows = [...table!.split('\n\n')[0]!.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)];
  assert.deepEqual(
    rows.map(([, view]) => view),
    [...YIELD_VIEWS],
  );
  const unnamed = rows.filter(([, , told]) => told!.includes('where nothing is said'));
  assert.deepEqual(
    unnamed.map(([, view]) => view),
    [fromWireView(wafersync.v1.YieldView.YIELD_VIEW_UNSPECIFIED)],
  );
});

test('every command and option that docs/TESTERS.md names is in the help of the command', async () => {
  const lines = commandLines(TESTERS);
  for (const command of ['import', 'send', 'watch', 'generate'])
    assert.ok(
      lines.some((line) => line.command === command),
      command,
    );
  await assertKnown(lines);
});

test('the folders that docs/TESTING.md names hold tests', () => {
  const folders = [...TESTING.matchAll(/`(test\/[a-z]+)`/g)].map(([, folder]) => folder!);
  assert.ok(folders.length > 5);
  for (const folder of folders) {
    assert.ok(existsSync(join(ROOT, folder)) && readdirSync(join(ROOT, folder)).length > 0, folder);
  }
});

test('the program in docs/TESTERS.md compiles, and does what it says at a node', async (t) => {
  const [node] = await startNodes(t, ['tw']);
  const [program] = codeBlocks(TESTERS).filter(({ info }) => info === 'ts');
  const folder = temporaryFolder(t);
  const file = join(folder, 'program.mts');
  const library = fileURLToPath(new URL('../../src/tester/index.ts', import.meta.url));
  writeFileSync(
    file,
    program!.text
      .replace("'wafersync/tester'", JSON.stringify(library))
      .replace("'127.0.0.1:50051'", JSON.stringify(node!.address)),
  );
  const compiled = await run(process.execPath, [TSC, ...TSC_OPTIONS, file]);
  assert.equal(compiled.stdout, '');
  const { stdout } = await run(process.execPath, [file]);
  assert.match(stdout, /^2 results are durable, as run [0-9a-f]{32}\n$/);
});
