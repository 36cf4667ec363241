import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { toNumber } from '../../src/wire/long.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import { Cluster, type Fab } from '../support/cluster.ts';
import { command } from '../support/command.ts';
import { closing, until } from '../support/grpc-client.ts';
import { importFile } from '../support/run-client.ts';

const BOUNDED = { timeout: 120_000 };

interface FabReceipt {
  readonly fab_id: string;
  readonly equal: boolean;
  readonly confirmed_by: string;
  readonly digest: string;
}

async function wait(cluster: Cluster, fab: Fab, lot: string, ...args: string[]) {
  const { code, stdout } = await command(
    'lot',
    'wait',
    lot,
    '--node',
    cluster.address(fab),
    '--json',
    ...args,
  );
  const receipt = JSON.parse(stdout);
  const means = new Map((receipt.fabs as FabReceipt[]).map((one) => [one.fab_id, one]));
  return { code, receipt, means };
}

test('a lot is waited for while a fab is cut off, slow and back again', BOUNDED, async (t) => {
  const cluster = await Cluster.start(['tw', 'az', 'de']);
  t.after(() => cluster.stop());
  for (const fab of ['tw', 'az'] as const) cluster.cut('de', fab);
  await until(() => /"peer":"de".*lane\.(outbound|inbound)_down/.test(cluster.log('tw')));
  const lot = demoLot({ number: 1, wafers: 3 });
  await importFile(cluster.address('tw'), lot.fileName, lot.stdf, ['tw', 'az']);

  const two = await wait(cluster, 'az', lot.lot, '--at', 'tw,az');
  assert.equal(two.code, 0);
  assert.deepEqual([...two.means.keys()], ['az', 'tw']);
  const all = await wait(cluster, 'tw', lot.lot, '--at', 'all', '--timeout', '1');
  assert.equal(all.code, 2);
  assert.match(all.receipt.missing.join(), /^de is not known to have \d+ updates? of it$/);
  const status = await command('lot', 'status', lot.lot, '--node', cluster.address('tw'));
  assert.match(status.stdout, /^all of it is at az, tw; missing at de \(\d+\)$/m);
  const pending = await command('wafers', '--missing-at', 'de', '--json', '--node', cluster.address('az'));
  assert.equal(JSON.parse(pending.stdout).length, 3);

  const later = wait(cluster, 'tw', lot.lot, '--at', 'all', '--timeout', '100');
  for (const fab of ['tw', 'az'] as const) cluster.heal('de', fab);
  const { code, receipt, means } = await later;
  assert.equal(code, 0);
  assert.deepEqual(
    [...means].map(([fab, { confirmed_by, digest }]) => [fab, confirmed_by, digest === receipt.digest]),
    [
      ['az', 'digest', true],
      ['de', 'digest', true],
      ['tw', 'own', true],
    ],
  );
  // One that stands still is asked in vain, and told apart.
  cluster.freeze('de');
  const still = await wait(cluster, 'tw', lot.lot, '--at', 'all', '--timeout', '1');
  cluster.thaw('de');
  assert.deepEqual(
    [still.code, still.means.get('de')!.equal, still.means.get('az')!.equal],
    [2, false, true],
  );
  assert.match(still.receipt.missing.join(), /^de: it cannot be asked: it did not answer before time was up/);
});

test('a fab that nobody can dial is taken by its report, and the receipt says so', BOUNDED, async (t) => {
  const cluster = await Cluster.start(['tw', 'az', 'il'], {}, { newcomers: { il: 'tw' } });
  t.after(() => cluster.stop());
  const added = await command('fab', 'add', 'il', '--reason', 'new line', '--node', cluster.address('tw'));
  assert.equal(added.code, 0, added.stderr);
  await cluster.startNode('il');
  const lot = demoLot({ number: 1, wafers: 1 });
  await importFile(cluster.address('az'), lot.fileName, lot.stdf, ['tw', 'az', 'il']);
  const { code, receipt, means } = await wait(cluster, 'tw', lot.lot, '--at', 'all', '--timeout', '100');
  assert.equal(code, 0);
  const il = receipt.fabs.find(({ fab_id }: FabReceipt) => fab_id === 'il');
  assert.deepEqual(
    [il.confirmed_by, il.digest, il.reason],
    ['report', '', 'taken by its report alone: this node has no address of it'],
  );
  assert.equal(means.get('az')!.confirmed_by, 'digest');
});

test('a bare client follows a lot, and gets a receipt', BOUNDED, async (t) => {
  const cluster = await Cluster.start(['tw', 'az']);
  t.after(() => cluster.stop());
  const lot = demoLot({ number: 1, wafers: 2 });
  await importFile(cluster.address('tw'), lot.fileName, lot.stdf, ['tw', 'az']);
  const monitor = closing(t, makeClient(syncMonitor, cluster.address('az')));
  const wafers: string[] = [];
  for await (const { wafer, up_to_date } of monitor.WatchSyncStatus({ lot: lot.lot })) {
    if (up_to_date) break;
    wafers.push(wafer?.wafer_id ?? '');
  }
  assert.deepEqual(wafers, [...lot.wafers].sort());
  const { wafer } = await monitor.GetWaferStatus({ wafer_id: lot.wafers[0]! });
  assert.deepEqual(wafer?.synced_fabs, ['az', 'tw']);
  const known = (wafer?.visible ?? []).map(({ fab_id, time_to_visible_ms }) => [
    fab_id,
    toNumber(time_to_visible_ms) >= 0,
  ]);
  assert.deepEqual(known, [
    ['az', true],
    ['tw', true],
  ]);
  // After a restart nothing is known of what was visible before.
  await cluster.stopNode('az', 'SIGTERM');
  await cluster.startNode('az');
  const again = closing(t, makeClient(syncMonitor, cluster.address('az')));
  const { wafer: later } = await again.GetWaferStatus({ wafer_id: lot.wafers[0]! });
  assert.deepEqual(later?.visible, []);
});
