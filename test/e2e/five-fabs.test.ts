import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inspectRun } from '../../src/cli/inspect.ts';
import { type DemoLot, demoLot } from '../../src/generator/demo-lot.ts';
import { Cluster, FABS, type Fab } from '../support/cluster.ts';
import { type Imported, importFile } from '../support/run-client.ts';

describe('five real processes', () => {
  let cluster: Cluster;

  before(async () => {
    cluster = await Cluster.start();
  });

  after(async () => {
    await cluster.stop();
  });

  function importAt(fab: Fab, lot: DemoLot, wait: readonly Fab[] = FABS): Promise<Imported> {
    return importFile(cluster.address(fab), lot.fileName, lot.stdf, wait);
  }

  async function assertEverywhere(run: string, lot: DemoLot): Promise<void> {
    for (const fab of FABS) {
      const { digests, parts } = await inspectRun(cluster.address(fab), run);
      assert.equal(parts.prr, lot.attempts, `attempts at ${fab}`);
      assert.equal(digests.attempts_sha256, lot.digests.attempts_sha256, `attempts digest at ${fab}`);
      assert.equal(digests.parts_sha256, lot.digests.parts_sha256, `parts digest at ${fab}`);
    }
  }

  test('a lot handed to one fab is in all five with equal digests', async () => {
    const lot = demoLot({ number: 1 });
    const imported = await importAt('tw', lot);
    assert.equal(imported.attempts, lot.attempts);
    assert.equal(imported.results, lot.results);
    assert.deepEqual(imported.syncedFabs, [...FABS].sort());
    await assertEverywhere(imported.runId, lot);
  });

  test('the same file handed in again, at another fab, adds nothing', async () => {
    const lot = demoLot({ number: 2 });
    const first = await importAt('tw', lot);
    const again = await importAt('de', lot);
    assert.equal(again.runId, first.runId);
    assert.equal(again.addedAttempts, 0);
    await assertEverywhere(first.runId, lot);
  });

  test('the same file handed in at two fabs at once counts once', async () => {
    const lot = demoLot({ number: 3 });
    const [a, b] = await Promise.all([importAt('il', lot), importAt('kr', lot)]);
    assert.equal(a.runId, b.runId);
    await assertEverywhere(a.runId, lot);
  });

  test('a fab that is killed mid-load and started again gets everything, once', async () => {
    const lots = [11, 12, 13, 14].map((number) => demoLot({ number }));
    const imports = lots.map((lot, i) => importAt(i % 2 === 0 ? 'tw' : 'az', lot, ['tw', 'az', 'il', 'kr']));
    await imports[0];
    await cluster.stopNode('de', 'SIGKILL');
    const runs = await Promise.all(imports);
    await cluster.startNode('de');
    for (const [i, lot] of lots.entries()) {
      await importAt('tw', lot);
      await assertEverywhere(runs[i]!.runId, lot);
    }
  });

  test('a fab that is killed while it takes a file in has kept what it acknowledged, and takes the rest', async () => {
    const lot = demoLot({ number: 21 });
    const interrupted = importAt('il', lot, []).catch(() => null);
    await cluster.stopNode('il', 'SIGKILL');
    const acknowledged = await interrupted;
    await cluster.startNode('il');
    const imported = await importAt('il', lot);
    if (acknowledged) assert.equal(imported.addedAttempts, 0);
    await assertEverywhere(imported.runId, lot);
  });

  test('a fab that only one other can reach sends and gets everything through it', async () => {
    for (const fab of ['tw', 'de', 'il'] as const) cluster.cut('az', fab);
    const [there, back] = [demoLot({ number: 31 }), demoLot({ number: 32 })];
    const [fromTw, fromAz] = await Promise.all([importAt('tw', there), importAt('az', back)]);
    await assertEverywhere(fromTw.runId, there);
    await assertEverywhere(fromAz.runId, back);
    for (const fab of ['tw', 'de', 'il'] as const) cluster.heal('az', fab);
    const direct = demoLot({ number: 33 });
    const healed = await importAt('de', direct);
    await assertEverywhere(healed.runId, direct);
  });

  test('all links of a fab cut and healed: what was taken in on both sides meets', async () => {
    for (const fab of ['tw', 'az', 'de', 'il'] as const) cluster.cut('kr', fab);
    const [inside, outside] = [demoLot({ number: 41 }), demoLot({ number: 42 })];
    const atKr = await importAt('kr', inside, ['kr']);
    const atTw = await importAt('tw', outside, ['tw', 'az', 'de', 'il']);
    for (const fab of ['tw', 'az', 'de', 'il'] as const) cluster.heal('kr', fab);
    await Promise.all([importAt('kr', inside), importAt('tw', outside)]);
    await assertEverywhere(atKr.runId, inside);
    await assertEverywhere(atTw.runId, outside);
  });
});
