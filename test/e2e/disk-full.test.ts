import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspectRun } from '../../src/cli/inspect.ts';
import { grpc } from '../../src/gen/wafersync.js';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { openTester, type TesterClient } from '../../src/tester/index.ts';
import { Cluster } from '../support/cluster.ts';
import { command } from '../support/command.ts';
import { until } from '../support/grpc-client.ts';
import { healthAt, turnsTo } from '../support/health.ts';
import { keptAt } from '../support/node-results.ts';
import { importFile, waitForRun } from '../support/run-client.ts';
import { type SmallDisk, withSmallDisk } from '../support/small-disk.ts';
import { readHistory, sendResults } from '../support/tester.ts';

const { SERVING, NOT_SERVING } = grpc.health.v1.HealthCheckResponse.ServingStatus;
const FABS = ['tw', 'az', 'de'] as const;
const ALL = [...FABS].sort();
const TESTS = Array.from({ length: 50 }, (_, i) => ({ name: `test ${i}`, number: i }));

/** What does not come back by itself never does: the test must not wait for ever. */
const BOUNDED = { timeout: 120_000 };

function addDie(tester: TesterClient, x: number): Promise<void> {
  const values = TESTS.map((_, i) => x + i / 64);
  return tester.addDie({
    ...{ waferId: 'W1', lot: 'L1', x, y: 0, tests: TESTS, values },
    passed: values.map(() => true),
  });
}

/** A tester of a fab; tells what was acknowledged, and why calls were lost. */
function testerOf(cluster: Cluster) {
  const seen = { durable: 0, lost: [] as string[], refused: () => {} };
  const refused = new Promise<void>((resolve) => {
    seen.refused = resolve;
  });
  const tester = openTester({
    ...{ node: cluster.address('tw'), equipmentId: 'T1', retry: { minMs: 20, maxMs: 200 } },
    on: (event) => {
      if (event.type === 'durable') seen.durable = event.through;
      if (event.type === 'opened') assert.ok(event.through >= seen.durable, 'what was acknowledged is there');
      if (event.type !== 'lost') return;
      seen.lost.push(event.error.code);
      seen.refused();
    },
  });
  return { tester, seen, refused };
}

/** Lines of a node's log about its storage. */
function storageLines(
  cluster: Cluster,
): { event: string; level: string; refused?: number; error?: object }[] {
  const lines = cluster.log('tw').trim().split('\n');
  return lines.map((line) => JSON.parse(line)).filter(({ event }) => event.startsWith('storage.'));
}

async function assertRefusal(cluster: Cluster): Promise<void> {
  const results = [{ equipment_id: 'T2', wafer_id: 'W2', test_name: 'VDD', test_value: 1 }];
  await assert.rejects(sendResults(cluster.address('tw'), results), {
    code: 'exhausted',
    hint: /Free space/,
  });
  const lot = demoLot({ number: 7, wafers: 1 });
  await assert.rejects(importFile(cluster.address('tw'), 'lot.stdf', lot.stdf), {
    code: 'exhausted',
    hint: "Free space on the disk of the node's data_dir.",
  });
  assert.deepEqual(readdirSync(join(cluster.dataFolder('tw'), 'spool')), [], 'no piece of the file is left');
}

async function fillAndClear(t: TestContext, cluster: Cluster, disk: SmallDisk): Promise<void> {
  const before = demoLot({ number: 1, wafers: 1 });
  const first = await importFile(cluster.address('tw'), before.fileName, before.stdf, FABS);
  const { tester, seen, refused } = testerOf(cluster);
  for (let x = 0; x < 20; x++) await addDie(tester, x);
  // Nothing may be under way that takes the last room for itself.
  await until(() => tester.progress.durable === 20 * TESTS.length);

  disk.fill();
  for (let x = 20; x < 400; x++) await addDie(tester, x);
  await refused;
  assert.deepEqual(new Set(seen.lost), new Set(['exhausted']));
  await turnsTo(t, cluster.address('tw'), NOT_SERVING);
  assert.match(
    (await healthAt(t, cluster.address('tw'))).reason,
    /wafersync\.db is full.*Free space on its vol/,
  );
  await assertRefusal(cluster);
  assert.match((await command('status', '--node', cluster.address('tw'))).stdout, /^THE DISK IS FULL for /m);

  const meanwhile = demoLot({ number: 2, wafers: 2 });
  const second = await importFile(cluster.address('az'), meanwhile.fileName, meanwhile.stdf, ['az', 'de']);
  assert.ok(!second.syncedFabs.includes('tw'), 'nobody takes it for durable where the disk is full');
  for (const fab of ['az', 'de'] as const)
    assert.equal((await healthAt(t, cluster.address(fab))).status, SERVING, fab);

  disk.clear();
  await turnsTo(t, cluster.address('tw'), SERVING);
  const { results, runId } = await tester.finish();
  assert.equal(results, 400 * TESTS.length);
  for (const run of [first.runId, second.runId, runId])
    assert.deepEqual((await waitForRun(cluster.address('tw'), run, FABS)).toSorted(), ALL);
  for (const fab of FABS) {
    const kept = await keptAt(cluster.address(fab));
    assert.equal(kept.results, before.results + meanwhile.results + results, `${fab} keeps each result once`);
    for (const [run, lot] of [[first.runId, before] as const, [second.runId, meanwhile] as const]) {
      const { digests } = await inspectRun(cluster.address(fab), run);
      assert.equal(digests.attempts_sha256, lot.digests.attempts_sha256, `${lot.fileName} at ${fab}`);
    }
    const history = await readHistory(cluster.address(fab), { wafer_id: 'W1', lot: 'L1' });
    const values = history.map(({ die_x, test_value }) => [die_x, test_value]);
    assert.deepEqual(
      values,
      Array.from({ length: 400 }, (_, x) => TESTS.map((_, i) => [x, x + i / 64])).flat(),
      `the stream at ${fab}`,
    );
  }
  const lines = storageLines(cluster);
  assert.deepEqual(
    lines.map(({ level, event }) => `${level} ${event}`),
    ['error storage.full', 'info storage.recovered'],
  );
  assert.match(
    JSON.stringify(lines[0]!.error),
    /"code":"exhausted".*"hint":"Free space.*"causes":\["SQLITE_FULL/,
  );
  assert.ok(lines[1]!.refused! > 0);
}

test(
  'a disk that is full and has room again: refused and told meanwhile, nothing acknowledged is lost',
  BOUNDED,
  async (t) => {
    await withSmallDisk(t, 16, async (disk) => {
      const cluster = await Cluster.start(FABS, { tw: disk.folder });
      try {
        await fillAndClear(t, cluster, disk);
        assert.equal(await cluster.stopNode('tw', 'SIGTERM'), 0);
      } finally {
        await cluster.stop();
      }
    });
  },
);
