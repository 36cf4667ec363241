import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import type { Fab } from '../support/cluster.ts';
import { command } from '../support/command.ts';
import { closing } from '../support/grpc-client.ts';
import {
  at,
  json,
  type OperatorMesh,
  operatorMesh,
  peerOnce,
  ran,
  refused,
} from '../support/operator-mesh.ts';

const WHY = ['--reason', 'we looked', '--author', 'kim'];

/** Whom `fab remove` of de is refused for, and whether a drain counts de as connected. */
const CONDITIONS: Readonly<Record<'down' | 'stopped' | 'slow', { remove: RegExp; lacks: RegExp }>> = {
  down: {
    remove: /de is not connected: what it has cannot be told\. .*`wafersync fab evict de`/,
    lacks: /de lacks \d+, and is not connected/,
  },
  stopped: {
    // Until the lane that de dialled is given up it counts as connected, and is known to have nothing of its own.
    remove: /de is not connected: what it has cannot be told\. .*`wafersync fab evict de`/,
    lacks: /de lacks \d+(, and is not connected)?$/m,
  },
  slow: { remove: /^$/, lacks: /de lacks \d+$/m },
};

describe('on real processes: everything that steers a node, while one of its peers is', {
  concurrency: 2,
}, () => {
  for (const condition of ['down', 'stopped', 'slow'] as const) {
    test(condition, { timeout: 120_000 }, async (t) => {
      const mesh = await operatorMesh(t, condition);
      const { cluster, since } = mesh;
      const tw = at(cluster, 'tw');
      const { remove, lacks } = CONDITIONS[condition];

      await limited(mesh);
      await paused(mesh);

      // A drain tells who lacks what, ends by its time, and is cancelled.
      const late = await command('drain', '--wait', '--timeout', '1s', ...WHY, ...tw);
      assert.equal(late.code, 1, late.stdout);
      assert.match(late.stderr, lacks);
      assert.match(late.stderr, /^wafersync: it is not drained after 1\.0 s\. It goes on: ask again/m);
      const elsewhere = await ran('drain', '--wait', '--at', 'az', '--timeout', '60s', ...WHY, ...tw);
      assert.equal(elsewhere, 'It is drained: it may be stopped.\n', 'az has all, and may be named');
      assert.equal(await ran('drain', '--cancel', ...tw), 'It takes everything in again.\n');

      // Who has not all, or cannot be asked, is not let go; and nobody leaves before all have what it bore.
      assert.match(
        await refused('fab', 'remove', 'tw', ...WHY, ...tw),
        /^wafersync: what tw has is not everywhere yet: de lacks \d+ born there\. Stop what hands in results at tw/,
      );
      if (condition !== 'slow') {
        await peerOnce(t, cluster, 'de', ({ state }) => state === 'dialling');
        assert.match(await refused('fab', 'remove', 'de', ...WHY, ...tw), remove);
      }
      assert.match(
        await refused('fab', 'evict', 'de', '--confirm', 'az', ...WHY, ...tw),
        /^wafersync: the eviction of de is not confirmed\. Name it twice, with --confirm de: /,
      );
      assert.deepEqual(
        (await json('acts', ...tw)).told.map(({ act }: { act: string }) => act),
        ['node.drain_cancel', 'node.drain', 'peer.resume', 'peer.pause', 'peer.limit', 'peer.limit'],
      );

      // Shut out, it is waited for no longer, whatever it does.
      const evicted = await ran('fab', 'evict', 'de', '--confirm', 'de', ...WHY, ...tw);
      assert.match(evicted, /^de is evicted now\.\nWhat it acknowledged and sent to nobody is lost unless/);
      const wait = ['lot', 'wait', since.lot, '--at', 'all', '--timeout', '60', ...tw];
      assert.match(await ran(...wait), /is complete, and equal at az, tw\n/);
    });
  }
});

async function limited({ cluster }: OperatorMesh): Promise<void> {
  const limit = ['peer', 'limit', 'de', ...WHY, ...at(cluster, 'tw')];
  assert.match(
    await ran(...limit, '--rate', '1MB/s'),
    /^Limited: de, 1 MB\/s; now 1 MB\/s; kim said: we looked\n$/,
  );
  assert.equal(await ran(...limit, '--none'), 'de is not limited any more.\n');
}

async function paused({ cluster }: OperatorMesh): Promise<void> {
  const tw = at(cluster, 'tw');
  assert.match(
    await ran('peer', 'pause', 'de', '--for', '2h', ...WHY, ...tw),
    /^Paused: de, since 20.*, until 20/,
  );
  const [, de] = (await json('peers', ...tw)).told;
  assert.equal(de.state, 'paused');
  assert.match(await ran('peer', 'resume', 'de', ...WHY, ...tw), /^de is not paused any more/);
  assert.match(
    await refused('peer', 'resume', 'de', ...WHY, ...tw),
    /^wafersync: de is not paused here\. No peer is/,
  );
}

test('on real processes: an edit from a clock that is ahead is held; it is dropped and released though its fab stands still', {
  timeout: 120_000,
}, async (t) => {
  const { cluster, since } = await operatorMesh(t, 'skewed');
  const [tw, de] = [at(cluster, 'tw'), at(cluster, 'de')];
  const wafer = since.wafers[0]!;
  await ran('wafer', 'patch', wafer, '--set', '/disposition="hold"', ...de);
  const held = async (fab: Fab) => (await json('held', 'list', ...at(cluster, fab))).told;
  const monitor = closing(t, makeClient(syncMonitor, cluster.address('tw')));
  for await (const { node } of monitor.WatchNode({ min_interval_ms: 20 })) {
    if (Number(node?.held_updates ?? 0) > 0) break;
  }
  cluster.freeze('de');
  const [{ dot, reason, detail, released_by }] = await held('tw');
  assert.equal(reason, 'clock');
  assert.match(detail, /^\d+ ms ahead of this node's clock$/);
  assert.match(released_by, /sync\.max_clock_drift_ms.*wafersync held release/);
  const status = await ran('status', ...tw);
  assert.match(status, /^0 updates are known elsewhere and not yet here, 1 are here and held back$/m);
  assert.match(status, /^tw: 1 updates held back$/m);
  const missing = await command('lot', 'wait', since.lot, '--at', 'tw', '--timeout', '1', ...tw);
  assert.equal(missing.code, 2);
  assert.match(missing.stdout, /^missing: .*tw is not known to have 1 updates of it/m);

  assert.match(await ran('held', 'drop', dot, ...WHY, ...tw), /not waited for any more/);
  assert.match(await ran('held', 'list', ...tw), /clock, dropped .*dropped by kim: we looked/);
  assert.equal(await ran('held', 'release', dot, ...WHY, ...tw), `${dot} is applied now.\n`);
  assert.match(
    await refused('held', 'drop', dot, ...WHY, ...tw),
    /is not held: it is applied\. `wafersync held list` tells what is held\./,
  );
  assert.match(await ran('wafer', 'show', wafer, ...tw), /^\/disposition +"hold"/m);
  assert.equal((await held('az')).length, 1, 'what is said counts at one node alone');
});
