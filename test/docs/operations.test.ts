import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EXIT_TIME_UP } from '../../src/cli/lot/wait.ts';
import { EXIT_UNMENDABLE } from '../../src/cli/serve.ts';
import { EXIT_REPAIRED, EXIT_WRONG } from '../../src/cli/verify/verify.ts';
import { FABS, tunnelEnd } from '../../src/config/fabs.ts';
import { sources } from '../house/source-files.ts';
import { assertKnown, commandLines } from './command-lines.ts';
import { codeBlocks, documentOf } from './documents.ts';

const PAGE = documentOf('docs/OPERATIONS.md').text;
const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url));
const UNIT = readFileSync(join(DEPLOY, 'wafersync.service'), 'utf8');

/** Rows of the table under this head: the cells of each. */
function table(head: string): string[][] {
  const [, rows] = PAGE.split(`${head}\n`);
  assert.ok(rows, head);
  const lines = rows.split('\n\n')[0]!.split('\n').slice(1);
  return lines.map((line) => line.split('|').map((cell) => cell.trim()));
}

/** Events that the sources log. */
function loggedEvents(): Set<string> {
  const call = /(?:\.(?:debug|info|warn|error)\(|#log\('\w+', |event: )'([a-z]+\.[a-z_]+)'/g;
  return new Set(sources().flatMap(({ text }) => [...text.matchAll(call)].map(([, event]) => event!)));
}

test('the table of log lines has just the events that are logged', () => {
  const told = table('| event | level | what it means |').flatMap(([, events]) =>
    [...events!.matchAll(/`([^`]+)`/g)].map(([, event]) => event!),
  );
  assert.ok(told.length > 20);
  assert.deepEqual(told.sort(), [...loggedEvents()].sort());
});

test('every command and option that docs/OPERATIONS.md names is in the help of the command', async () => {
  const lines = commandLines(PAGE.replaceAll(/^wafersync: .*$/gm, ''));
  for (const command of ['status', 'import', 'inspect', 'rebuild'])
    assert.ok(
      lines.some((line) => line.command === command),
      command,
    );
  await assertKnown(lines);
});

test('the table of exit codes has those of the code', () => {
  const codes = table('| exit code | of | means | the unit |').map(([, code, of]) => `${code} ${of}`);
  assert.deepEqual(codes, [
    '0 any',
    '1 `serve`',
    `${EXIT_UNMENDABLE} \`serve\``,
    `${EXIT_TIME_UP} \`lot wait\``,
    `${EXIT_REPAIRED}, ${EXIT_WRONG} \`verify\``,
    '1 others',
  ]);
});

test('the addresses are those of the configurations', () => {
  const ports = FABS.map((fab) => tunnelEnd(fab).split(':')[1]);
  assert.ok(PAGE.includes(`127.0.0.1:${ports[0]} to ${ports.at(-1)}`));
  assert.ok(PAGE.includes(`tunnels to ${FABS.map(({ fab }) => fab).join(', ')} begin`));
});

test('what is installed exists, and goes where the unit looks for it', () => {
  const commands = codeBlocks(PAGE)
    .filter(({ info }) => info === 'sh')
    .flatMap(({ text }) => text.split('\n'));
  const installed = commands.flatMap((line) => /^install -m 644 (\S+) (\S+)$/.exec(line)?.slice(1) ?? []);
  const [config, configTarget, unit] = installed;
  assert.ok(existsSync(join(DEPLOY, config!)) && existsSync(join(DEPLOY, unit!)));
  assert.ok(UNIT.includes(`--config ${configTarget}\n`));
  const prefix = commands.find((line) => line.startsWith('npm install'))!.split(' ')[3]!;
  assert.ok(UNIT.includes(`ExecStart=${prefix}/node_modules/.bin/node ${prefix}/node_modules/wafersync/`));
  const user = commands
    .find((line) => line.startsWith('useradd'))!
    .split(' ')
    .at(-1)!;
  assert.ok(UNIT.includes(`\nUser=${user}\nGroup=${user}\n`));
});
