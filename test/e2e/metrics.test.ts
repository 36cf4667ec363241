import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { grpc } from '../../src/gen/wafersync.js';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { Cluster, type DataFolders } from '../support/cluster.ts';
import { command } from '../support/command.ts';
import { scrape, scrapeUntil } from '../support/exposition.ts';
import { freePorts } from '../support/free-ports.ts';
import { healthAt, turnsTo } from '../support/health.ts';
import { promtool, promtoolLacks } from '../support/promtool.ts';
import { importFile } from '../support/run-client.ts';
import { withSmallDisk } from '../support/small-disk.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { sendResults, type TestResult } from '../support/tester.ts';

const { SERVING, NOT_SERVING } = grpc.health.v1.HealthCheckResponse.ServingStatus;
const FABS = ['tw', 'az'] as const;

/** What does not come never does: the tests must not wait for ever. */
const BOUNDED = { timeout: 120_000 };

let lacks: string | null = null;
before(() => {
  lacks = promtoolLacks();
});

/** Two fabs whose metrics are served. */
async function measured(t: TestContext, folders: DataFolders = {}) {
  const [tw, az] = (await freePorts(2)) as [number, number];
  const ports = { tw, az };
  const cluster = await Cluster.start(FABS, folders, {
    configOf: (fab) => ({ metrics: { port: fab === 'tw' ? tw : az } }),
  });
  t.after(() => cluster.stop());
  return { cluster, ports };
}

function resultsOf(dies: number, more: Partial<TestResult> = {}): TestResult[] {
  return Array.from({ length: dies }, (_, x) => ({
    ...{ equipment_id: 'T1', stream_id: 'S1', stream_sequence: x + 1, wafer_id: 'W1', lot: 'L1' },
    ...{ die_x: x, die_y: 0, test_name: 'VDD', test_value: x, pass_fail: true },
    ...{ timestamp_us: 1_795_420_800_000_000 + x },
    ...more,
  }));
}

test('promtool finds nothing to say about the scrape of a node that has been at work', BOUNDED, async (t) => {
  if (lacks !== null) return t.skip(lacks);
  const { cluster, ports } = await measured(t);
  const lot = demoLot({ number: 1, wafers: 1 });
  await importFile(cluster.address('tw'), lot.fileName, lot.stdf, [...FABS]);
  await sendResults(cluster.address('az'), resultsOf(5));
  for (const port of Object.values(ports)) {
    const { text } = await scrape(port);
    assert.deepEqual(promtool(['check', 'metrics'], text), { code: 0, said: '' });
  }
});

test('promtool tells a name that is against the conventions, so that its silence means something', (t) => {
  if (lacks !== null) return t.skip(lacks);
  const { code, said } = promtool(['check', 'metrics'], '# HELP x_ms X.\n# TYPE x_ms counter\nx_ms 1\n');
  assert.notEqual(code, 0);
  assert.match(said, /_total/);
});

test('what is handed in, replicated, refused and sent again is counted at both fabs', BOUNDED, async (t) => {
  const { cluster, ports } = await measured(t);
  const lot = demoLot({ number: 1, wafers: 1 });
  await importFile(cluster.address('tw'), lot.fileName, lot.stdf, [...FABS]);
  await sendResults(cluster.address('tw'), resultsOf(5));
  await sendResults(cluster.address('tw'), resultsOf(5));
  await assert.rejects(sendResults(cluster.address('tw'), resultsOf(1, { test_value: 7 })));
  await assert.rejects(importFile(cluster.address('tw'), 'x.stdf', Buffer.from('no STDF')));
  const tw = await scrape(ports.tw);
  assert.equal(tw.value('wafersync_intake_results_total{source="file"}'), lot.results);
  assert.equal(tw.value('wafersync_intake_results_total{source="stream"}'), 5);
  assert.equal(tw.value('wafersync_intake_attempts_total{source="stream"}'), 5);
  assert.equal(tw.value('wafersync_intake_resent_results_total'), 5);
  assert.equal(tw.value('wafersync_intake_files_total{outcome="whole"}'), 1);
  assert.equal(tw.value('wafersync_intake_files_total{outcome="refused"}'), 1);
  // One write, or two where the machine was slow to take them.
  assert.ok(tw.value('wafersync_intake_acknowledgement_seconds_count{source="stream"}')! >= 1);
  const stream = (status: string) =>
    tw.value(
      `wafersync_calls_total{method="wafersync.v1.TestEquipment/StreamTestResults",status="${status}"}`,
    );
  assert.deepEqual([stream('OK'), stream('ABORTED')], [2, 1]);
  assert.ok(tw.value('wafersync_commit_seconds_count')! > 0);
  assert.ok(tw.value('wafersync_wal_bytes')! > 0);

  const all = tw.value('wafersync_received_updates{fab="tw"}')!;
  const az = await scrapeUntil(ports.az, (now) => now.value('wafersync_applied_updates{fab="tw"}') === all);
  assert.equal(az.value('wafersync_results'), lot.results + 5);
  const results = (node: typeof az) => node.value('wafersync_log_updates_total{fab="tw",kind="results"}');
  assert.equal(results(az), results(tw));
  assert.equal(az.value('wafersync_apply_updates_total{outcome="applied"}'), all);
  assert.equal(az.value('wafersync_propagation_seconds_count{fab="tw"}'), all);
  assert.ok(az.value('wafersync_lag_seconds{fab="tw"}')! >= 0);
  const sealed = ['results', 'run'].map(
    (kind) => az.value(`wafersync_log_bytes_total{fab="tw",kind="${kind}"}`)!,
  );
  const lanes = ['live-from', 'catch-up-from'].map(
    (lane) => az.value(`wafersync_lane_bytes_total{peer="tw",lane="${lane}"}`) ?? 0,
  );
  assert.ok(lanes[0]! + lanes[1]! >= sealed[0]! + sealed[1]!, 'every update came over some lane');
});

test('a pause, a limit and a backup show', BOUNDED, async (t) => {
  const { cluster, ports } = await measured(t);
  const tw = cluster.address('tw');
  const why = ['--reason', 'a test', '--node', tw];
  const ran = async (...args: string[]) => {
    const { code, stderr } = await command(...args);
    assert.equal(code, 0, stderr);
  };
  const paused = (lanes: string) => `wafersync_peer_paused{peer="az",lanes="${lanes}"}`;
  const limit = 'wafersync_peer_limit_bytes_per_second{peer="az"}';
  const backup = 'wafersync_backup_timestamp_seconds';
  const read = async () => {
    const now = await scrape(ports.tw);
    return [paused('all'), paused('live'), limit, backup].map((series) => now.value(series));
  };
  assert.deepEqual(await read(), [0, 0, undefined, undefined]);
  await ran('peer', 'limit', 'az', '--rate', '2MB/s', ...why);
  await ran('peer', 'pause', 'az', '--lanes', 'live', ...why);
  assert.deepEqual(await read(), [0, 1, 2_000_000, undefined]);
  await ran('peer', 'pause', 'az', ...why);
  await ran('peer', 'limit', 'az', '--none', ...why);
  const file = join(temporaryFolder(t), 'tw.backup');
  await ran('backup', file, '--node', tw);
  const [all, live, rate, at] = await read();
  assert.deepEqual([all, live, rate], [1, 0, undefined]);
  assert.ok(at! > (await scrape(ports.tw)).value('process_start_time_seconds')!);
});

test('a peer that is down shows, and what it lacks meanwhile', BOUNDED, async (t) => {
  const { cluster, ports } = await measured(t);
  const up = ['out', 'in'].map((way) => `wafersync_peer_connected{peer="az",direction="${way}"}`);
  await scrapeUntil(ports.tw, (now) => up.every((series) => now.value(series) === 1));
  await cluster.stopNode('az', 'SIGKILL');
  await scrapeUntil(ports.tw, (now) => up.every((series) => now.value(series) === 0));
  await sendResults(cluster.address('tw'), resultsOf(3));
  const lacking = await scrape(ports.tw);
  const backlog = 'wafersync_peer_backlog_updates{peer="az"}';
  assert.ok(lacking.value(backlog)! > 0);
  await cluster.startNode('az');
  await scrapeUntil(ports.tw, (now) => now.value(backlog) === 0);
  const az = await scrape(ports.az);
  assert.equal(az.value('wafersync_missing_updates'), 0);
  const came = ['live-from', 'catch-up-from'].map(
    (lane) => az.value(`wafersync_lane_updates_total{peer="tw",lane="${lane}"}`) ?? 0,
  );
  assert.ok(came[0]! + came[1]! > 0, 'what it lacked came over some lane');
});

test('while the disk is full, health and metrics both say that nothing is taken in', BOUNDED, async (t) => {
  await withSmallDisk(t, 16, async (disk) => {
    const { cluster, ports } = await measured(t, { tw: disk.folder });
    assert.equal((await scrape(ports.tw)).value('wafersync_serving'), 1);
    disk.fill();
    // As much as the pages that are there already cannot hold.
    await assert.rejects(sendResults(cluster.address('tw'), resultsOf(20_000)), { code: 'exhausted' });
    await turnsTo(t, cluster.address('tw'), NOT_SERVING);
    assert.match((await healthAt(t, cluster.address('tw'))).reason, /is full/);
    const full = await scrape(ports.tw);
    assert.deepEqual([full.value('wafersync_serving'), full.value('wafersync_storage_full')], [0, 1]);
    assert.ok(full.value('wafersync_storage_refused_writes')! > 0);
    assert.ok(full.value('wafersync_commit_failures_total{code="exhausted"}')! > 0);
    assert.equal((await scrape(ports.az)).value('wafersync_serving'), 1);
    disk.clear();
    await turnsTo(t, cluster.address('tw'), SERVING);
    const well = await scrape(ports.tw);
    assert.deepEqual([well.value('wafersync_serving'), well.value('wafersync_storage_full')], [1, 0]);
  });
});

test('a metrics port that is taken ends the start as a taken port of the node does', BOUNDED, async (t) => {
  const { cluster, ports } = await measured(t);
  await cluster.stopNode('az', 'SIGTERM');
  const az = cluster.spawnNode('az', { environment: { WAFERSYNC_METRICS_PORT: String(ports.tw) } });
  const [code] = await once(az, 'exit');
  assert.equal(code, 1);
  assert.match(
    cluster.log('az'),
    new RegExp(
      `^wafersync: port ${ports.tw} on 127\\.0\\.0\\.1 is taken\\. Stop the other process or set metrics\\.port\\.$`,
      'm',
    ),
  );
});

test('metrics are served until the node has stopped, and not afterwards', BOUNDED, async (t) => {
  const { cluster, ports } = await measured(t);
  await scrape(ports.tw);
  assert.equal(await cluster.stopNode('tw', 'SIGTERM'), 0);
  await assert.rejects(scrape(ports.tw));
});
