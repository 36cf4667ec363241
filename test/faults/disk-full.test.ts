import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { WafersyncError } from '../../src/errors.ts';
import { grpc } from '../../src/gen/wafersync.js';
import { Store } from '../../src/store/store.ts';
import { health, syncMonitor } from '../../src/wire/services.ts';
import { command } from '../support/command.ts';
import { closing, Journal } from '../support/grpc-client.ts';
import { healthAt, turnsTo } from '../support/health.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { hasResults, keptAt } from '../support/node-results.ts';
import { sendResults } from '../support/tester.ts';

const { SERVING, NOT_SERVING } = grpc.health.v1.HealthCheckResponse.ServingStatus;
const INTAKE = [
  '',
  ...['TestEquipment', 'RunService', 'WaferService', 'ConflictService', 'RetentionService', 'DataSync'].map(
    (name) => `wafersync.v1.${name}`,
  ),
];
const HINT = 'Free space on its volume.';

/** What does not come back by itself never does: the test must not wait for ever. */
const BOUNDED = { timeout: 60_000 };

/** Lets the disks of some fabs be full: whatever is committed there fails as SQLite fails. */
function fullDisks(t: TestContext): Set<string> {
  const full = new Set<string>();
  const { transaction } = Store.prototype;
  t.mock.method(Store.prototype, 'transaction', function (this: Store, work: () => unknown) {
    if (full.has(this.origin.fab))
      throw new WafersyncError('exhausted', 'database tw.db is full', { hint: HINT });
    return transaction.call(this, work);
  });
  return full;
}

/** Results of dies with one test each. */
function results(from: number, count: number) {
  return Array.from({ length: count }, (_, i) => {
    return { equipment_id: 'T1', wafer_id: 'W1', die_x: from + i, test_name: 'VDD', test_value: 1 };
  });
}

test(
  'while the disk of a fab is full its testers are refused and its health says why; the others go on',
  BOUNDED,
  async (t) => {
    const full = fullDisks(t);
    const log = new Journal();
    const [tw, az, de] = (await startNodes(t, ['tw', 'az', 'de'], { log })) as [
      LocalNode,
      LocalNode,
      LocalNode,
    ];
    await sendResults(tw.address, results(0, 3));
    await hasResults(de, 3);
    assert.deepEqual(await healthAt(t, tw.address), { status: SERVING, reason: '' });

    full.add('tw');
    for (let i = 0; i < 3; i++) {
      await assert.rejects(sendResults(tw.address, results(10, 2)), (error) => {
        assert.ok(error instanceof WafersyncError);
        assert.equal(error.code, 'exhausted');
        assert.match(error.line, /database tw\.db is full.*Free space/);
        return true;
      });
    }
    const reason = `database tw.db is full. ${HINT}`;
    for (const service of INTAKE)
      assert.deepEqual(await healthAt(t, tw.address, service), { status: NOT_SERVING, reason }, service);
    assert.equal((await healthAt(t, tw.address, 'wafersync.v1.SyncMonitor')).status, SERVING);
    assert.equal((await healthAt(t, az.address)).status, SERVING);

    // Results born elsewhere go everywhere but here, and nobody takes them for received here.
    await sendResults(az.address, results(20, 5));
    await hasResults(de, 8);
    assert.equal((await keptAt(tw.address)).results, 3);
    const monitor = closing(t, makeClient(syncMonitor, az.address));
    const { node } = await monitor.GetNode({});
    assert.ok(Number(node?.peers?.find(({ fab_id }) => fab_id === 'tw')?.behind_updates) > 0);

    const told = await command('status', '--node', tw.address);
    assert.match(
      told.stdout,
      /^THE DISK IS FULL for .*, [\d,]+ writes? refused: database tw\.db is full\. Free space/m,
    );
    const { storage } = JSON.parse((await command('status', '--node', tw.address, '--json')).stdout);
    assert.deepEqual([storage.full, storage.reason], [true, reason]);
    assert.ok(storage.refused_writes >= 3 && storage.full_for_ms > 0);

    full.clear();
    await turnsTo(t, tw.address, SERVING);
    await hasResults(tw, 8);
    await sendResults(tw.address, results(30, 4));
    for (const one of [tw, az, de]) await hasResults(one, 12);
    assert.equal((await keptAt(tw.address)).results, 12);
    const lines = log.lines
      .filter(({ event }) => event.startsWith('storage.'))
      .filter(({ level }) => level !== 'debug');
    assert.deepEqual(
      lines.map(({ level, event }) => `${level} ${event}`),
      ['error storage.full', 'info storage.recovered'],
    );
    assert.ok(Number(lines[1]!.fields.refused) >= 3);
    assert.doesNotMatch((await command('status', '--node', tw.address)).stdout, /FULL/);
  },
);

test('those who watch a node hear that its disk is full, and that it is no longer', BOUNDED, async (t) => {
  const full = fullDisks(t);
  const [tw] = (await startNodes(t, ['tw'])) as [LocalNode];
  const states = closing(t, makeClient(syncMonitor, tw.address)).WatchNode({ min_interval_ms: 1 });
  const watch = closing(t, makeClient(health, tw.address)).Watch({});
  const told: unknown[] = [];
  const seen = (async () => {
    for await (const { status } of watch) if (told.push(status) === 3) return;
  })();
  const fullness: boolean[] = [];
  for await (const { node } of states) {
    const now = node?.storage?.full ?? false;
    if (now === fullness.at(-1)) continue;
    fullness.push(now);
    if (fullness.length === 1) {
      full.add('tw');
      await assert.rejects(sendResults(tw.address, results(0, 1)), { code: 'exhausted' });
    }
    if (now) full.clear();
    if (fullness.length === 3) break;
  }
  await seen;
  assert.deepEqual(fullness, [false, true, false]);
  assert.deepEqual(told, [SERVING, NOT_SERVING, SERVING]);
});
