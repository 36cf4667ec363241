import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nextCommands } from '../../src/cli/demo/demo.ts';
import { LOT_FILE } from '../../src/cli/demo/lot.ts';
import { nodeJson } from '../../src/cli/status/node-json.ts';
import { statusText } from '../../src/cli/status/screen-text.ts';
import { mintEpochAt } from '../../src/clocks/dot.ts';
import { loadConfig } from '../../src/config/load.ts';
import { fromNumber } from '../../src/wire/long.ts';
import { dataSync, runService, services, testEquipment } from '../../src/wire/services.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { assertKnown, commandLines, helpOf } from './command-lines.ts';
import { codeBlocks, documentOf, prose } from './documents.ts';

const README = documentOf('README.md').text;

test('every command and option that the README names is in the help of the command', async () => {
  const lines = commandLines(README);
  for (const command of ['status', 'inspect', 'import', 'serve', 'rebuild', 'demo']) {
    assert.ok(
      lines.some((line) => line.command === command),
      `the README shows ${command}`,
    );
  }
  await assertKnown(lines);
});

test('every option that the README names by itself is an option of some command', async () => {
  const named = [...prose(README).matchAll(/`(--[a-z]+)/g)].map(([, option]) => option!);
  const commands = ['serve', 'demo', 'import', 'inspect', 'status', 'rebuild'];
  const help = (await Promise.all(commands.map((command) => helpOf(command)))).join('\n');
  assert.ok(named.length > 5);
  for (const option of named) assert.ok(new RegExp(`${option}[ ,\n]`).test(`${help}\n`), option);
});

test('every script that the README names is in package.json', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  for (const [, name] of README.matchAll(/\bnpm (?:run )?(start|test|[a-z]+)\b(?=[ `\n])/g)) {
    if (README.includes(`npm run ${name}`) || name === 'start' || name === 'test')
      assert.ok(name! in scripts, name);
  }
});

test('the configuration in the README is right', (t) => {
  const [example] = codeBlocks(README).filter(({ info }) => info === 'yaml');
  const file = join(temporaryFolder(t), 'tw.yaml');
  writeFileSync(file, example!.text);
  const { fab, mesh } = loadConfig(file, {});
  assert.deepEqual([fab, mesh.members, mesh.peers.map((peer) => peer.fab)], ['tw', ['tw', 'az'], ['az']]);
});

test('the results in the README fill fields 1 to 8 of the contract, and the queries fields of theirs', () => {
  const { requestSerialize, requestDeserialize } = testEquipment.methods.StreamTestResults;
  const [results] = codeBlocks(README).filter(({ text }) => text.startsWith('{"equipment_id"'));
  const lines = results!.text.trim().split('\n');
  assert.equal(lines.length, 5);
  for (const line of lines) {
    const result = JSON.parse(line);
    const read: object = requestDeserialize(requestSerialize(result));
    assert.equal(Object.keys(result).length, 8);
    for (const [name, value] of Object.entries(result)) {
      assert.equal(String((read as Record<string, unknown>)[name]), String(value), name);
    }
  }
  const fields = readFileSync(new URL('../../proto/wafersync/v1/equipment.proto', import.meta.url), 'utf8');
  const query = /message TestQuery \{([^}]*)\}/.exec(fields)![1]!;
  const [, sent] = /'(\{[^']*\})' \S+ wafersync\.v1\.TestEquipment\/GetHistoricalTests/.exec(README)!;
  for (const name of Object.keys(JSON.parse(sent!)))
    assert.match(query, new RegExp(`\\b${name} = \\d`), name);
});

test('what to try next, in the README, is what the demo says', () => {
  const [, runId] = /inspect --node \S+ --run ([0-9a-f]{32})\n {2}npx/.exec(README)!;
  const fabs = [
    { port: 50051, folder: 'data/tw' },
    { port: 50052, folder: 'data/az' },
  ];
  const said = nextCommands(fabs, runId!, 'DEMO-001-01', join('data', LOT_FILE));
  assert.ok(README.includes(said), said);
});

test('the status in the README has the tables that status prints', () => {
  const transcript = codeBlocks(README).find(({ text }) => text.startsWith('fab tw, epoch'))!.text;
  const node = nodeJson({
    fab_id: 'tw',
    version: '0.1.0',
    epoch: fromNumber(mintEpochAt(Date.UTC(2026, 10, 30))),
  });
  const printed = statusText(
    { named: { node, peers: [] }, others: new Map(), addresses: new Map(), address: '' },
    0,
  );
  // Numbers differ, words do not; and an epoch begins with the days since 2020.
  const words = (line: string) => line.replace(/[^A-Za-z]+/g, ' ').trim();
  const lines = transcript.trimEnd().split('\n');
  const [fab, , known, conflicts, ...others] = printed.split('\n').map(words);
  assert.match(lines[0]!, /^fab tw, epoch 2\d{3}-[0-9a-f]{10}, wafersync \d+\.\d+\.\d+, up /);
  assert.match(fab!, /^fab tw epoch /);
  assert.deepEqual([words(lines[2]!), words(lines[3]!)], [known, conflicts]);
  for (const head of others.filter((line) => /^(FAB|PEER) /.test(line))) {
    assert.ok(lines.map(words).includes(head), head);
  }
  assert.match(transcript, /^5 fabs, nobody is known to be behind$/m);
});

test('every service and method that the README calls is served', () => {
  const methods = services.flatMap(({ name, methods }) =>
    Object.keys(methods).map((method) => `${name}/${method}`),
  );
  const called = [...README.matchAll(/\b(wafersync\.v1\.\w+\/\w+)/g)].map(([, path]) => path!);
  assert.ok(called.length >= 4);
  for (const path of called) assert.ok(methods.includes(path), path);
  for (const name of ['SyncWaferData', 'StreamTestResults', 'ImportRun']) {
    assert.ok(name in { ...dataSync.methods, ...testEquipment.methods, ...runService.methods }, name);
  }
});
