import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { toNumber } from '../../src/wire/long.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import { command } from '../support/command.ts';
import { freePorts } from '../support/free-ports.ts';
import { closing } from '../support/grpc-client.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { importFile } from '../support/run-client.ts';

async function peersOf(node: LocalNode) {
  const { code, stdout, stderr } = await command('peers', '--node', node.address, '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test('peers tells state, lag, clock, traffic and lanes of a peer that is up', async (t) => {
  const [tw, az] = await startNodes(t, ['tw', 'az']);
  const lot = demoLot({ number: 1, wafers: 1 });
  await importFile(tw!.address, lot.fileName, lot.stdf, ['tw', 'az']);

  const [twAtAz] = await peersOf(az!);
  assert.deepEqual([twAtAz.fab_id, twAtAz.address, twAtAz.state], ['tw', tw!.address, 'connected']);
  assert.deepEqual([twAtAz.lacks_updates, twAtAz.lacks_bytes, twAtAz.missing_updates], [0, 0, 0]);
  assert.deepEqual([twAtAz.lacks_bytes_counted, twAtAz.lacks_since_ms], [true, 0]);
  assert.ok(twAtAz.since_ms > 0 && twAtAz.lag.ms >= 0 && twAtAz.lag.at_ms >= twAtAz.since_ms);
  assert.ok(twAtAz.clock.samples >= 1, 'the first heartbeat goes out at once');
  assert.ok(Math.abs(twAtAz.clock.offset_ms) <= twAtAz.clock.uncertainty_ms + 1, 'it is the same clock');
  const lanes = new Map<string, { up: boolean; updates: number; bytes: number }>(
    twAtAz.lanes.map((lane: { kind: string }) => [lane.kind, lane]),
  );
  assert.deepEqual([lanes.get('live-to')?.up, lanes.get('live-from')?.up], [true, true]);
  const came = ['live-from', 'catch-up-from'].map((kind) => lanes.get(kind)?.updates ?? 0);
  assert.ok(came[0]! + came[1]! >= 2 && twAtAz.received.updates_per_s > 0 && twAtAz.sent.updates_per_s === 0);

  const { stdout } = await command('peers', '--node', az!.address);
  assert.match(stdout, /^PEER +CONNECTED +FOR +LACKS +BYTES +SINCE +NOT HERE +LAG +RTT +CLOCK$/m);
  assert.match(stdout, /^tw +both ways +\S+ m?s +0 +0 B +- +0 +\d+ ms/m);
  assert.match(stdout, /^tw +live from +yes /m);
});

test('peers tells what a peer that is down lacks, since when, and what to do', async (t) => {
  const [tw, az] = await startNodes(t, ['tw', 'az']);
  await importFile(tw!.address, 'one.stdf', demoLot({ number: 1, wafers: 1 }).stdf, ['tw', 'az']);
  await az!.stop();
  const before = Date.now();
  await importFile(tw!.address, 'two.stdf', demoLot({ number: 2, wafers: 1 }).stdf);
  const client = closing(t, makeClient(syncMonitor, tw!.address));
  // Told as soon as it is down: the watch needs no commit for that.
  for await (const { node } of client.WatchNode({ min_interval_ms: 20 })) {
    const [peer] = node?.peers ?? [];
    if (!peer?.outbound_up && !peer?.inbound_up && /No connection|ECONNREFUSED/.test(peer?.last_error ?? ''))
      break;
  }
  const [peer] = await peersOf(tw!);
  assert.equal(peer.state, 'dialling');
  assert.ok(peer.lacks_updates >= 2 && peer.lacks_bytes > peer.lacks_updates * 100);
  assert.ok(peer.lacks_since_ms >= before && peer.lacks_since_ms <= Date.now());
  assert.match(peer.last_failure.reason, /^no node answers there/);
  const remedy = `Start the node of az, or correct its address (${az!.address}) or the tunnel that begins there.`;
  assert.ok(peer.last_failure.remedy.startsWith(remedy), peer.last_failure.remedy);
  assert.equal(peer.last_failure.lane, 'live-to');
  const { stdout } = await command('peers', '--node', tw!.address);
  assert.match(stdout, /^az +no, dialled /m);
  assert.match(stdout, /^az, live to, .* ago: no node answers there.*\. Start the node of az/m);
});

test('bytes that a peer lacks are those that the log has', async (t) => {
  const [tw, az] = await startNodes(t, ['tw', 'az']);
  await az!.stop();
  await importFile(tw!.address, 'one.stdf', demoLot({ number: 1, wafers: 2 }).stdf);
  const client = closing(t, makeClient(syncMonitor, tw!.address));
  const { node } = await client.GetNode({});
  const { default: Database } = await import('better-sqlite3');
  const db = new Database(node!.database!.file!, { readonly: true });
  const sum = 'SELECT sum(length(header) + length(payload) + length(digest)) FROM update_log';
  const bytes = db.prepare(sum).pluck().get();
  db.close();
  const [peer] = await peersOf(tw!);
  assert.deepEqual([peer.lacks_bytes, peer.lacks_updates], [bytes, toNumber(node!.updates)]);
});

test('GetNode tells its database and its clock', async (t) => {
  const [tw] = await startNodes(t, ['tw', 'az']);
  const client = closing(t, makeClient(syncMonitor, tw!.address));
  const { node } = await client.GetNode({});
  const { database, clock } = node!;
  assert.equal(database!.file, `${tw!.dataFolder}/wafersync.db`);
  assert.ok(toNumber(database!.bytes) > 0 && toNumber(database!.free_bytes) > 0);
  assert.ok(Math.abs(toNumber(clock!.now_ms) - Date.now()) < 60_000);
  assert.equal(clock!.hybrid_ahead_ms, 0);
});

test('peers of a node that is not there is one line with the remedy', async () => {
  const [port] = await freePorts(1);
  const { code, stderr } = await command('peers', '--node', `127.0.0.1:${port}`);
  assert.equal(code, 1);
  assert.match(stderr, /^wafersync: no node answers at .* Start the node, or correct the address\.\n$/);
});
