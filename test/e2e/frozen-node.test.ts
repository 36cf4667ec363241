import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import { Ledger } from '../processes/ledger.ts';
import { converged, reaches, receivedAt } from '../processes/mesh-watch.ts';
import { StreamLoad } from '../processes/stream-load.ts';
import { Cluster, type Fab } from '../support/cluster.ts';

const FABS = ['tw', 'az', 'de'] as const;
const BOUNDED = { timeout: 120_000 };

/** Settles once the live lane from one fab to another is, or turns, up or down. */
async function lane(cluster: Cluster, from: Fab, to: Fab, up: boolean): Promise<void> {
  const monitor = makeClient(syncMonitor, cluster.address(from));
  try {
    for await (const { node } of monitor.WatchNode({ min_interval_ms: 20 })) {
      const peer = node?.peers?.find(({ fab_id }) => fab_id === to);
      if (peer && (peer.outbound_up ?? false) === up) return;
    }
  } finally {
    monitor.close();
  }
  throw new Error(`the watch of ${from} ended`);
}

test(
  'a node that stands still for longer than keepalive: others stay live, give it up, and it catches up when it goes on',
  BOUNDED,
  async (t) => {
    const cluster = await Cluster.start(FABS, {}, { config: { sync: { keepalive_ms: 1_000 } } });
    t.after(() => cluster.stop());
    const ledger = new Ledger();
    const streams = FABS.map((fab) => {
      const plan = { lot: `L-${fab}`, equipmentId: `T-${fab}`, node: cluster.address(fab) };
      return new StreamLoad({ ...plan, diesPerSecond: 50, resultsPerDie: 20 }, ledger);
    });
    t.after(() => {
      for (const stream of streams) stream.close();
    });
    const [tw, az, de] = streams as [StreamLoad, StreamLoad, StreamLoad];
    await Promise.all(streams.map((stream) => stream.more(500)));

    cluster.freeze('de');
    for (const stream of streams) stream.takeLatencies();
    const before = de.acknowledged;
    await Promise.all([lane(cluster, 'tw', 'de', false), lane(cluster, 'az', 'de', false)]);
    await Promise.all([tw.more(2_000), az.more(2_000)]);
    const [atTw, atAz] = [await receivedAt(cluster.address('tw')), await receivedAt(cluster.address('az'))];
    await Promise.all([reaches(cluster.address('az'), atTw), reaches(cluster.address('tw'), atAz)]);
    for (const [fab, stream] of [
      ['tw', tw],
      ['az', az],
    ] as const) {
      const times = stream.takeLatencies().sort((a, b) => a - b);
      const at = (share: number) => Math.round(times[Math.floor(times.length * share)] ?? 0);
      t.diagnostic(`${fab} acknowledged meanwhile after ${at(0.5)} ms, 99 of 100 after ${at(0.99)} ms`);
    }
    assert.ok(de.acknowledged - before <= 1_000, 'one that stands still acknowledges nothing');

    cluster.thaw('de');
    await Promise.all([lane(cluster, 'tw', 'de', true), lane(cluster, 'az', 'de', true)]);
    await Promise.all(streams.map((stream) => stream.more(500)));
    await Promise.all(streams.map((stream) => stream.stop()));
    await converged(FABS.map((fab) => cluster.address(fab)));
    for (const fab of FABS) for (const stream of streams) await stream.check(fab, cluster.address(fab));
    assert.deepEqual(ledger.losses, []);
  },
);
