import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeClient } from '../../src/api/client.ts';
import { inspectRun } from '../../src/cli/inspect.ts';
import { testEquipment } from '../../src/wire/services.ts';
import { CHECKPOINT_PAGES_VARIABLE } from '../processes/kill-points.ts';
import { Ledger } from '../processes/ledger.ts';
import { converged, reaches, receivedAt } from '../processes/mesh-watch.ts';
import { PeakWatch } from '../processes/peak-watch.ts';
import { largeWafer, tinyWafers } from '../processes/pressure.ts';
import { StreamLoad } from '../processes/stream-load.ts';
import { Cluster, type ClusterOptions } from '../support/cluster.ts';
import { closing } from '../support/grpc-client.ts';
import { keptAt } from '../support/node-results.ts';

const FABS = ['tw', 'az', 'de'] as const;
const MiB = 2 ** 20;

/** Sizes of a run of all tests; `WAFERSYNC_TEST_TINY_WAFERS=1000000 WAFERSYNC_TEST_LARGE_WAFER_MB=1024` are those of a long one. */
const TINY_WAFERS = Number(process.env.WAFERSYNC_TEST_TINY_WAFERS ?? 4_000);
const LARGE_WAFER_MB = Number(process.env.WAFERSYNC_TEST_LARGE_WAFER_MB ?? 50);

/** Bounds of docs/OPERATIONS.md. */
const MAX_RSS = 1024 * MiB;
const MAX_WAL = 96 * MiB;

/** The write-ahead log where it is moved back every 0.8 MiB: that, and the largest commits. */
const SMALL_CHECKPOINT_PAGES = 200;
const MAX_SMALL_WAL = 8 * MiB;

const PRELOAD = fileURLToPath(new URL('../processes/kill-preload.ts', import.meta.url));
const BOUNDED = { timeout: 200_000 + TINY_WAFERS + LARGE_WAFER_MB * 1_000 };

async function start(t: TestContext, options: ClusterOptions = {}) {
  // So that nobody gives up a link that passes nothing.
  const cluster = await Cluster.start(FABS, {}, { ...options, config: { sync: { keepalive_ms: 600_000 } } });
  const peaks = new PeakWatch(cluster);
  t.after(async () => {
    peaks.stop();
    await cluster.stop();
  });
  return { cluster, peaks };
}

function withinBounds(t: TestContext, peaks: PeakWatch, maxWal: number): void {
  for (const [fab, { rss, wal }] of peaks.stop()) {
    t.diagnostic(
      `${fab}: ${Math.round(rss / MiB)} MiB resident, ${Math.round(wal / MiB)} MiB write-ahead log`,
    );
    assert.ok(rss < MAX_RSS, `${fab} took ${rss} bytes`);
    assert.ok(wal < maxWal, `the write-ahead log of ${fab} had ${wal} bytes`);
  }
}

test(
  'readers that never read on and a peer that never reads: memory and log stay bounded, others stay live, nothing is lost',
  BOUNDED,
  async (t) => {
    const { cluster, peaks } = await start(t, {
      preload: PRELOAD,
      environment: { [CHECKPOINT_PAGES_VARIABLE]: String(SMALL_CHECKPOINT_PAGES) },
    });
    const tw = cluster.address('tw');
    const ledger = new Ledger();
    const plan = {
      lot: 'L',
      equipmentId: 'T',
      node: tw,
      diesPerSecond: Number.POSITIVE_INFINITY,
      resultsPerDie: 100,
    };
    const stream = new StreamLoad(plan, ledger);
    t.after(() => stream.close());
    await stream.more(200_000);
    for (let i = 0; i < 10; i++) {
      const client = closing(t, makeClient(testEquipment, tw));
      for (const messages of [client.GetHistoricalTests({}), client.WatchResults({})])
        await messages[Symbol.asyncIterator]().next();
    }
    for (const other of ['tw', 'de'] as const) {
      cluster.link(other, 'az').stall();
      cluster.link('az', other).stall();
    }
    await stream.more(600_000);
    const now = await receivedAt(tw);
    await reaches(cluster.address('de'), now);
    assert.ok(!(await receivedAt(cluster.address('az'))).covers(now), 'az was cut off');
    const { results, runId } = await stream.stop();
    for (const other of ['tw', 'de'] as const) {
      cluster.link(other, 'az').heal();
      cluster.link('az', other).heal();
    }
    await converged(FABS.map((fab) => cluster.address(fab)));
    const digests = new Set<string>();
    for (const fab of FABS) {
      digests.add((await inspectRun(cluster.address(fab), runId)).digests.attempts_sha256 ?? '');
      assert.equal((await keptAt(cluster.address(fab))).results, results, fab);
    }
    assert.equal(digests.size, 1, 'the same at all fabs');
    assert.deepEqual(ledger.losses, []);
    assert.equal(stream.acknowledged, results);
    withinBounds(t, peaks, MAX_SMALL_WAL);
  },
);

test(
  `${TINY_WAFERS} tiny wafers, and one of ${LARGE_WAFER_MB} MB, at once: all of it is at all fabs, within bounds`,
  BOUNDED,
  async (t) => {
    const { cluster, peaks } = await start(t);
    const [large] = await Promise.all([
      largeWafer(cluster.address('tw'), LARGE_WAFER_MB),
      tinyWafers(cluster.address('az'), TINY_WAFERS),
    ]);
    await converged(FABS.map((fab) => cluster.address(fab)));
    for (const fab of FABS) {
      const { digests } = await inspectRun(cluster.address(fab), large.runId);
      assert.equal(digests.attempts_sha256, large.attemptsSha256, `the large wafer at ${fab}`);
      assert.equal((await keptAt(cluster.address(fab))).results, large.results + TINY_WAFERS, fab);
    }
    withinBounds(t, peaks, MAX_WAL);
  },
);
