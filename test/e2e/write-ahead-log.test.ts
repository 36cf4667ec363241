import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { makeClient } from '../../src/api/client.ts';
import { toNumber } from '../../src/wire/long.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import { CHECKPOINT_PAGES_VARIABLE } from '../processes/kill-points.ts';
import { usageOf } from '../processes/node-usage.ts';
import { PeakWatch } from '../processes/peak-watch.ts';
import { largeWafer, tinyWafers } from '../processes/pressure.ts';
import { SlowReaders } from '../processes/slow-readers.ts';
import { Cluster } from '../support/cluster.ts';
import { command } from '../support/command.ts';
import { closing } from '../support/grpc-client.ts';

const MiB = 2 ** 20;
const BOUNDED = { timeout: 250_000 };
const PRELOAD = fileURLToPath(new URL('../processes/kill-preload.ts', import.meta.url));

/** The log is moved back every 0.8 MiB, so that it happens often, and is told as stuck from four times that on. */
const PAGES = 200;
/** That, and the largest commits. */
const MAX_WAL = 8 * MiB;

async function start(t: TestContext) {
  const cluster = await Cluster.start(
    ['tw'],
    {},
    {
      preload: PRELOAD,
      environment: { [CHECKPOINT_PAGES_VARIABLE]: String(PAGES) },
    },
  );
  t.after(() => cluster.stop());
  return cluster;
}

/** Writes some 15 MiB into the log in many commits: the same wafers each time. */
async function intake(cluster: Cluster): Promise<void> {
  await tinyWafers(cluster.address('tw'), 4_000);
  await largeWafer(cluster.address('tw'), 10);
}

/** Size of the database once its log is moved into it. */
async function stoppedSize(cluster: Cluster): Promise<number> {
  assert.equal(await cluster.stopNode('tw', 'SIGTERM'), 0);
  const { wal, database } = usageOf(cluster, 'tw');
  assert.equal(wal, 0);
  return database;
}

test(
  'readers of the API that stay for long neither keep the log nor let the database grow',
  BOUNDED,
  async (t) => {
    const alone = await start(t);
    await largeWafer(alone.address('tw'), 2);
    await intake(alone);
    const expected = await stoppedSize(alone);

    const cluster = await start(t);
    const peaks = new PeakWatch(cluster);
    t.after(() => peaks.stop());
    const { runId } = await largeWafer(cluster.address('tw'), 2);
    const readers = await SlowReaders.open(cluster.address('tw'), runId);
    t.after(() => readers.close());
    await intake(cluster);
    const { pages, messages } = readers.read;
    const { wal } = peaks.stop().get('tw')!;
    const log = cluster.log('tw');
    readers.close();
    const size = await stoppedSize(cluster);
    t.diagnostic(
      `log of ${wal} bytes at most, database of ${size} bytes, ${expected} without readers; ${pages} pages and ${messages} messages were read meanwhile`,
    );
    assert.ok(pages > 10 && messages > 10, 'they read on all the while');
    assert.ok(wal > 0 && wal < MAX_WAL, `the log had ${wal} bytes`);
    assert.ok(size < 1.05 * expected, `${size} bytes, ${expected} without readers`);
    assert.doesNotMatch(log, /wal\.stuck/);
  },
);

/** The storage as a node tells it, once `wanted` holds. */
async function storageWhen(t: TestContext, cluster: Cluster, wanted: (stuck: boolean) => boolean) {
  const client = closing(t, makeClient(syncMonitor, cluster.address('tw')));
  for (;;) {
    const { storage } = (await client.GetNode({})).node ?? {};
    if (wanted(storage?.wal_stuck ?? false)) return storage!;
    await setTimeout(100);
  }
}

test(
  'a shell that reads and does not end: the node says so, goes on, and cuts the log once it is gone',
  BOUNDED,
  async (t) => {
    const cluster = await start(t);
    await largeWafer(cluster.address('tw'), 2);
    const shell = new Database(cluster.databaseFile('tw'), { readonly: true });
    t.after(() => shell.close());
    shell.exec('BEGIN; SELECT count(*) FROM update_log');
    await intake(cluster);
    const { wal_stuck_reason, wal_stuck_for_ms, full } = await storageWhen(t, cluster, (stuck) => stuck);
    assert.match(wal_stuck_reason ?? '', /cannot be written back.*fuser -v \S+\/wafersync\.db-wal/);
    assert.ok(toNumber(wal_stuck_for_ms) > 0);
    assert.ok(!full);
    const { stdout } = await command('status', '--node', cluster.address('tw'));
    assert.match(stdout, /^THE WRITE-AHEAD LOG IS STUCK for .*end that shell/m);
    const { wal } = usageOf(cluster, 'tw');
    assert.ok(wal > MAX_WAL, `nothing was refused meanwhile: the log has ${wal} bytes`);

    shell.exec('COMMIT');
    await storageWhen(t, cluster, (stuck) => !stuck);
    assert.equal(usageOf(cluster, 'tw').wal, 0, 'the log is cut without any further write');
    await largeWafer(cluster.address('tw'), 3);
    assert.ok(usageOf(cluster, 'tw').wal < MAX_WAL);
    const told = cluster
      .log('tw')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      told.filter(({ event }) => event.startsWith('wal.')).map(({ level, event }) => `${level} ${event}`),
      ['warn wal.stuck', 'info wal.moved'],
    );
  },
);
