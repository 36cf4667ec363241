import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { toNumber } from '../../src/wire/long.ts';
import { command } from '../support/command.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { importFile, waitForRun } from '../support/run-client.ts';
import { readHistory, sendResults } from '../support/tester.ts';

const FABS = ['tw', 'az'];
const REASON = ['--reason', 'older than the term', '--author', 'kim'];

const purge = (node: LocalNode, ...args: string[]) =>
  command('purge', '--node', node.address, '--older-than', '0', ...args);

/** Asks until every member is known to have applied what is there. */
async function purgeAll(
  node: LocalNode,
): Promise<{ updates: number; freed_bytes: number; purges: string[] }> {
  for (;;) {
    const plan = JSON.parse((await purge(node, '--dry-run', '--json')).stdout);
    if (plan.blocked_updates === 0) break;
  }
  return JSON.parse((await purge(node, ...REASON, '--json')).stdout);
}

async function purgedLot(t: TestContext) {
  const [tw, az] = (await startNodes(t, FABS)) as [LocalNode, LocalNode];
  const lot = demoLot({ number: 1, wafers: 1 });
  const { runId } = await importFile(tw.address, lot.fileName, lot.stdf, FABS);
  const before = JSON.parse(
    (await command('inspect', '--node', az.address, '--run', runId, '--json')).stdout,
  );
  const purged = await purgeAll(tw);
  while ((await command('purges', '--node', az.address)).stdout === 'nothing was purged\n') {}
  return { tw, az, lot, runId, before, purged };
}

test('a purge is planned, made and told; readers are told at every fab what went', async (t) => {
  const { tw, az, lot, runId, before, purged } = await purgedLot(t);
  assert.ok(purged.updates > 0 && purged.freed_bytes > 0 && purged.purges.length === 1);
  const [told] = JSON.parse((await command('purges', '--node', az.address, '--json')).stdout);
  assert.deepEqual(
    [told.purge, told.author, told.reason, told.updates, told.stubs],
    [purged.purges[0], 'kim', 'older than the term', purged.updates, purged.updates],
  );
  const table = await command('purges', '--node', tw.address);
  assert.match(
    table.stdout,
    /^PURGED +BY +PURGE +UPDATES +STUBS HERE +OLDER THAN +WHY\n20\S+ +kim +tw\.\S+:\d+ /,
  );

  for (const node of [tw, az]) {
    const history = await readHistory(node.address, { lot: before.wafers[0].lot });
    const sum = (key: 'results' | 'attempts') =>
      history.reduce((total, { purged: gone }) => total + toNumber(gone?.[key]), 0);
    assert.ok(
      history.every(({ purged: gone }) => gone?.reason === 'older than the term' && gone.author === 'kim'),
    );
    assert.deepEqual([sum('results'), sum('attempts')], [lot.results, lot.attempts]);
    assert.ok(history.every(({ run_id, fab_id }) => run_id === runId && fab_id === 'tw'));
  }

  const after = JSON.parse((await command('inspect', '--node', az.address, '--run', runId, '--json')).stdout);
  assert.deepEqual(after.digests, { parts_sha256: before.digests.parts_sha256, attempts_sha256: null });
  assert.deepEqual([before.purged_results, after.purged_results], [0, lot.results]);
  assert.deepEqual([after.parts, after.yield, after.wafers], [before.parts, before.yield, before.wafers]);
  const text = await command('inspect', '--node', az.address, '--run', runId);
  assert.match(text.stdout, new RegExp(`${lot.results.toLocaleString('en-US')} results purged$`, 'm'));
  const status = await command('status', '--node', az.address);
  assert.match(status.stdout, /^the values of 1 update were purged, by 1 purge$/m);
  assert.equal((await purge(tw, '--dry-run')).stdout, 'the values of 0 updates would go, of 0 bytes\n');
  assert.equal((await purge(tw, ...REASON)).stdout, 'nothing was purged\n');
});

test('a file that is handed in again after its purge adds nothing, and brings nothing back', async (t) => {
  const { az, lot, runId } = await purgedLot(t);
  const again = await importFile(az.address, lot.fileName, lot.stdf);
  assert.deepEqual([again.runId, again.addedAttempts], [runId, 0]);
  const history = await readHistory(az.address, {});
  assert.ok(history.length > 0 && history.every(({ purged }) => purged));
});

test('a stream that is sent again after its purge is known, and other content of it is still refused', async (t) => {
  const [tw] = (await startNodes(t, ['tw'])) as [LocalNode];
  const die = (n: number, more = {}) => ({
    ...{ equipment_id: 'T', stream_id: 'S', wafer_id: 'W', lot: 'L', die_x: n, die_y: 0, pass_fail: true },
    ...{ test_name: 'VDD', test_value: n / 7, stream_sequence: n, last_of_die: true, ...more },
  });
  const sent = await sendResults(tw.address, [die(1), die(2)]);
  await waitForRun(tw.address, sent.runId, ['tw']);
  assert.equal((await purgeAll(tw)).updates, 1);
  const told = async (named: string) =>
    (await readHistory(tw.address, { test: named })).map(({ purged }) => toNumber(purged?.results));
  assert.deepEqual([await told('VDD'), await told('IDD')], [[2], []]);
  const again = await sendResults(tw.address, [die(1), die(2)]);
  assert.deepEqual([again.accepted, again.duplicates, again.runId], [0, 2, sent.runId]);
  await assert.rejects(
    sendResults(tw.address, [die(1, { die_y: 4 })]),
    /stored with another wafer, place or part id/,
  );
});

test('a fab that is away blocks a purge, and is named', async (t) => {
  const [tw, az] = (await startNodes(t, FABS)) as [LocalNode, LocalNode];
  await az.stop();
  const sent = await sendResults(tw.address, [
    { equipment_id: 'T', wafer_id: 'W', lot: 'L', die_x: 1, die_y: 1, test_name: 'VDD', test_value: 1 },
  ]);
  await waitForRun(tw.address, sent.runId, ['tw']);
  const plan = await purge(tw, '--dry-run');
  assert.match(plan.stdout, /^the values of 0 updates would go/);
  assert.match(
    plan.stdout,
    /^1 update is blocked, since these members are not known to have applied them:$/m,
  );
  assert.match(plan.stdout, /^az +1 +20\S+Z +(never|20\S+Z)$/m);
  const status = async () => (await command('status', '--node', tw.address)).stdout;
  const found = /20\S+ \S+ UTC, of 1 update: az lacks 1 update$/.source;
  assert.match(await status(), new RegExp(`^a purge would be blocked, as of ${found}`, 'm'));
  const made = await purge(tw, ...REASON);
  assert.match(made.stdout, /^nothing was purged\n/);
  assert.match(await status(), new RegExp(`^A PURGE WAS BLOCKED at ${found}`, 'm'));
});

test('a purge without a reason is refused with the remedy', async (t) => {
  const [tw] = (await startNodes(t, ['tw'])) as [LocalNode];
  const { code, stderr } = await purge(tw);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /no --reason says why it is made\. Look with --dry-run first; then say --reason TEXT\.$/m,
  );
  const long = await purge(tw, '--reason', 'x'.repeat(2000));
  assert.match(long.stderr, /reason has 2000 bytes\. Say it in 1024 bytes\.$/m);
});
