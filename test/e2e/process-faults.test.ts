import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { Random } from '../../src/generator/random.ts';
import { openTester, type TesterClient, type TesterReceipt } from '../../src/tester/index.ts';
import { rows } from '../store/fixtures.ts';
import { Cluster, type Fab } from '../support/cluster.ts';
import { keptAt } from '../support/node-results.ts';
import { waitForRun } from '../support/run-client.ts';

const RESULTS = 20;
const TESTS = Array.from({ length: RESULTS }, (_, i) => ({ name: `test ${i}`, number: i }));
const KILLS = 8;

/** A tester that streams dies one after the other until it is told to stop, and what was acknowledged to it. */
class BusyTester {
  /** Everything up to this position was acknowledged. */
  acknowledged = 0;
  lost = '';
  #waiting: { readonly through: number; readonly resolve: () => void } | null = null;
  #stopped = false;
  readonly #tester: TesterClient;
  readonly #done: Promise<TesterReceipt>;

  constructor(node: string) {
    this.#tester = openTester({
      ...{ node, equipmentId: 'T1', streamId: 'S1', retry: { minMs: 20, maxMs: 200 } },
      // Commits are many and small, so that a kill falls anywhere in them.
      bounds: { bufferedResults: 2_000, batchResults: 100 },
      on: (event) => {
        if (event.type === 'lost') this.lost = event.error.message;
        if (event.type === 'durable') this.#durable(event.through);
      },
    });
    this.#done = this.#run();
    // Told by stop(), which awaits it.
    this.#done.catch(() => {});
  }

  /** Settles once so many results more were acknowledged. */
  more(results: number): Promise<void> {
    const through = this.acknowledged + results;
    return new Promise((resolve) => {
      this.#waiting = { through, resolve };
    });
  }

  /** Ends the stream; settles once all of it is durable. */
  stop(): Promise<TesterReceipt> {
    this.#stopped = true;
    return this.#done;
  }

  #durable(through: number): void {
    this.acknowledged = through;
    if (this.#waiting === null || through < this.#waiting.through) return;
    this.#waiting.resolve();
    this.#waiting = null;
  }

  async #run(): Promise<TesterReceipt> {
    for (let die = 0; !this.#stopped; die++) {
      await this.#tester.addDie({
        ...{ waferId: 'W1', lot: 'L1', x: die % 100, y: Math.floor(die / 100) },
        tests: TESTS,
        values: TESTS.map((_, i) => die + i / 32),
        passed: TESTS.map(() => true),
      });
    }
    return this.#tester.finish();
  }
}

/** The attempts in a fab's database, whether its node runs or not. */
function storedAt(cluster: Cluster, fab: Fab) {
  const file = join(cluster.dataFolder(fab), 'wafersync.db');
  const attempts = rows(
    file,
    'SELECT run_id, attempt_index, x, y, results, fab, sequence FROM v_attempts ORDER BY run_id, attempt_index',
  ) as { attempt_index: number; results: number }[];
  return { attempts, results: attempts.reduce((sum, { results }) => sum + results, 0) };
}

/** Both fabs have every result of the stream once, in the same updates. */
async function sameAtBoth(cluster: Cluster, { runId, results }: TesterReceipt): Promise<void> {
  await waitForRun(cluster.address('tw'), runId, ['az']);
  const [tw, az] = [storedAt(cluster, 'tw'), storedAt(cluster, 'az')];
  assert.deepEqual(az, tw);
  assert.deepEqual(
    tw.attempts.map(({ attempt_index }) => attempt_index),
    Array.from({ length: results / RESULTS }, (_, die) => die * RESULTS + 1),
  );
  assert.equal(tw.results, results);
}

test('SIGTERM under load: what was acknowledged is stored, the node ends with 0, the tester goes on after the restart', async (t) => {
  const cluster = await Cluster.start(['tw', 'az']);
  t.after(() => cluster.stop());
  const tester = new BusyTester(cluster.address('tw'));
  await tester.more(20_000);
  const code = await cluster.stopNode('tw', 'SIGTERM');
  const { acknowledged } = tester;
  const stored = storedAt(cluster, 'tw');
  assert.equal(code, 0, cluster.log('tw').slice(-1000));
  assert.ok(
    stored.results >= acknowledged,
    `${acknowledged} were acknowledged, ${stored.results} are stored`,
  );
  await cluster.startNode('tw');
  await tester.more(20_000);
  assert.notEqual(tester.lost, '', 'the tester was not told that its call had ended');
  await sameAtBoth(cluster, await tester.stop());
});

test(`kill -9, ${KILLS} times at random moments of load: nothing acknowledged is lost, nothing is there twice`, async (t) => {
  const seed = Number(process.env.WAFERSYNC_TEST_SEED ?? randomInt(2 ** 31));
  t.diagnostic(`seed ${seed}: WAFERSYNC_TEST_SEED=${seed} kills at the same moments again`);
  const random = Random.seeded(seed);
  const cluster = await Cluster.start(['tw', 'az']);
  t.after(() => cluster.stop());
  const tester = new BusyTester(cluster.address('tw'));
  for (let kill = 0; kill < KILLS; kill++) {
    await tester.more(1 + random.below(10_000));
    const fab = random.chance(0.75) ? 'tw' : 'az';
    await cluster.stopNode(fab, 'SIGKILL');
    const { acknowledged } = tester;
    await cluster.startNode(fab);
    const { results } = await keptAt(cluster.address('tw'));
    assert.ok(
      results >= acknowledged,
      `seed ${seed}: ${acknowledged} were acknowledged, ${results} are stored`,
    );
  }
  await sameAtBoth(cluster, await tester.stop());
});
