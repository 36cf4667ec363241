import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { testEquipment } from '../../src/wire/services.ts';
import { command, commandAt } from '../support/command.ts';
import { closing } from '../support/grpc-client.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { importFile } from '../support/run-client.ts';
import { toMessage } from '../support/tester.ts';

const FABS = ['tw', 'az'];

async function json(...args: string[]) {
  const { code, stdout, stderr } = await command(...args, '--json');
  assert.ok(code === 0 || code === 2, stderr);
  return { code, told: JSON.parse(stdout) };
}

const wait = (node: LocalNode, lot: string, ...args: string[]) =>
  json('lot', 'wait', lot, '--node', node.address, ...args);

async function twoFabs(t: Parameters<typeof startNodes>[0]) {
  const [tw, az] = (await startNodes(t, FABS)) as [LocalNode, LocalNode];
  const lot = demoLot({ number: 1, wafers: 2 });
  return { tw, az, lot, name: lot.lot };
}

test('a lot is waited for at all fabs, before it is known, and the receipt is the same wherever it is asked for', async (t) => {
  const { tw, az, lot, name } = await twoFabs(t);
  const waiting = wait(az, name, '--at', 'all', '--timeout', '120');
  await importFile(tw.address, lot.fileName, lot.stdf);
  const { code, told } = await waiting;
  assert.equal(code, 0);
  assert.deepEqual([told.confirmed, told.missing, told.fab_id], [true, [], 'az']);
  assert.deepEqual(
    told.fabs.map((fab: { fab_id: string; equal: boolean; confirmed_by: string; digest: string }) => [
      fab.fab_id,
      fab.equal,
      fab.confirmed_by,
      fab.digest,
    ]),
    [
      ['az', true, 'own', told.digest],
      ['tw', true, 'digest', told.digest],
    ],
  );
  assert.match(told.digest, /^[0-9a-f]{64}$/);
  const [{ fab_id, intervals }] = told.vector;
  assert.deepEqual([told.vector.length, fab_id, intervals], [1, 'tw', [1, told.status.updates]]);
  const { status } = told;
  assert.deepEqual(
    [status.complete, status.state, status.attempts_expected, status.attempts_received],
    [true, 'synced', lot.attempts, lot.attempts],
  );
  assert.deepEqual([status.wafers, status.runs, status.incomplete_runs], [2, 1, []]);

  const other = await wait(tw, name, '--at', 'tw,az');
  assert.deepEqual([other.told.digest, other.told.vector], [told.digest, told.vector]);
  const text = await command('lot', 'wait', name, '--at', 'az', '--node', tw.address);
  assert.match(text.stdout, new RegExp(`^lot ${name} is complete, and equal at az\n`));
  assert.match(text.stdout, /^az +yes +digest +0 +0 +-$/m);
});

test('a lot and its wafers tell what is expected, received, tested and never tested', async (t) => {
  const { tw, az, lot, name } = await twoFabs(t);
  await importFile(tw.address, lot.fileName, lot.stdf, FABS);
  const status = async () => (await json('lot', 'status', name, '--node', az.address)).told;
  const before = await status();
  assert.deepEqual([before.dies_expected, before.dies_never_tested], [null, null]);
  const [first, second] = before.wafer_statuses;
  assert.equal(first.attempts_received + second.attempts_received, lot.attempts);
  assert.equal(first.attempts_expected, first.attempts_received);

  const patch = (path: string) =>
    command('mesh', 'patch', '--node', tw.address, '--set', `/gross_dies/${path}`, '--reason', 'mask');
  assert.match((await patch('*=0')).stderr, /gross_dies\/\* cannot be 0.*whole number of dies, 1 to 1000000/);
  assert.equal((await patch('*=1000')).code, 0);
  const own = ['--node', tw.address, '--lot', name, '--set', '/gross_dies=900'];
  assert.equal((await command('wafer', 'patch', first.wafer_id, ...own)).code, 0);
  await wait(az, name, '--at', 'all');
  while ((await status()).dies_expected === null) {}
  const after = await status();
  const [edited, other] = after.wafer_statuses;
  assert.deepEqual([edited.dies_expected, other.dies_expected, after.dies_expected], [900, 1000, 1900]);
  assert.deepEqual(
    [edited.dies_never_tested, after.dies_never_tested, after.complete],
    [900 - edited.dies_tested, 1900 - after.dies_tested, true],
  );
  assert.ok(after.dies_tested > 0 && edited.dies_tested + other.dies_tested === after.dies_tested);
  const shown = await command('lot', 'status', name, '--node', az.address);
  assert.match(shown.stdout, new RegExp(`^lot ${name}: synced, complete as far as is known here$`, 'm'));
  assert.match(shown.stdout, /^dies: [\d,]+ tested of 1,900, [\d,]+ never tested$/m);
  assert.match(
    shown.stdout,
    new RegExp(`^${name}/\\S+ +synced +[\\d,]+ of [\\d,]+ +[\\d,]+ of 900 +- +`, 'm'),
  );
});

test('a fab that is down is named, and told apart; its report is taken where that is asked for', async (t) => {
  const { tw, az, lot, name } = await twoFabs(t);
  await importFile(tw.address, lot.fileName, lot.stdf, FABS);
  await az.stop();
  const { code, told } = await wait(tw, name, '--at', 'all', '--timeout', '1');
  assert.deepEqual([code, told.confirmed], [2, false]);
  assert.match(
    told.missing.join(),
    /^az: it cannot be asked: no node answers at \S+ \(connection refused\)\. Start the node/,
  );
  assert.deepEqual(
    [told.fabs[0].fab_id, told.fabs[0].equal, told.fabs[0].confirmed_by],
    ['az', false, 'unknown'],
  );
  const taken = await wait(tw, name, '--at', 'all', '--accept-reports');
  assert.deepEqual([taken.code, taken.told.confirmed], [0, true]);
  assert.equal(taken.told.fabs[0].confirmed_by, 'report');
  assert.match(taken.told.fabs[0].reason, /^taken by its report alone: /);

  // What it misses is known without asking.
  const more = demoLot({ number: 2, wafers: 1 });
  await importFile(tw.address, more.fileName, more.stdf, ['tw']);
  const late = await wait(tw, more.lot, '--at', 'all', '--timeout', '1', '--accept-reports');
  assert.equal(late.code, 2);
  assert.match(late.told.missing.join(), /^az is not known to have \d+ updates? of it$/);
  assert.ok(late.told.fabs[0].missing_updates > 0);
  const { told: missing } = await json('wafers', '--node', tw.address, '--missing-at', 'az');
  assert.deepEqual(
    missing.map((wafer: { lot: string; state: string }) => [wafer.lot, wafer.state]),
    [[more.lot, 'pending']],
  );
  const { told: synced } = await json('wafers', '--node', tw.address, '--state', 'synced');
  assert.equal(synced.length, 2);
  const text = await command('lot', 'status', more.lot, '--node', tw.address);
  assert.match(text.stdout, /^all of it is at tw; missing at az \(\d+\)$/m);
});

test('a run that was cut, and one that has not ended, are named; a cut one is taken where that is asked for', async (t) => {
  const { tw, lot, name } = await twoFabs(t);
  await importFile(tw.address, lot.fileName, lot.stdf.subarray(0, Math.floor(lot.stdf.length * 0.6)), FABS);
  const { code, told } = await wait(tw, name, '--at', 'all', '--timeout', '1');
  assert.equal(code, 2);
  const [cut] = told.status.incomplete_runs;
  assert.deepEqual([cut.state, cut.fab_id, cut.file_name], ['cut', 'tw', lot.fileName]);
  assert.equal(told.missing[0], `run ${cut.run_id} of tw was cut: ${cut.reason}`);
  assert.match((await command('lot', 'status', name, '--node', tw.address)).stdout, /: synced, NOT complete/);
  const taken = await command('lot', 'wait', name, '--at', 'all', '--accept-cut', '--node', tw.address);
  assert.equal(taken.code, 0, taken.stdout);
  assert.match(taken.stdout, new RegExp(`^${cut.run_id} +tw +cut `, 'm'));
});

test('a stream that has not ended is named, and the lot is complete once it has', async (t) => {
  const [tw, az] = (await startNodes(t, FABS)) as [LocalNode, LocalNode];
  const client = closing(t, makeClient(testEquipment, tw.address));
  const call = client.StreamTestResults();
  const die = {
    equipment_id: 'T',
    stream_id: 'S',
    wafer_id: 'W',
    lot: 'L1',
    test_name: 'VDD',
    test_value: 1,
  };
  for (const n of [1, 2, 3]) {
    const place = { die_x: n, die_y: 0, stream_sequence: n, last_of_die: true };
    await call.write(toMessage({ ...die, ...place }));
  }
  const open = await wait(az, 'L1', '--at', 'all', '--timeout', '3');
  const [run] = open.told.status.incomplete_runs;
  assert.deepEqual([open.code, run.state, run.attempts_expected, run.equipment_id], [2, 'open', null, 'T']);
  assert.deepEqual(open.told.missing, [`run ${run.run_id} of tw: the stream has not ended`]);
  assert.deepEqual(
    open.told.fabs.map((fab: { equal: boolean; confirmed_by: string }) => [fab.equal, fab.confirmed_by]),
    [
      [false, 'unknown'],
      [false, 'unknown'],
    ],
  );
  const waiting = wait(az, 'L1', '--at', 'all', '--timeout', '120');
  await call.finish();
  const { code, told } = await waiting;
  assert.deepEqual([code, told.status.attempts_expected, told.status.attempts_received], [0, 3, 3]);
});

test('what cannot be answered is said with the remedy', async (t) => {
  const [tw] = (await startNodes(t, ['tw'])) as [LocalNode];
  const refused = async (...args: string[]) => {
    const { code, stderr } = await command(...args, '--node', tw.address);
    assert.equal(code, 1, args.join(' '));
    return stderr;
  };
  assert.match(await refused('lot', 'status', 'L9'), /lot L9 is not known here.*`wafersync lot wait` waits/);
  assert.match(await refused('lot', 'status', ''), /lot is empty\. .*`wafersync wafers`/);
  assert.match(
    await refused('lot', 'wait', 'L9', '--at', 'zz'),
    /wafersync: --at names zz, which is not a member.*tw/,
  );
  assert.match(
    await refused('wafers', '--missing-at', 'zz'),
    /^wafersync: --missing-at names zz, which is not a member.*tw/,
  );
  assert.match(
    await refused('lot', 'wait', 'L9', '--at', 'all', '--timeout', '86401'),
    /at most 24h, which are 86400 seconds/,
  );
  const never = await command('lot', 'wait', 'L9', '--at', 'all', '--timeout', '1', '--node', tw.address);
  assert.equal(never.code, 2);
  assert.match(
    never.stdout,
    /^missing: nothing of lot L9 is known here yet\nat \S+, asked at tw: nothing of it is here$/m,
  );
  assert.match(never.stdout, /^tw +unknown +- +- +- +-$/m);
  assert.equal(
    never.stderr,
    'waiting until lot L9 is complete, and equal at all fabs: 1.0 s at most\nnothing of lot L9 is known here yet\n',
  );
  assert.equal((await command('wafers', '--node', tw.address)).stdout, 'no wafer matches\n');
});

test('a lot that was misspelt is told from one that is on its way, with the lots that are named alike', async (t) => {
  const [tw] = (await startNodes(t, ['tw'])) as [LocalNode];
  const { lot, fileName, stdf } = demoLot({ number: 1, wafers: 1 });
  await importFile(tw.address, fileName, stdf);
  const misspelt = lot.toLowerCase().replace('-', '');
  const ran = (...args: string[]) => command(...args, '--node', tw.address);
  const status = await ran('lot', 'status', misspelt);
  assert.ok(
    status.stderr.includes(`lot ${misspelt} is not known here. Did you mean ${lot}? It may not`),
    status.stderr,
  );
  const waited = await ran('lot', 'wait', misspelt, '--timeout', '1s');
  assert.equal(waited.code, 2);
  assert.deepEqual(waited.stderr.trimEnd().split('\n').slice(1), [
    `nothing of lot ${misspelt} is known here yet`,
    `lots with a similar name are known: ${lot}`,
  ]);
  const silent = await ran('lot', 'wait', misspelt, '--timeout', '1s', '--json');
  assert.equal(silent.stderr, '');
  const wafers = await ran('wafers', '--lot', misspelt);
  assert.deepEqual(
    [wafers.stdout, wafers.stderr],
    ['no wafer matches\n', `lots with a similar name are known: ${lot}\n`],
  );
  assert.equal((await ran('wafers', '--lot', lot, '--state', 'conflict')).stderr, '', 'that lot is known');
  const other = await ran('wafers', '--lot', 'QQQQQQ');
  assert.equal(other.stderr, '');
});

test('a wait tells at a terminal what is missing as it goes, and how long it may take', async (t) => {
  const { tw, az, lot, name } = await twoFabs(t);
  await importFile(tw.address, lot.fileName, lot.stdf, FABS);
  await az.stop();
  const more = demoLot({ number: 2, wafers: 1 });
  await importFile(tw.address, more.fileName, more.stdf, ['tw']);
  const wait = (...args: string[]) =>
    commandAt({ interactive: true }, 'lot', 'wait', ...args, '--node', tw.address);
  const { code, stdout, stderr } = await wait(more.lot, '--timeout', '2');
  assert.equal(code, 2);
  assert.match(
    stderr,
    /^waiting until lot \S+ is complete, and equal at all fabs: 2\.0 s at most\n[\d,]+ of [\d,]+ attempts here; az is not known to have \d+ updates of it\n$/,
  );
  assert.match(stdout, /^az +unknown +- +[1-9]\d* +- +it is waited for, and is not connected$/m);
  assert.match(stdout, /^tw +unknown +- +- +- +-$/m);
  const whole = await wait(name, '--at', 'tw', '--timeout', '10min');
  assert.equal(whole.stderr, `waiting until lot ${name} is complete, and equal at tw: 10 min at most\n`);
});
