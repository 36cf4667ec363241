import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ledger } from '../processes/ledger.ts';
import { converged, reaches, receivedAt } from '../processes/mesh-watch.ts';
import { StreamLoad } from '../processes/stream-load.ts';
import { Cluster, type Fab } from '../support/cluster.ts';
import { withSmallDisk } from '../support/small-disk.ts';

const FABS = ['tw', 'az', 'de'] as const;
const BOUNDED = { timeout: 120_000 };
const PRELOAD = fileURLToPath(new URL('../processes/slow-disk-preload.ts', import.meta.url));

function streamAt(cluster: Cluster, fab: Fab, ledger: Ledger): StreamLoad {
  const plan = { lot: `L-${fab}`, equipmentId: `T-${fab}`, node: cluster.address(fab) };
  return new StreamLoad({ ...plan, diesPerSecond: 50, resultsPerDie: 20 }, ledger);
}

test(
  'a disk whose every commit takes long: that node is slow, the others are not, and all get everything',
  BOUNDED,
  async (t) => {
    const cluster = await Cluster.start(FABS, {}, { preload: PRELOAD });
    t.after(() => cluster.stop());
    await cluster.stopNode('tw', 'SIGTERM');
    await cluster.startNode('tw', { environment: { WAFERSYNC_TEST_COMMIT_MS: '200' } });
    const ledger = new Ledger();
    const streams = FABS.map((fab) => streamAt(cluster, fab, ledger));
    t.after(() => {
      for (const stream of streams) stream.close();
    });
    const [tw, az, de] = streams as [StreamLoad, StreamLoad, StreamLoad];
    await Promise.all([tw.more(1_000), az.more(3_000), de.more(3_000)]);
    await reaches(cluster.address('de'), await receivedAt(cluster.address('az')));
    await Promise.all(streams.map((stream) => stream.stop()));
    await converged(FABS.map((fab) => cluster.address(fab)));
    for (const fab of FABS) for (const stream of streams) await stream.check(fab, cluster.address(fab));
    assert.deepEqual(ledger.losses, []);
  },
);

test(
  'a disk that turned read-only while its node was down: it does not start, says why, and goes on once it can',
  BOUNDED,
  async (t) => {
    await withSmallDisk(t, 64, async (disk) => {
      const cluster = await Cluster.start(['tw', 'az'], { tw: disk.folder });
      try {
        const ledger = new Ledger();
        const stream = streamAt(cluster, 'tw', ledger);
        await stream.more(1_000);
        await cluster.stopNode('tw', 'SIGKILL');
        disk.setReadOnly(true);
        await assert.rejects(
          cluster.startNode('tw'),
          /tw ended with 1:.*wafersync: .* cannot be written: .*readonly/s,
        );
        t.diagnostic(cluster.log('tw').trim().split('\n').at(-1)!);
        disk.setReadOnly(false);
        await cluster.startNode('tw');
        await stream.more(1_000);
        await stream.stop();
        await converged(['tw', 'az'].map((fab) => cluster.address(fab as Fab)));
        for (const fab of ['tw', 'az'] as const) await stream.check(fab, cluster.address(fab));
        assert.deepEqual(ledger.losses, []);
      } finally {
        await cluster.stop();
      }
    });
  },
);
