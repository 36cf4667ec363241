import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { command } from '../support/command.ts';
import { freePorts } from '../support/free-ports.ts';
import { startNodes } from '../support/local-nodes.ts';
import { keptAt } from '../support/node-results.ts';
import { importFile } from '../support/run-client.ts';

test('status tells what a node keeps and how it stands with each peer', async (t) => {
  const [tw, az] = await startNodes(t, ['tw', 'az']);
  const lot = demoLot({ number: 1, wafers: 1 });
  await importFile(tw!.address, lot.fileName, lot.stdf, ['tw', 'az']);
  const { updates } = await keptAt(az!.address);

  const json = await command('status', '--node', az!.address, '--json');
  assert.equal(json.code, 0);
  const state = JSON.parse(json.stdout);
  assert.match(state.epoch, /^\d+-[0-9a-f]{10}$/);
  assert.deepEqual(
    [state.fab_id, state.version, state.members, state.updates, state.attempts, state.results, state.wafers],
    ['az', 'test', ['az', 'tw'], updates, lot.attempts, lot.results, 1],
  );
  assert.deepEqual([state.held_updates, state.missing_updates], [0, 0]);
  const [peer] = state.peers;
  assert.deepEqual([peer.fab_id, peer.address, peer.live_fabs], ['tw', tw!.address, ['tw']]);
  assert.deepEqual([peer.outbound_up, peer.inbound_up, peer.last_error], [true, true, '']);

  const text = await command('status', '--node', az!.address);
  assert.equal(text.code, 0);
  assert.match(text.stdout, /^fab az, epoch \d+-[0-9a-f]{10}, wafersync test, up \d+/);
  const results = lot.results.toLocaleString('en-US');
  assert.match(
    text.stdout,
    new RegExp(`^1 wafers, ${lot.attempts} attempts, ${results} results in ${updates} upd`, 'm'),
  );
  assert.match(text.stdout, /^0 updates are known elsewhere and not yet here, 0 are here and held back$/m);
  assert.match(text.stdout, /^0 conflicts are open for a person, rules of version 0$/m);
  assert.match(text.stdout, /^tw +127\.0\.0\.1:\d+ +both ways +tw +0 +/m);
});

test('status says why a peer is not connected', async (t) => {
  const [tw, az] = await startNodes(t, ['tw', 'az']);
  await az!.stop();
  const peer = async () =>
    JSON.parse((await command('status', '--node', tw!.address, '--json')).stdout).peers[0];
  while ((await peer()).outbound_up) await new Promise((resolve) => setImmediate(resolve));
  // What is said first depends on who noticed it; the next dial fails, and says the rest.
  while (!(await peer()).last_error.includes('ECONNREFUSED'))
    await new Promise((resolve) => setImmediate(resolve));
  const { stdout } = await command('status', '--node', tw!.address);
  assert.match(
    stdout,
    /^az +127\.0\.0\.1:\d+ +no +- +0 +\S+ +no node answers there \(connection refused\)$/m,
  );
});

test('status of a node that is not there is one line with the remedy', async () => {
  const [port] = await freePorts(1);
  assert.deepEqual(await command('status', '--node', `127.0.0.1:${port}`), {
    code: 1,
    stdout: '',
    stderr: `wafersync: no node answers at 127.0.0.1:${port} (connection refused). Start the node, or correct the address.\n`,
  });
});
