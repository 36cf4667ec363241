import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import type { Fab } from '../support/cluster.ts';
import { command } from '../support/command.ts';
import { closing } from '../support/grpc-client.ts';
import { ASKS, TABLE, type Told } from '../support/operator-asks.ts';
import {
  at,
  type Condition,
  json,
  type OperatorMesh,
  operatorMesh,
  peerOnce,
  ran,
  refused,
} from '../support/operator-mesh.ts';

const WHY = ['--reason', 'we looked', '--author', 'kim'];

/** What is done to each mesh once everything was asked of it. */
const ACTS: Readonly<Record<Condition, (mesh: OperatorMesh, t: TestContext) => Promise<void>>> = {
  up: async () => {},
  down: steered,
  stopped: steered,
  slow: steered,
  paused: async () => {},
  skewed: heldAndSettled,
};

describe('on real processes: what operators ask and do, in a mesh one of whose fabs is', {
  concurrency: 2,
}, () => {
  for (const [condition, told] of Object.entries(TABLE) as [Condition, Told][]) {
    test(condition, { timeout: 120_000, concurrency: true }, async (t) => {
      const mesh = await operatorMesh(t, condition);
      const asks = Object.entries(ASKS);
      await Promise.all(asks.map(([what, ask]) => t.test(what, () => ask(mesh, told))));
      await t.test('acts upon it', () => ACTS[condition](mesh, t));
      await t.test('and it gets whole again by itself', () => whole(mesh));
    });
  }
});

/** Whatever it was, once it is over. */
async function whole({ cluster, condition, since }: OperatorMesh): Promise<void> {
  if (condition === 'down') await cluster.startNode('de');
  if (condition === 'stopped' || condition === 'skewed') cluster.thaw('de');
  for (const fab of ['tw', 'az'] as const) {
    if (condition === 'slow') cluster.heal(fab, 'de');
    if (condition === 'paused') await ran('peer', 'resume', 'de', ...at(cluster, fab));
  }
  // What az holds stays so.
  const fabs = condition === 'skewed' ? 'tw,de' : 'all';
  const wait = ['lot', 'wait', since.lot, '--at', fabs, '--timeout', '60'];
  const { code, told } = await json(...wait, ...at(cluster, 'tw'));
  assert.deepEqual([code, told.missing], [0, []]);
}

/** Everything that steers tw, while de is away, stands still or is slow. */
async function steered(mesh: OperatorMesh, t: TestContext): Promise<void> {
  const { cluster, condition } = mesh;
  const tw = at(cluster, 'tw');
  await limited(mesh);
  await paused(mesh);

  // A drain tells who lacks what, ends by its time, and is cancelled.
  const begun = await ran('drain', ...WHY, ...tw);
  assert.match(
    begun,
    condition === 'down' ? /^de lacks \d+ updates?, and is not connected$/m : /^de lacks \d+/m,
  );
  const late = await command('drain', '--wait', '--timeout', '2s', ...WHY, ...tw);
  assert.equal(late.code, 1, late.stdout);
  assert.match(
    late.stderr,
    /it is not drained after 2\.0 s\. It goes on: ask again|said nothing of its drain in 2\.0 s\. Look whether/,
  );
  const elsewhere = await ran('drain', '--wait', '--at', 'az', '--timeout', '60s', ...WHY, ...tw);
  assert.equal(elsewhere, 'It is drained: it may be stopped.\n', 'az has all');
  assert.equal(await ran('drain', '--cancel', ...tw), 'It takes everything in again.\n');

  // Nobody leaves before all have what it bore, or where what it has cannot be told.
  assert.match(
    await refused('fab', 'remove', 'tw', ...WHY, ...tw),
    /^wafersync: what tw has is not everywhere yet: de lacks \d+ updates? born there\. Stop what hands in results at tw/,
  );
  if (condition !== 'slow') {
    // The lane that it dialled is given up last.
    await peerOnce(t, cluster, 'de', ({ state }) => state === 'dialling');
    assert.match(
      await refused('fab', 'remove', 'de', ...WHY, ...tw),
      /^wafersync: de is not connected: what it has cannot be told\. .*`wafersync fab evict de`/,
    );
  }
  assert.match(
    await refused('fab', 'evict', 'de', '--confirm', 'az', ...WHY, ...tw),
    /^wafersync: the eviction of de is not confirmed\. Name it twice, with --confirm de: /,
  );
  assert.deepEqual(
    (await json('acts', ...tw)).told.map(({ act }: { act: string }) => act),
    ['node.drain_cancel', 'node.drain', 'peer.resume', 'peer.pause', 'peer.limit', 'peer.limit'],
  );
}

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

/** An edit from the clock that is ahead is held; it is dropped and released though its fab stands still. */
async function heldAndSettled({ cluster, since }: OperatorMesh, t: TestContext): Promise<void> {
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
  assert.match(status, /^0 updates are known elsewhere and not yet here, 1 is here and held back$/m);
  assert.match(status, /^tw: 1 update held back$/m);
  const missing = await command('lot', 'wait', since.lot, '--at', 'tw', '--timeout', '1', ...tw);
  assert.equal(missing.code, 2);
  assert.match(missing.stdout, /^missing: .*tw is not known to have 1 update of it/m);

  assert.match(await ran('held', 'drop', dot, ...WHY, ...tw), /not waited for any more/);
  assert.match(await ran('held', 'list', ...tw), /clock, dropped .*dropped by kim: we looked/);
  assert.equal(await ran('held', 'release', dot, ...WHY, ...tw), `${dot} is applied now.\n`);
  assert.match(
    await refused('held', 'drop', dot, ...WHY, ...tw),
    /is not held: it is applied\. `wafersync held list` tells what is held\./,
  );
  assert.match(await ran('wafer', 'show', wafer, ...tw), /^\/disposition +"hold"/m);
  assert.equal((await held('az')).length, 1, 'what is said counts at one node alone');
}
