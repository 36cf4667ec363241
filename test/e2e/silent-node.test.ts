import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { renderConfig } from '../../src/config/render.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { command } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const WHY = ['--reason', 'we looked'];
const DOT = 'tw.1-8f3a5c2e90:57';

/** Those that ask no node, or say what they found of each where one does not answer. */
const ASK_NONE = ['completion', 'demo', 'doctor', 'help', 'rebuild', 'restore', 'serve'];

/** Something that takes connections and never says anything, as a process that stands still does. */
async function silentPort(t: TestContext): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.resume())).listen(0, '127.0.0.1');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as { port: number }).port;
}

test('every command ends where something takes the connection and never answers, and says so', {
  timeout: 120_000,
}, async (t) => {
  const node = `127.0.0.1:${await silentPort(t)}`;
  const folder = temporaryFolder(t);
  const { stdf, fileName } = demoLot({ number: 1, wafers: 1 });
  const file = join(folder, fileName);
  const copy = join(folder, 'tw.backup');
  writeFileSync(file, stdf);
  const commands: readonly (readonly string[])[] = [
    ['import', file],
    ['send', file],
    ['watch'],
    ['inspect', '--run', 'f'.repeat(32)],
    ['status'],
    ['status', '--watch'],
    ['peers'],
    ['wafer', 'show', 'W1'],
    ['wafer', 'patch', 'W1', '--set', '/disposition="hold"'],
    ['wafer', 'retire', 'W1', ...WHY],
    ['wafers'],
    ['lot', 'status', 'L1'],
    ['lot', 'wait', 'L1', '--at', 'all', '--timeout', '1'],
    ['conflicts', 'list'],
    ['conflicts', 'show', 'abcd'],
    ['conflicts', 'resolve', 'abcd', '--choose', 'tw:1', ...WHY],
    ['conflicts', 'explain', 'W1', '/disposition'],
    ['mesh', 'show'],
    ['mesh', 'patch', '--set', '/views/P="first"'],
    ['fab', 'list'],
    ['fab', 'add', 'kr'],
    ['fab', 'remove', 'kr', ...WHY],
    ['fab', 'evict', 'kr', '--confirm', 'kr', ...WHY],
    ['purge', '--older-than', '0', '--dry-run'],
    ['purge', '--older-than', '0', ...WHY],
    ['purges'],
    ['held', 'list'],
    ['held', 'release', DOT, ...WHY],
    ['held', 'drop', DOT, ...WHY],
    ['peer', 'pause', 'az', ...WHY],
    ['peer', 'resume', 'az'],
    ['peer', 'limit', 'az', '--rate', '1MB/s', ...WHY],
    ['drain', ...WHY],
    ['drain', '--cancel'],
    ['acts'],
    ['verify'],
    ['verify', '--last'],
    ['backup', copy],
    ['generate', '--wafers', '1'],
  ];
  await Promise.all(
    commands.map(async (args) => {
      const { code, stdout, stderr } = await command(...args, '--node', node);
      assert.deepEqual([code, stdout], [1, ''], args.join(' '));
      // A wait says first what it waits for.
      assert.equal(
        stderr.split('\n').at(-2),
        `wafersync: no node answers at ${node} (no answer in 10 s). Start the node, or correct the address.`,
        args.join(' '),
      );
    }),
  );
  const drain = await command('drain', '--wait', '--timeout', '1s', ...WHY, '--node', node);
  assert.equal(
    drain.stderr,
    `wafersync: the node at ${node} said nothing of its drain in 1.0 s. Look whether it runs, and ask again: it may be drained.\n`,
  );
  assert.deepEqual([existsSync(copy), existsSync(`${copy}.part`)], [false, false], 'no backup is left');

  const { stdout } = await command('--help');
  const known = [...stdout.matchAll(/^ {2}([a-z]+) .*$/gm)].map(([, name]) => name!);
  const asked = new Set([...commands.map(([name]) => name!), ...ASK_NONE]);
  assert.deepEqual([...asked].sort(), [...new Set(known)].sort(), 'no command is left out');
});

test('doctor tells a node that stands still from one that does not run', { timeout: 60_000 }, async (t) => {
  const port = await silentPort(t);
  const folder = temporaryFolder(t);
  const file = join(folder, 'wafersync.yaml');
  writeFileSync(file, renderConfig({ fab: 'tw', data_dir: folder, listen: { host: '127.0.0.1', port } }));
  const { code, stdout } = await command('doctor', '--config', file, '--json');
  const found = (check: string) => {
    const { state, says, remedy } = JSON.parse(stdout).find((one: { check: string }) => one.check === check);
    return `${state}: ${says}. ${remedy}`;
  };
  assert.equal(code, 1);
  assert.match(
    found('port'),
    /^fail: something takes connections at 127\.0\.0\.1:\d+ and says nothing \(no answer in 3 s\)\. If it is the node of tw, its process stands still .* Else stop that process, or set listen\.port/,
  );
  assert.match(found('node'), /^skipped: it could not be asked: no answer in 3 s\. $/);
});
