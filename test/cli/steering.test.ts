import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { fabId, formatDot } from '../../src/clocks/dot.ts';
import { loadConfig } from '../../src/config/load.ts';
import { wafersync } from '../../src/gen/wafersync.js';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { silentLog } from '../../src/log.ts';
import { startNode } from '../../src/node.ts';
import { Store } from '../../src/store/store.ts';
import { decoders } from '../../src/wire/decoders.ts';
import { toNumber } from '../../src/wire/long.ts';
import { dataSync, runService, syncMonitor, testEquipment, waferService } from '../../src/wire/services.ts';
import { realWorld } from '../../src/world.ts';
import { command } from '../support/command.ts';
import { DocumentFab } from '../support/document-bench.ts';
import { closing } from '../support/grpc-client.ts';
import { healthAt } from '../support/health.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { ManualWorld } from '../support/manual-world.ts';
import { importFile, waitForRun } from '../support/run-client.ts';
import { toMessage } from '../support/tester.ts';

const { SyncState } = wafersync.v1;
const WHY = ['--reason', 'we looked', '--author', 'kim'];
const SERVING = 1;
const NOT_SERVING = 2;

async function ran(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await command(...args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function refused(...args: string[]): Promise<string> {
  const { code, stderr } = await command(...args);
  assert.equal(code, 1, args.join(' '));
  return stderr;
}

/** Settles once something holds; looked at whenever the node tells of a change. */
async function once(t: TestContext, node: LocalNode, holds: () => Promise<boolean>): Promise<void> {
  const client = closing(t, makeClient(syncMonitor, node.address));
  for await (const _ of client.WatchNode({ min_interval_ms: 20 })) if (await holds()) return;
}

/** Two nodes; the first one begins with an edit of a third fab whose clock is an hour ahead. */
async function withHeldEdit(t: TestContext) {
  const [stopped, az] = (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
  await stopped.stop();
  const world = new ManualWorld();
  world.advance(Date.now() + 3_600_000 - world.nowMs());
  const de = new DocumentFab(t, 'de', world);
  await de.patch([['replace', '/disposition', 'hold']]);
  const [edit] = de.born;
  const file = join(stopped.dataFolder, 'wafersync.db');
  const store = Store.open({ file, fab: fabId('tw'), world: realWorld, decoders });
  store.transaction(() => {
    store.log.append(edit!);
    store.log.hold(edit!.header.dot, 'clock', 'ahead');
  });
  store.close();
  const told: string[] = [];
  const log = {
    ...silentLog,
    info: (event: string, fields?: object) => void told.push(`${event} ${JSON.stringify(fields)}`),
  };
  const around = { world: realWorld, log, version: 'test' };
  const node = await startNode(loadConfig(stopped.configFile, {}), around);
  t.after(() => node.stop());
  return { tw: { ...stopped, ...node } as LocalNode, az, dot: formatDot(edit!.header.dot), told };
}

test('what is held is told with its reason and what releases it, dropped, and released at last', async (t) => {
  const { tw, az, dot, told } = await withHeldEdit(t);
  const at = ['--node', tw.address];
  const listed = async (node: LocalNode, ...args: string[]) =>
    JSON.parse(await ran('held', 'list', '--node', node.address, '--json', ...args));
  const [held] = await listed(tw);
  assert.deepEqual([held.dot, held.kind, held.reason, held.dropped], [dot, 'edit', 'clock', null]);
  assert.deepEqual(held.wafer, { lot: 'L1', wafer_id: 'W1', insertion: 'CP1' });
  assert.match(held.detail, /^\d+ ms ahead of this node's clock$/);
  assert.match(held.released_by, /max_clock_drift_ms.*wafersync held release/);
  assert.ok(held.bytes > 0 && held.since_ms > 0 && held.born_ms > Date.now());
  assert.equal((await listed(tw, '--reason', 'clock', '--fab', 'de', '--lot', 'L1')).length, 1);
  assert.deepEqual(await listed(tw, '--fab', 'az'), []);
  assert.deepEqual(await listed(tw, '--lot', 'L9'), []);
  const table = await ran('held', 'list', ...at);
  assert.match(
    table,
    /^UPDATE +KIND +WAFER +REASON .*\nde\.\S+:1 +edit +L1\/W1\/CP1 +clock .*\n\n1 update held\n$/,
  );

  assert.match(await ran('held', 'drop', dot, ...WHY, ...at), /not waited for any more/);
  const status = async () => JSON.parse(await ran('status', ...at, '--json'));
  const { held_updates, dropped_updates } = await status();
  assert.deepEqual([held_updates, dropped_updates], [0, 1]);
  assert.match(
    await ran('status', ...at),
    /\n1 update more is held back and dropped: `wafersync held list`\n/,
  );
  assert.match(await ran('held', 'list', ...at), /clock, dropped .*dropped by kim: we looked/);
  const wafers = closing(t, makeClient(waferService, tw.address));
  assert.notEqual(
    (await wafers.GetWafer({ wafer_id: 'W1' })).state,
    SyncState.SYNCED,
    'it is not told to be',
  );
  // It is passed on all the same.
  await once(t, az, async () => (await listed(az)).length === 1);

  assert.equal(await ran('held', 'release', dot, ...WHY, ...at), `${dot} is applied now.\n`);
  const { document_json } = await wafers.GetWafer({ wafer_id: 'W1' });
  assert.equal(JSON.parse(document_json ?? '').disposition, 'hold');
  assert.equal(await ran('held', 'list', ...at), 'nothing is held\n');
  assert.match(
    await refused('held', 'release', dot, ...WHY, ...at),
    /is not held: it is applied\. `wafersync held list` tells what is held/,
  );
  assert.match(await refused('held', 'release', 'tw.57', ...WHY, ...at), /is no dot\. It is of the form/);
  assert.match(await refused('held', 'drop', dot, '--reason', ' ', ...at), /reason is empty\. Say why/);

  const acts = JSON.parse(await ran('acts', ...at, '--json'));
  assert.deepEqual(
    acts.map((one: Record<string, string>) => [one.act, one.about, one.author, one.reason]),
    [
      ['held.release', dot, 'kim', 'we looked'],
      ['held.drop', dot, 'kim', 'we looked'],
    ],
  );
  assert.match(
    await ran('acts', ...at, '--limit', '1'),
    /^AT .*\n20\S+ \S+ UTC +held\.release +de\S+ +applied +kim +we looked\n$/,
  );
  const lines = told.filter((line) => line.startsWith('control.acted'));
  assert.deepEqual(
    lines.map((line) => JSON.parse(line.slice(14)).act),
    ['held.drop', 'held.release'],
  );
});

test('a peer is paused and resumed; it is told so, everybody can see it, and others pass on what there is', async (t) => {
  const [tw, az, de] = (await startNodes(t, ['tw', 'az', 'de'])) as [LocalNode, LocalNode, LocalNode];
  const at = ['--node', tw.address];
  const status = async (node: LocalNode) => JSON.parse(await ran('status', '--node', node.address, '--json'));
  const peer = async (node: LocalNode, fab: string) =>
    (await status(node)).peers.find((one: { fab_id: string }) => one.fab_id === fab);
  await once(t, tw, async () =>
    (await status(tw)).peers.every((one: { inbound_up: boolean }) => one.inbound_up),
  );
  const paused = await ran('peer', 'pause', 'az', '--for', '2h', ...WHY, ...at);
  assert.match(paused, /^Paused: az, since 20.* UTC, until 20.* UTC; kim said: we looked\n$/);
  const { pause, outbound_up, inbound_up } = await peer(tw, 'az');
  assert.deepEqual([pause.lanes, pause.author, pause.reason], ['all', 'kim', 'we looked']);
  assert.equal(pause.until_ms - pause.since_ms, 7_200_000);
  assert.deepEqual([outbound_up, inbound_up], [false, false]);
  const screen = await ran('status', ...at);
  assert.match(screen, /\nPAUSED: az, since /);
  assert.match(screen, /\naz +127\.0\.0\.1:\d+ +paused +.* +paused here: we looked\n/);
  assert.match(screen, /\naz: is not connected with tw: tw has paused az: we looked[.\n]/);
  assert.match(
    await refused('fab', 'remove', 'az', ...WHY, ...at),
    /az is paused here, .*; kim said: we looked\. Say `wafersync peer resume az` here/,
  );
  const fabs = JSON.parse(await ran('fab', 'list', ...at, '--json'));
  assert.deepEqual(
    fabs.map((fab: { fab_id: string; pause: object | null }) => [fab.fab_id, fab.pause !== null]),
    [
      ['az', true],
      ['de', false],
      ['tw', false],
    ],
  );
  assert.match(await ran('fab', 'list', ...at), /^az +member +\S+ +paused /m);
  // What az is told, also where it asks.
  await once(t, az, async () => /tw has paused az: we looked/.test((await peer(az, 'tw')).last_error));

  const lot = demoLot({ number: 1, wafers: 1 });
  const { runId } = await importFile(tw.address, lot.fileName, lot.stdf, ['tw', 'az', 'de']);
  assert.deepEqual((await waitForRun(az.address, runId, ['az'])).includes(fabId('az')), true, 'by de');
  assert.ok((await peer(az, 'de')).live_fabs.includes('tw'), 'the way goes round');

  assert.match(await ran('peer', 'resume', 'az', ...at), /^az is not paused any more/);
  await once(t, tw, async () => {
    const one = await peer(tw, 'az');
    return one.pause === null && one.outbound_up && one.inbound_up;
  });
  assert.match(await refused('peer', 'resume', 'az', ...at), /az is not paused here\. No peer is/);
  assert.match(
    await refused('peer', 'pause', 'kr', ...WHY, ...at),
    /kr is no fab of this mesh\. It has az, de, tw/,
  );
  assert.match(await refused('peer', 'pause', 'tw', ...WHY, ...at), /it is no peer of itself/);
  assert.match(
    await refused('peer', 'pause', 'az', '--for', '31d', ...WHY, ...at),
    /It must be at most 30d\. Without it a pause lasts until `wafersync peer resume`/,
  );
  assert.match(
    await refused('peer', 'pause', 'az', '--for', 'long', ...WHY, ...at),
    /such as 30s, 10min, 2h or 3d/,
  );
  assert.ok((await peer(de, 'tw')).outbound_up);
});

test('the lane on which a peer asks is ended by a pause of it, though nothing is asked for', async (t) => {
  const [tw, az] = (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
  const at = ['--node', tw.address];
  const lanesUp = async () => {
    const [{ lanes }] = JSON.parse(await ran('peers', ...at, '--json'));
    return lanes.flatMap(({ kind, up }: { kind: string; up: boolean }) => (up ? [kind] : []));
  };
  // Nothing is pushed, so that az asks for all.
  await ran('peer', 'pause', 'az', '--lanes', 'live', ...WHY, ...at);
  const lot = demoLot({ number: 1, wafers: 1 });
  await importFile(tw.address, lot.fileName, lot.stdf, ['tw', 'az']);
  await once(t, tw, async () => (await lanesUp()).includes('catch-up-to'));
  await ran('peer', 'pause', 'az', ...WHY, ...at);
  await once(t, tw, async () => (await lanesUp()).length === 0);
  const [{ state, last_failure }] = JSON.parse(await ran('peers', '--node', az.address, '--json'));
  assert.equal(state, 'dialling');
  assert.match(last_failure.reason, /tw has paused az: we looked/);
});

test('what a paused peer misses it has after it is resumed, over a restart of both', async (t) => {
  const [tw, az] = (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
  const at = ['--node', tw.address];
  await ran('peer', 'pause', 'az', '--lanes', 'catch-up', '--for', '2h', ...WHY, ...at);
  assert.match(
    await ran('peer', 'pause', 'az', '--reason', 'again', ...at),
    /^Paused: az, .* said: again\nIn place of the pause before: the catch-up lanes of az, since .* until 20.* UTC; kim said: we looked\n$/,
  );
  const [{ detail }] = JSON.parse(await ran('acts', ...at, '--json'));
  assert.match(detail, /^all lanes; before: catch-up lanes, until 20\S+ \S+ UTC$/);
  const lot = demoLot({ number: 1, wafers: 1 });
  const { runId } = await importFile(tw.address, lot.fileName, lot.stdf);
  await tw.stop();
  const node = await startNode(loadConfig(tw.configFile, {}), {
    world: realWorld,
    log: silentLog,
    version: 'test',
  });
  t.after(() => node.stop());
  const { pause } = JSON.parse(await ran('status', ...at, '--json')).peers[0];
  assert.deepEqual([pause.lanes, pause.until_ms], ['all', 0], 'the later word counts');
  assert.match(await refused('inspect', '--run', runId, '--node', az.address), /is not known here/);
  await ran('peer', 'resume', 'az', '--reason', 'done', ...at);
  assert.deepEqual((await waitForRun(tw.address, runId, ['tw', 'az'])).toSorted(), ['az', 'tw']);
});

test('a node that is drained takes nothing in, ends what is open once it is durable, and says when it may stop', async (t) => {
  const [tw, az] = (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
  const at = ['--node', tw.address];
  const testers = closing(t, makeClient(testEquipment, tw.address));
  const call = testers.SyncTestData();
  const die = (sequence: number) =>
    toMessage({
      ...{ equipment_id: 'T-1', stream_id: 's1', stream_sequence: sequence, wafer_id: 'W-9', lot: 'L-9' },
      ...{ die_x: sequence, die_y: 0, test_name: 't', test_value: 1, pass_fail: true },
      timestamp_us: 1_780_000_000_000_000,
    });
  for (let i = 1; i <= 3; i++) await call.write(die(i));
  const acks: number[] = [];
  const ended = (async () => {
    for await (const ack of call) acks.push(toNumber(ack.through_sequence));
  })();
  ended.catch(() => {});
  const waited = command('drain', '--wait', ...WHY, ...at);
  await assert.rejects(ended, (error: Error) => {
    assert.match(error.message, /the node of tw is drained for maintenance: we looked/);
    return true;
  });
  assert.ok((acks.at(-1) ?? 0) >= 2, `acknowledged before it ended: ${acks.join()}`);
  const { code, stdout } = await waited;
  assert.deepEqual([code, stdout], [0, 'It is drained: it may be stopped.\n']);

  const lot = demoLot({ number: 1, wafers: 1 });
  const why = /the node of tw is drained for maintenance: we looked/;
  await assert.rejects(importFile(tw.address, lot.fileName, lot.stdf), why);
  const wafer = ['wafer', 'patch', 'W-9', '--set', '/disposition="hold"', ...at];
  assert.match(
    await refused(...wafer),
    /drained for maintenance: we looked\. Try again later.*drain --cancel/,
  );
  assert.match(await refused('mesh', 'patch', '--set', '/views/P="first"', ...at), why);
  // Who belongs to the mesh may be said all the while: a drain may wait for one that never returns.
  await ran('fab', 'add', 'kr', ...at);
  await ran('fab', 'evict', 'kr', '--confirm', 'kr', '--reason', 'never came', ...at);
  const { draining } = JSON.parse(await ran('status', ...at, '--json'));
  assert.match(draining, why);
  assert.match(await ran('status', ...at), /\nDRAINING: the node of tw is drained/);
  for (const [service, status] of [
    ['', NOT_SERVING],
    [testEquipment.name, NOT_SERVING],
    [runService.name, NOT_SERVING],
    [waferService.name, NOT_SERVING],
    [dataSync.name, SERVING],
    [syncMonitor.name, SERVING],
  ] as const) {
    const health = await healthAt(t, tw.address, service);
    assert.equal(health.status, status, service);
    if (status === NOT_SERVING) assert.match(health.reason, why);
  }
  // Peers go on.
  const { runId } = await importFile(az.address, lot.fileName, lot.stdf, ['az', 'tw']);
  assert.ok(runId);

  const again = await ran('drain', '--reason', 'a second reason', ...at);
  assert.match(
    again,
    /^It was being drained already, since 20.* UTC; kim said: we looked\. Testers are told now: a second reason\n/,
  );
  assert.doesNotMatch(await ran('drain', '--reason', 'a second reason', ...at), /already/);
  const toldNow = /drained for maintenance: a second reason/;
  await assert.rejects(importFile(tw.address, lot.fileName, lot.stdf), toldNow);
  assert.match(await refused(...wafer), toldNow);
  assert.match((await healthAt(t, tw.address)).reason, toldNow);
  const cancelled = await ran('drain', '--cancel', '--reason', 'all done', ...at);
  assert.equal(cancelled, 'It takes everything in again.\n');
  assert.equal(await ran('drain', '--cancel', ...at), 'It was not drained: it takes everything in.\n');
  await ran(...wafer);
  assert.equal((await healthAt(t, tw.address)).status, SERVING);
  const acts = JSON.parse(await ran('acts', ...at, '--json'));
  assert.deepEqual(
    acts.map(({ act, detail }: Record<string, string>) => [act, detail].join(' ').trimEnd()),
    ['node.drain_cancel', 'node.drain instead of: we looked', 'fab.evict', 'fab.add', 'node.drain'],
  );
});

test('a drain tells who lacks what, ends nothing by a timeout, and ends once that fab has it', async (t) => {
  const [tw, az] = (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
  const at = ['--node', tw.address];
  await az.stop();
  const lot = demoLot({ number: 1, wafers: 1 });
  await importFile(tw.address, lot.fileName, lot.stdf);
  const late = await command('drain', '--wait', '--timeout', '1s', '--json', ...WHY, ...at);
  assert.equal(late.code, 1);
  assert.match(
    late.stderr,
    /it is not drained after 1\.0 s\. It goes on: ask again with --wait, or say --cancel\./,
  );
  const left = JSON.parse(late.stdout);
  assert.equal(left.drained, false);
  assert.ok(left.only_here_updates > 0 && left.only_here_of_others === 0);
  assert.deepEqual(
    left.lacks.map((lack: Record<string, unknown>) => [lack.fab_id, lack.connected]),
    [['az', false]],
  );
  assert.match(
    await ran('drain', ...WHY, ...at),
    /^az lacks \d+ updates, and is not connected; \d+ updates are only here, 0 of them born elsewhere\nIt takes nothing in/,
  );
  assert.match(
    await refused('drain', '--at', 'kr', ...WHY, ...at),
    /kr is no fab of this mesh\. Name some of az, tw/,
  );
  assert.match(await refused('drain', ...at), /there is no --reason/);
  const waited = command('drain', '--wait', ...WHY, ...at);
  const again = await startNode(loadConfig(az.configFile, {}), {
    world: realWorld,
    log: silentLog,
    version: 'test',
  });
  t.after(() => again.stop());
  assert.equal((await waited).code, 0);
  assert.match(
    await refused('drain', '--at', 'tw', ...WHY, ...at),
    /tw is the node that is drained\. Name some of az, tw/,
  );
  // A restart ends it.
  await tw.stop();
  const node = await startNode(loadConfig(tw.configFile, {}), {
    world: realWorld,
    log: silentLog,
    version: 'test',
  });
  t.after(() => node.stop());
  assert.equal(JSON.parse(await ran('status', ...at, '--json')).draining, '');
});

test('a drain that somebody cancels tells so who waits for it', async (t) => {
  const [tw, az] = (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
  const at = ['--node', tw.address];
  await az.stop();
  const lot = demoLot({ number: 1, wafers: 1 });
  await importFile(tw.address, lot.fileName, lot.stdf);
  const waited = command('drain', '--wait', ...WHY, ...at);
  await once(t, tw, async () => JSON.parse(await ran('status', ...at, '--json')).draining !== '');
  await ran('drain', '--cancel', ...at);
  const { code, stderr } = await waited;
  assert.equal(code, 1);
  assert.match(
    stderr,
    /the drain was cancelled: the node takes everything in again\. `wafersync acts` tells by whom/,
  );
});

test('a peer is limited by the time of day, which is shown and kept; all arrives nevertheless', async (t) => {
  const [tw, az] = (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
  const at = ['--node', tw.address];
  const limit = ['peer', 'limit', 'az', ...WHY, ...at];
  const allDay = ['--between', '00:00-12:00', '--between', '12:00-00:00'];
  assert.equal(
    (await ran(...limit, '--rate', '2MB/s', ...allDay, '--otherwise', '500kB/s')).replace(
      /\d\d:\d\d\)/,
      'TIME)',
    ),
    'Limited: az, 2 MB/s from 00:00 to 12:00, 2 MB/s from 12:00 to 00:00 (UTC, now TIME), else 500 kB/s; now 2 MB/s; kim said: we looked\n',
  );
  const shown = async () => JSON.parse(await ran('status', ...at, '--json')).peers[0].limit;
  const { bytes_per_s, windows, now_bytes_per_s, author, time_zone, now } = await shown();
  assert.deepEqual([bytes_per_s, now_bytes_per_s, author], [500_000, 2_000_000, 'kim']);
  assert.deepEqual(windows, [
    { from_minute: 0, to_minute: 720, from: '00:00', to: '12:00', bytes_per_s: 2_000_000 },
    { from_minute: 720, to_minute: 0, from: '12:00', to: '00:00', bytes_per_s: 2_000_000 },
  ]);
  assert.equal(time_zone, 'UTC');
  assert.match(now, /^\d\d:\d\d$/);
  assert.match(
    await ran('status', ...at),
    /\nlimited: az, .* from 12:00 to 00:00 \(UTC, now \d\d:\d\d\), else 500 kB\/s; now 2 MB\/s; /,
  );
  await ran(...limit, '--rate', '40kB/s');
  const lot = demoLot({ number: 1, wafers: 1 });
  const imported = await importFile(tw.address, lot.fileName, lot.stdf, ['tw', 'az']);
  assert.deepEqual(imported.syncedFabs.toSorted(), ['az', 'tw']);
  const back = demoLot({ number: 2, wafers: 1 });
  const other = await importFile(az.address, back.fileName, back.stdf, ['tw', 'az']);
  assert.deepEqual(other.syncedFabs.toSorted(), ['az', 'tw']);

  await tw.stop();
  const around = { world: realWorld, log: silentLog, version: 'test' };
  const node = await startNode(loadConfig(tw.configFile, {}), around);
  t.after(() => node.stop());
  assert.equal((await shown()).bytes_per_s, 40_000);
  assert.equal(await ran(...limit, '--none'), 'az is not limited any more.\n');
  assert.equal(await shown(), null);
  const [act] = JSON.parse(await ran('acts', ...at, '--json', '--limit', '2')).slice(1);
  assert.deepEqual([act.act, act.about, act.detail], ['peer.limit', 'az', '40 kB/s']);
  assert.match(
    await ran('acts', ...at),
    / 2 MB\/s from 00:00 to 12:00, 2 MB\/s from 12:00 to 00:00 \(UTC\), else 500 kB\/s /,
  );
  assert.match(await refused(...limit), /there is no --rate\. Give one such as 2MB\/s, or --none/);
  assert.match(
    await refused(...limit, '--rate', '5B/s'),
    /a limit of 5 B\/s is less than 1\.024 kB\/s\. Give more, pause the peer .*peer limit --none/,
  );
  for (const [args, told] of [
    [
      ['--none', '--rate', '2MB/s'],
      /--none ends the limit, and --rate would set one\. Give one or the other/,
    ],
    [
      ['--none', '--between', '08:00-18:00', '--otherwise', '1MB/s'],
      /and --between, --otherwise would set one/,
    ],
    [
      ['--rate', '2MB/s', '--otherwise', '1MB/s'],
      /--otherwise is given without --between.*Say when --rate holds/,
    ],
    [['--rate', '2MB/s', '--between', '08:00-08:00'], /It ends when it begins\. Without --between the rate/],
    [['--rate', '16Mb/s'], /Mb\/s may be bits: say bytes/],
    [['--rate', '0'], /such as 500kB\/s or 2MB\/s/],
  ] as const)
    assert.match(await refused(...limit, ...args), told);
  assert.equal(await shown(), null, 'nothing was set by what was refused');
  assert.match(await refused(...limit, '--rate', 'fast'), /such as 500kB\/s or 2MB\/s/);
  assert.match(await refused(...limit, '--rate', '1MB/s', '--between', '8-18'), /such as 08:00-18:00/);
  const elsewhere = ['peer', 'limit', 'kr', ...WHY, ...at, '--rate', '1MB/s'];
  assert.match(await refused(...elsewhere), /kr is no fab of this mesh/);
});

test('a limit holds back what the peer pushes, though it was set here alone; all arrives nevertheless', async (t) => {
  const [tw, az] = (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
  const json = async (...args: string[]) => JSON.parse(await ran(...args, '--json'));
  const limit = ['peer', 'limit', 'tw', ...WHY, '--node', az.address];
  await ran(...limit, '--rate', '2kB/s');
  const imported = async (number: number) => {
    const lot = demoLot({ number, wafers: 1 });
    return (await importFile(tw.address, lot.fileName, lot.stdf)).runId;
  };
  const runs = [await imported(1)];
  // Each lot is two updates, and az says its limit with all that it says: with the word that it has the first one, too.
  await once(t, tw, async () => {
    const { updates, peers } = await json('status', '--node', tw.address);
    return updates >= 2 && peers[0].behind_updates <= 1;
  });
  runs.push(await imported(2), await imported(3));
  const { peers, mesh } = await json('status', '--node', tw.address);
  assert.deepEqual([peers[0].limit, peers[0].max_push_bytes_per_s], [null, 2_000]);
  assert.deepEqual(
    mesh.map(({ why }: { why: string[] }) => why.filter((reason) => reason.startsWith('limited'))),
    [['limited to 2 kB/s with tw'], ['limited to 2 kB/s with az']],
  );
  await ran(...limit, '--none');
  await once(t, tw, async () => {
    const [peer] = (await json('status', '--node', tw.address)).peers;
    return peer.max_push_bytes_per_s === 0;
  });
  for (const runId of runs) await waitForRun(tw.address, runId, ['tw', 'az']);
  const [{ lanes }] = await json('peers', '--node', az.address);
  const came = new Map<string, number>(
    lanes.map(({ kind, updates }: { kind: string; updates: number }) => [kind, updates]),
  );
  assert.ok(came.get('live-from')! < 6, `${came.get('live-from')} were pushed`);
  assert.ok(came.get('catch-up-from')! > 0, 'the others were asked for');
});
