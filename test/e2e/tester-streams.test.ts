import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLink } from '../../src/cli/demo/link.ts';
import { openTester, type TesterClient, type TesterPlace } from '../../src/tester/index.ts';
import { rows } from '../store/fixtures.ts';
import { Cluster } from '../support/cluster.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { hasResults, keptAt } from '../support/node-results.ts';
import { readHistory } from '../support/tester.ts';

const TESTS = Array.from({ length: 385 }, (_, i) => ({ name: `test ${i}`, number: i, units: 'V' }));
const START = 1_700_000_000_000_000;

/** Hands in one die with so many results; `fails` says whether it does. */
function addDie(tester: TesterClient, place: TesterPlace, results = 385, fails = false, timeUs = START) {
  const tests = results === 385 ? TESTS : TESTS.slice(0, results);
  return tester.addDie({
    ...{ waferId: 'W1', lot: 'L1', insertion: 'CP1', ...place },
    tests,
    values: tests.map((_, i) => i + (place.x ?? 0) / 8),
    passed: tests.map((_, i) => !fails || i > 0),
    timestampUs: timeUs,
  });
}

/** The die map as an operator reads it. */
function dieMap({ dataFolder }: LocalNode) {
  return rows(
    join(dataFolder, 'wafersync.db'),
    'SELECT x, attempts, passed, hard_bin, run_id FROM v_dies ORDER BY x',
  ) as { x: number; attempts: number; passed: number; hard_bin: number; run_id: string }[];
}

test('a burst of 100,000 results at once is durable at another fab, each once', async (t) => {
  const [tw, az] = await startNodes(t, ['tw', 'az']);
  const tester = openTester({ node: tw!.address, equipmentId: 'T1' });
  for (let x = 0; x < 260; x++) await addDie(tester, { x, y: 0 });
  const { results } = await tester.finish();
  assert.equal(results, 260 * 385);
  await hasResults(az!, results);
  const kept = await keptAt(az!.address);
  assert.deepEqual([kept.attempts, kept.results], [260, 260 * 385]);
  const last = await readHistory(az!.address, { x: 259, y: 0 });
  assert.deepEqual(
    last.map(({ test_name, test_value }) => [test_name, test_value]),
    TESTS.map(({ name }, i) => [name, i + 259 / 8]),
  );
});

test('100 testers that stream at once are all durable, and the node stays within its memory', async (t) => {
  const cluster = await Cluster.start(['tw']);
  t.after(() => cluster.stop());
  const receipts = await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const tester = openTester({ node: cluster.address('tw'), equipmentId: `T${i}` });
      for (let x = 0; x < 20; x++) await addDie(tester, { waferId: `W${i}`, x, y: 0 }, 100);
      return tester.finish();
    }),
  );
  assert.equal(new Set(receipts.map(({ runId }) => runId)).size, 100);
  assert.ok(receipts.every(({ results }) => results === 2000));
  const kept = await keptAt(cluster.address('tw'));
  assert.deepEqual([kept.attempts, kept.results], [2000, 200_000]);
  const [, peakKb] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${cluster.pid('tw')}/status`, 'utf8'))!;
  assert.ok(Number(peakKb) < 500_000, `the node took ${peakKb} kB`);
});

test('of a tester that dies in the middle of a die the half attempt is dropped, and whole where it resumes', async (t) => {
  const [tw] = await startNodes(t, ['tw']);
  const link = await openLink(Number(tw!.address.split(':')[1]));
  t.after(() => link.close());
  const options = { node: link.address, equipmentId: 'T1', streamId: 'S', retry: { minMs: 5, maxMs: 20 } };
  const dying = openTester(options);
  await addDie(dying, { x: 0, y: 0 }, 50);
  await dying.addDie({
    ...{
      waferId: 'W1',
      lot: 'L1',
      insertion: 'CP1',
      x: 1,
      y: 0,
      tests: TESTS.slice(0, 30),
      lastOfDie: false,
    },
    ...{ values: TESTS.slice(0, 30).map((_, i) => i), passed: TESTS.slice(0, 30).map(() => true) },
  });
  await hasResults(tw!, 50);
  link.cut();
  dying.close();
  link.heal();
  const again = openTester(options);
  assert.equal(await again.opened(), 50);
  await addDie(again, { x: 0, y: 0 }, 50);
  await addDie(again, { x: 1, y: 0 }, 50);
  const { results, durableBefore } = await again.finish();
  assert.deepEqual([results, durableBefore], [100, 50]);
  const found = await readHistory(tw!.address, {});
  assert.deepEqual(
    found.map(({ die_x, test_name }) => [die_x, test_name]),
    [0, 1].flatMap((x) => TESTS.slice(0, 50).map(({ name }) => [x, name])),
  );
  assert.deepEqual(
    dieMap(tw!).map(({ x, attempts }) => [x, attempts]),
    [
      [0, 1],
      [1, 1],
    ],
  );
});

test('times are kept as a tester with a wrong clock tells them, and attempts of a die order by the starts of their runs', async (t) => {
  const [tw, az] = await startNodes(t, ['tw', 'az']);
  const MINUTE = 60_000_000;
  // The second tester measures later, by a clock that is five minutes behind: its run counts as the earlier one.
  const runs: string[] = [];
  for (const [equipmentId, timeUs, fails] of [
    ['ahead', START, false],
    ['behind', START - 5 * MINUTE, true],
  ] as const) {
    const tester = openTester({ node: tw!.address, equipmentId });
    await addDie(tester, { x: 0, y: 0 }, 5, fails, timeUs);
    await addDie(tester, { x: 1, y: 0 }, 5, fails, timeUs + MINUTE);
    runs.push((await tester.finish()).runId);
  }
  await hasResults(az!, 20);
  const told = await readHistory(az!.address, { x: 1, y: 0 });
  assert.deepEqual(
    told.map(({ equipment_id, timestamp_us }) => [equipment_id, Number(timestamp_us)]),
    [
      ...Array.from({ length: 5 }, () => ['behind', START - 4 * MINUTE]),
      ...Array.from({ length: 5 }, () => ['ahead', START + MINUTE]),
    ],
  );
  for (const node of [tw!, az!]) {
    assert.deepEqual(
      dieMap(node).map(({ x, attempts, passed, run_id }) => [x, attempts, passed, run_id]),
      [
        [0, 2, 1, runs[0]],
        [1, 2, 1, runs[0]],
      ],
    );
  }
});

test('a wafer from two testers at once has two runs, and the die map shows which attempt counts', async (t) => {
  const [tw, az] = await startNodes(t, ['tw', 'az']);
  const [one, two] = [tw!, az!].map((node, i) => openTester({ node: node.address, equipmentId: `T${i}` }));
  for (let x = 0; x < 4; x++) {
    // The testers take turns; both meet dies 1 and 2.
    if (x < 3) await addDie(one!, { x, y: 0, hardBin: 1 }, 10, false, START + x);
    if (x > 0) await addDie(two!, { x, y: 0, hardBin: 9 }, 10, true, START + 10 + x);
  }
  const [first, second] = await Promise.all([one!.finish(), two!.finish()]);
  for (const node of [tw!, az!]) {
    await hasResults(node, 60);
    assert.deepEqual(
      dieMap(node).map(({ x, attempts, passed, hard_bin, run_id }) => [
        x,
        attempts,
        passed,
        hard_bin,
        run_id,
      ]),
      [
        [0, 1, 1, 1, first.runId],
        [1, 2, 0, 9, second.runId],
        [2, 2, 0, 9, second.runId],
        [3, 1, 0, 9, second.runId],
      ],
    );
  }
});

test('a node that is restarted under a tester loses nothing that it acknowledged, and gets the rest', async (t) => {
  const cluster = await Cluster.start(['tw']);
  t.after(() => cluster.stop());
  let durable = 0;
  const lost: string[] = [];
  const tester = openTester({
    ...{ node: cluster.address('tw'), equipmentId: 'T1', retry: { minMs: 20, maxMs: 200 } },
    on: (event) => {
      if (event.type === 'durable') durable = event.through;
      if (event.type === 'opened')
        assert.ok(event.through >= durable, `${event.through} of ${durable} acknowledged`);
      if (event.type === 'lost') lost.push(event.error.code);
    },
  });
  for (let x = 0; x < 120; x++) {
    await addDie(tester, { x, y: 0 });
    if (x === 40 || x === 80) {
      await cluster.stopNode('tw', x === 40 ? 'SIGKILL' : 'SIGTERM');
      await cluster.startNode('tw');
    }
  }
  const { results } = await tester.finish();
  assert.equal(results, 120 * 385);
  assert.ok(lost.length > 0);
  const kept = await keptAt(cluster.address('tw'));
  assert.deepEqual([kept.attempts, kept.results], [120, 120 * 385]);
});
