import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderConfig } from '../../src/config/render.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { command } from '../support/command.ts';
import { startNodes } from '../support/local-nodes.ts';
import { keptAt } from '../support/node-results.ts';
import { importFile } from '../support/run-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('rebuild of stopped nodes gives the same digest at each, again and again', async (t) => {
  const nodes = await startNodes(t, ['tw', 'az']);
  const lot = demoLot({ number: 1, wafers: 1 });
  await importFile(nodes[0]!.address, lot.fileName, lot.stdf, ['tw', 'az']);
  const { updates } = await keptAt(nodes[0]!.address);
  await Promise.all(nodes.map((node) => node.stop()));
  const printed = new Set<string>();
  for (const { configFile } of [...nodes, ...nodes]) {
    const { code, stdout, stderr } = await command('rebuild', '--config', configFile);
    assert.deepEqual([code, stderr], [0, '']);
    printed.add(stdout);
  }
  const [line, ...others] = printed;
  assert.match(line!, new RegExp(`^${updates} updates applied again; digest of the tables [0-9a-f]{64}\\n$`));
  assert.deepEqual(others, []);
  const { stdout } = await command('rebuild', '--config', nodes[0]!.configFile, '--json');
  const digest = / ([0-9a-f]{64})$/m.exec(line!)![1];
  assert.deepEqual(JSON.parse(stdout), { updates, digest, digest_before: digest });
});

test('rebuild refuses while the node runs, and says who has the database', async (t) => {
  const [node] = await startNodes(t, ['tw']);
  const { code, stdout, stderr } = await command('rebuild', '--config', node!.configFile);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(
    stderr,
    new RegExp(`^wafersync: database .*wafersync\\.db is open in process ${process.pid}\\. [^\\n]*\\n$`),
  );
});

test('rebuild of a node that has no database makes none', async (t) => {
  const folder = temporaryFolder(t);
  const config = join(folder, 'tw.yaml');
  writeFileSync(config, renderConfig({ fab: 'tw', data_dir: 'data' }));
  const { code, stderr } = await command('rebuild', '--config', config);
  assert.equal(code, 1);
  assert.match(stderr, /^wafersync: there is no database .*data\/wafersync\.db\. Check data_dir [^\n]*\n$/);
  assert.equal(existsSync(join(folder, 'data')), false);
});
