import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { EXIT_UNMENDABLE } from '../../src/cli/serve.ts';
import { type PartialConfig, renderConfig } from '../../src/config/render.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { command, ended, startWafersync, wafersync } from '../support/command.ts';
import { freePorts } from '../support/free-ports.ts';
import { startNodes } from '../support/local-nodes.ts';
import { importFile } from '../support/run-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Writes a configuration; answers its path. */
function configFile(t: TestContext, values: PartialConfig | string): string {
  const path = join(temporaryFolder(t), 'tw.yaml');
  writeFileSync(path, typeof values === 'string' ? values : renderConfig(values));
  return path;
}

/** Starts a node as a process that tells when it serves; killed when the test ends, should it still be there. */
async function served(t: TestContext, config: string): Promise<{ child: ChildProcess; address: string }> {
  const child = startWafersync(['serve', '--config', config], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  t.after(() => child.kill('SIGKILL'));
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { child, address: `127.0.0.1:${port}` };
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends serve with exit code 0, and the database is whole`, async (t) => {
    const config = configFile(t, { fab: 'tw', data_dir: 'data', listen: { port: 0 } });
    const { child, address } = await served(t, config);
    const lot = demoLot({ number: 1, wafers: 1 });
    await importFile(address, lot.fileName, lot.stdf);
    const end = ended(child);
    child.kill(signal);
    const { code, stdout, stderr } = await end;
    assert.deepEqual([code, stdout], [0, '']);
    const events = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual([events[0].event, events[0].fab], ['node.started', 'tw']);
    assert.equal(events.at(-1).event, 'node.stopped');
    const rebuilt = await command('rebuild', '--config', config);
    assert.equal(rebuilt.code, 0, rebuilt.stderr);
  });
}

test('serve with a broken configuration tells all that is wrong, line by line, and exits with 78', async (t) => {
  const config = configFile(t, 'fab: TW\nlisten:\n  host: 0.0.0.0\n  port: 99999\nlog:\n  levle: info\n');
  const { code, stdout, stderr } = await wafersync('serve', '--config', config);
  assert.deepEqual([code, stdout], [EXIT_UNMENDABLE, '']);
  const [head, ...lines] = stderr.trimEnd().split('\n');
  assert.match(head!, /^wafersync: the configuration .*tw\.yaml has 5 problems:$/);
  for (const [i, key] of [
    'fab = "TW"',
    'data_dir',
    'listen.host = "0.0.0.0"',
    'listen.port = 99999',
  ].entries()) {
    const told = lines.filter((line) => line.includes(`: ${key} `));
    assert.equal(told.length, 1, `${key} (${i}) in:\n${stderr}`);
  }
  assert.ok(lines.some((line) => /levle/.test(line) && /level/.test(line)));
});

test('serve where it cannot exits with 1 and one line: what, where, and the remedy', async (t) => {
  const [port] = await freePorts(1);
  const [node] = await startNodes(t, ['tw']);
  const taken = Number(node!.address.split(':')[1]);
  const cases: [values: PartialConfig | string, line: RegExp][] = [
    [
      { fab: 'az', data_dir: '.', listen: { port: taken } },
      /^wafersync: port \d+ on 127\.0\.0\.1 is taken\. Stop/,
    ],
    [
      { fab: 'tw', data_dir: node!.dataFolder, listen: { port: port! } },
      /^wafersync: database .*wafersync\.db is open in process \d+\. Stop that process/,
    ],
    // A file where the folder should be: not even root can make it.
    [
      { fab: 'tw', data_dir: join(node!.configFile, 'data'), listen: { port: port! } },
      /^wafersync: the folder .*data cannot be made: ENOTDIR\. Give it .* or set data_dir to another folder\./,
    ],
  ];
  const runs = cases.map(async ([values, line]) => {
    const { code, stdout, stderr } = await wafersync('serve', '--config', configFile(t, values));
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, line);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  });
  await Promise.all(runs);
});

test('serve on a database that no restart makes right exits with 78, so that a supervisor leaves it', async (t) => {
  const [node] = await startNodes(t, ['tw']);
  await node!.stop();
  const values = { fab: 'tw', data_dir: node!.dataFolder, listen: { port: 0 } };
  const ofAnotherFab = await wafersync('serve', '--config', configFile(t, { ...values, fab: 'az' }));
  assert.equal(ofAnotherFab.code, EXIT_UNMENDABLE);
  assert.match(ofAnotherFab.stderr, /^wafersync: database .* belongs to fab tw, not az\. Correct [^\n]*\n$/);
  truncateSync(join(node!.dataFolder, 'wafersync.db'), 100);
  const damaged = await wafersync('serve', '--config', configFile(t, values));
  assert.equal(damaged.code, EXIT_UNMENDABLE);
  assert.match(damaged.stderr, /^wafersync: database .* has only 100 bytes: [^\n]*\n$/);
});

test('serve without a configuration that can be read says so', async () => {
  const { code, stderr } = await command('serve', '--config', '/nowhere/tw.yaml');
  assert.equal(code, EXIT_UNMENDABLE);
  assert.match(stderr, /^wafersync: cannot read the configuration \/nowhere\/tw\.yaml: ENOENT[^\n]*\n$/);
});

test('serve that fails under a parent with a channel to it ends all the same', async (t) => {
  const [node] = await startNodes(t, ['tw']);
  const child = startWafersync(['serve', '--config', node!.configFile], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  const { code, stderr } = await ended(child);
  assert.equal(code, 1);
  assert.match(stderr, /^wafersync: database .* is open in process/);
});
