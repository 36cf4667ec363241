import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { watchStatus } from '../../src/cli/status/watch-status.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import { command } from '../support/command.ts';
import { FakeTerminal } from '../support/fake-terminal.ts';
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
    new RegExp(`^1 wafer, ${lot.attempts} attempts, ${results} results in ${updates} upd`, 'm'),
  );
  assert.match(text.stdout, /^0 updates are known elsewhere and not yet here, 0 are here and held back$/m);
  assert.match(text.stdout, /^0 conflicts are open for a person, rules of version 0$/m);
  assert.match(text.stdout, /^database \/.*wafersync\.db of .* of log, .* of its volume are free/m);
  assert.match(text.stdout, /^2 fabs, nobody is known to be behind$/m);
  assert.deepEqual(
    state.mesh.map(({ fab_id, answered, state: how }: Record<string, unknown>) => [fab_id, answered, how]),
    [
      ['az', true, 'asked'],
      ['tw', true, 'connected'],
    ],
  );
  assert.equal(state.database.file, `${az!.dataFolder}/wafersync.db`);
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

test('status --watch draws one screen, and again when a peer goes away', async (t) => {
  const [tw, az] = await startNodes(t, ['tw', 'az']);
  const screen = new FakeTerminal(200);
  const stopping = new AbortController();
  const silent = { out: () => {}, err: () => {}, interactive: true };
  const watching = watchStatus({ node: tw!.address }, silent, stopping.signal, screen);
  const shows = async (line: RegExp) => {
    while (!screen.lines.some((shown) => line.test(shown)))
      await new Promise((resolve) => setImmediate(resolve));
  };
  await shows(/^az +both ways /);
  await shows(/^2 fabs, nobody is known to be behind$/);
  await az!.stop();
  await shows(/^az +no, dialled /);
  await shows(/^az: shown as the others know it, for it did not answer: /);
  assert.equal(screen.lines.filter((line) => /^fab tw, /.test(line)).length, 1, 'in place of the one before');
  stopping.abort();
  assert.equal(await watching, 0);
});

test('status --watch of a node that is not there fails as status does', async () => {
  const [port] = await freePorts(1);
  const { code, stderr } = await command('status', '--watch', '--node', `127.0.0.1:${port}`);
  assert.equal(code, 1);
  assert.match(stderr, /^wafersync: no node answers at .* Start the node, or correct the address\.\n$/);
});

test('status of a node of the version before, which does not list its peers, is told', async (t) => {
  const { GetNode } = syncMonitor.methods;
  const server = new Server();
  t.after(() => server.forceShutdown());
  const answer = (_: unknown, respond: (error: null, response: object) => void) =>
    respond(null, { node: { fab_id: 'tw', members: ['tw'], peers: [{ fab_id: 'az', outbound_up: true }] } });
  server.addService({ GetNode } as ServiceDefinition, { GetNode: answer });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const { code, stdout, stderr } = await command('status', '--node', `127.0.0.1:${port}`, '--json');
  assert.equal(code, 0, stderr);
  const { mesh, database } = JSON.parse(stdout);
  assert.deepEqual([mesh[0].fab_id, mesh[0].state, database.file], ['az', 'only-to', '']);
});

test('status of a node that is not there is one line with the remedy', async () => {
  const [port] = await freePorts(1);
  assert.deepEqual(await command('status', '--node', `127.0.0.1:${port}`), {
    code: 1,
    stdout: '',
    stderr: `wafersync: no node answers at 127.0.0.1:${port} (connection refused). Start the node, or correct the address.\n`,
  });
});
