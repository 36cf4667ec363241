import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { inspectRun } from '../../src/cli/inspect.ts';
import { type DemoLot, demoLot } from '../../src/generator/demo-lot.ts';
import type { TimerPurpose } from '../../src/world.ts';
import { FrozenWorld } from '../support/frozen-world.ts';
import { until } from '../support/grpc-client.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { hasResults, keptAt } from '../support/node-results.ts';
import { importFile } from '../support/run-client.ts';
import { readHistory, sendResults } from '../support/tester.ts';

/** Keys, so that a purpose which is added is named here. */
const FROZEN: Readonly<Record<Exclude<TimerPurpose, 'group-commit'>, true>> = {
  'stream-flush': true,
  connect: true,
  reconnect: true,
  heartbeat: true,
  idle: true,
  notify: true,
  folder: true,
  'storage-probe': true,
  wal: true,
  held: true,
  scrub: true,
  retention: true,
  verify: true,
  leaving: true,
  pause: true,
  pace: true,
  shutdown: true,
};
const ALL_BUT_THE_COMMIT = Object.keys(FROZEN) as TimerPurpose[];

/** What does not arrive without its timers never does: the test must not wait for ever. */
const BOUNDED = { timeout: 60_000 };

/** Turns of the event loop in which anything that needs no timer would long have happened. */
const MANY_TURNS = 2_000;

async function frozenNodes(t: TestContext, frozen: readonly TimerPurpose[]) {
  const world = new FrozenWorld(frozen);
  const beforeStop = () => {
    world.thaw('group-commit');
    world.thaw('shutdown');
  };
  return { world, nodes: await startNodes(t, ['tw', 'az', 'de'], { world, beforeStop }) };
}

async function assertEverywhere(nodes: readonly LocalNode[], lot: DemoLot, runId: string) {
  for (const node of nodes) {
    await hasResults(node, lot.results);
    const { digests } = await inspectRun(node.address, runId);
    assert.equal(digests.attempts_sha256, lot.digests.attempts_sha256, `digest at ${node.fab}`);
  }
}

test(
  'a lot arrives everywhere while every timer but the one of the group commit is frozen',
  BOUNDED,
  async (t) => {
    const { world, nodes } = await frozenNodes(t, ALL_BUT_THE_COMMIT);
    const lot = demoLot({ number: 1 });
    const { runId } = await importFile(nodes[0]!.address, lot.fileName, lot.stdf);
    await assertEverywhere(nodes, lot, runId);
    assert.equal(world.waiting('heartbeat'), nodes.length, 'the heartbeats waited all the while');
  },
);

test(
  'streamed results arrive everywhere while every timer but the one of the group commit is frozen',
  BOUNDED,
  async (t) => {
    const { nodes } = await frozenNodes(t, ALL_BUT_THE_COMMIT);
    const [, , last] = nodes;
    const dies = [1, 2, 3].map((die) => ({ die_x: die, test_name: 'VDD', test_value: die / 3 }));
    const results = dies.map((die) => ({ equipment_id: 'T1', wafer_id: 'W1', ...die }));
    assert.equal((await sendResults(nodes[0]!.address, results)).accepted, 3);
    await hasResults(last!, 3);
    const values = await readHistory(last!.address, { wafer_id: 'W1' });
    assert.deepEqual(
      values.map(({ test_value }) => test_value),
      [1 / 3, 2 / 3, 1],
    );
  },
);

test('with the group commit frozen too nothing is stored, until it is let go', BOUNDED, async (t) => {
  const { world, nodes } = await frozenNodes(t, [...ALL_BUT_THE_COMMIT, 'group-commit']);
  const lot = demoLot({ number: 2 });
  let answered = false;
  const imported = importFile(nodes[0]!.address, lot.fileName, lot.stdf).then((answer) => {
    answered = true;
    return answer;
  });
  await world.asked('group-commit');
  let turns = 0;
  await until(() => answered || ++turns === MANY_TURNS);
  assert.equal(answered, false, 'nothing is acknowledged before its commit');
  for (const node of nodes)
    assert.equal((await keptAt(node.address)).results, 0, `nothing is stored at ${node.fab}`);
  world.thaw('group-commit');
  const { runId } = await imported;
  await assertEverywhere(nodes, lot, runId);
});
