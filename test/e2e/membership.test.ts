import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import { Cluster, type ClusterOptions, type Fab } from '../support/cluster.ts';
import { command } from '../support/command.ts';
import { closing, until } from '../support/grpc-client.ts';
import { importFile, waitForRun } from '../support/run-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const BOUNDED = { timeout: 120_000 };

interface Known {
  readonly fab_id: string;
  readonly state: string;
  readonly connected: boolean;
  readonly reason: string;
  readonly author: string;
}

async function clusterOf(t: TestContext, fabs: readonly Fab[], options: ClusterOptions): Promise<Cluster> {
  const cluster = await Cluster.start(fabs, {}, options);
  t.after(() => cluster.stop());
  return cluster;
}

async function ran(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await command(...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function refused(...args: string[]): Promise<string> {
  const { code, stderr } = await command(...args);
  assert.equal(code, 1, args.join(' '));
  return stderr;
}

/** Settles once something holds, looking again whenever something has changed at a node. */
async function once(t: TestContext, address: string, holds: () => Promise<boolean>): Promise<void> {
  const client = closing(t, makeClient(syncMonitor, address));
  for await (const _ of client.WatchNode({ min_interval_ms: 20 })) if (await holds()) return;
  throw new Error(`the watch of ${address} ended`);
}

async function membersAt(cluster: Cluster, fab: Fab): Promise<string[]> {
  return JSON.parse(await ran('status', '--node', cluster.address(fab), '--json')).members;
}

async function fabsAt(cluster: Cluster, fab: Fab): Promise<Map<string, Known>> {
  const list: Known[] = JSON.parse(await ran('fab', 'list', '--node', cluster.address(fab), '--json'));
  return new Map(list.map((known) => [known.fab_id, known]));
}

function lotFile(t: TestContext, number: number): string {
  const { stdf, fileName } = demoLot({ number, wafers: 1 });
  const file = join(temporaryFolder(t), fileName);
  writeFileSync(file, stdf);
  return file;
}

test(
  'a fab that is added at run time gets all there is, goes on live, and is waited for',
  BOUNDED,
  async (t) => {
    const cluster = await clusterOf(t, ['tw', 'az', 'de', 'il'], { newcomers: { il: 'tw' } });
    const before = demoLot({ number: 1, wafers: 1 });
    const first = await importFile(cluster.address('az'), before.fileName, before.stdf, ['tw', 'az', 'de']);
    await cluster.startNode('il');
    await until(() => /il is not a member of this mesh .*wafersync fab add il/.test(cluster.log('il')));

    // Asked at another fab than the one that it knows.
    const az = ['--node', cluster.address('az')];
    assert.match(await refused('fab', 'add', 'Nowhere', ...az), /fab id "Nowhere" is not valid/);
    const add = ['fab', 'add', 'il', '--address', cluster.address('il'), '--reason', 'new line'];
    assert.match(await ran(...add, '--author', 'mia', ...az), /^il is member now\./);
    const all = ['az', 'de', 'il', 'tw'];
    for (const fab of ['tw', 'az', 'de', 'il'] as const) {
      assert.deepEqual((await waitForRun(cluster.address(fab), first.runId, all)).toSorted(), all, fab);
      assert.deepEqual(await membersAt(cluster, fab), all, `members at ${fab}`);
    }
    await once(t, cluster.address('il'), async () => {
      const fabs = await fabsAt(cluster, 'il');
      return all.every((fab) => fabs.get(fab)?.connected);
    });
    const { state, reason, author } = (await fabsAt(cluster, 'de')).get('il')!;
    assert.deepEqual([state, reason, author], ['member', 'new line', 'mia']);
    const lot = demoLot({ number: 2, wafers: 1 });
    const second = await importFile(cluster.address('de'), lot.fileName, lot.stdf, all);
    assert.deepEqual(second.syncedFabs.toSorted(), all);

    // It leaves again, in order.
    const why = ['--reason', 'moved', '--node', cluster.address('tw')];
    assert.match(await ran('fab', 'remove', 'il', ...why), /^il is removed now\./);
    for (const fab of ['az', 'de', 'il'] as const)
      await once(t, cluster.address(fab), async () => !(await membersAt(cluster, fab)).includes('il'));
    assert.match(
      await ran('status', '--node', cluster.address('il')),
      /REMOVED: nobody waits for this fab; `wafersync fab add il`/,
    );
    assert.match(await refused('fab', 'evict', 'kr', '--confirm', 'kr', ...why), /kr is no fab of this mesh/);
  },
);

test(
  'a fab that is evicted is not waited for; when it returns, what it acknowledged reaches all',
  BOUNDED,
  async (t) => {
    const cluster = await clusterOf(t, ['tw', 'az', 'de'], {});
    const stdf = (number: number) => demoLot({ number, wafers: 1 }).stdf;
    await importFile(cluster.address('de'), 'one.stdf', stdf(1), ['tw', 'az', 'de']);
    for (const fab of ['tw', 'az'] as const) cluster.cut('de', fab);
    const alone = await importFile(cluster.address('de'), 'two.stdf', stdf(2));
    const without = await importFile(cluster.address('tw'), 'three.stdf', stdf(3), ['tw', 'az']);
    await until(() => /"peer":"de".*lane\.outbound_down/.test(cluster.log('tw')));

    const tw = ['--node', cluster.address('tw')];
    const why = ['--reason', 'flooded', ...tw];
    assert.match(
      await refused('fab', 'evict', 'de', '--confirm', 'az', ...why),
      /the eviction of de is not confirmed.*--confirm de/s,
    );
    assert.match(await refused('fab', 'evict', 'tw', '--confirm', 'tw', ...why), /cannot evict itself/);
    assert.match(
      await refused('fab', 'remove', 'de', ...why),
      /de is not connected: what it has cannot be told.*fab evict de/s,
    );
    assert.match(
      await ran('fab', 'evict', 'de', '--confirm', 'de', ...why),
      /^de is evicted now\.\nWhat it ack/,
    );
    await once(
      t,
      cluster.address('az'),
      async () => (await fabsAt(cluster, 'az')).get('de')?.state === 'evicted',
    );
    await until(() => /"level":"warn".*"event":"fab\.evicted"/.test(cluster.log('az')));
    // All who count have it, and nobody waits for the third.
    assert.deepEqual((await waitForRun(cluster.address('tw'), without.runId, [])).toSorted(), ['az', 'tw']);
    const imported = JSON.parse(await ran('import', lotFile(t, 4), ...tw, '--wait', 'all', '--json'));
    assert.equal(imported.length, 1);

    const dialled = () => cluster.log('de').match(/"peer":"tw","event":"lane.outbound_open"/g)?.length ?? 0;
    const dialledBefore = dialled();
    const refusal = /de is not a member of this mesh/;
    for (const fab of ['tw', 'az'] as const) cluster.heal('de', fab);
    for (const fab of ['tw', 'az'] as const) {
      const synced = await waitForRun(cluster.address(fab), alone.runId, ['tw', 'az']);
      assert.deepEqual(synced.toSorted(), ['az', 'tw'], `what de acknowledged alone, at ${fab}`);
    }
    await once(t, cluster.address('de'), async () => {
      const found = await command('inspect', '--run', without.runId, '--node', cluster.address('de'));
      const status = await ran('status', '--node', cluster.address('de'));
      return found.code === 0 && /EVICTED: nobody waits for this fab/.test(status);
    });

    await until(() => dialled() > dialledBefore || refusal.test(cluster.log('de')));
    assert.doesNotMatch(cluster.log('de'), refusal, 'it may dial as well as be dialled');

    assert.match(await ran('fab', 'add', 'de', ...tw), /^de is member now\./);
    const all = ['az', 'de', 'tw'];
    assert.deepEqual((await waitForRun(cluster.address('az'), without.runId, all)).toSorted(), all);
  },
);
