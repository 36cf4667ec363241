import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { toNumber } from '../../src/wire/long.ts';
import { Cluster, type Fab } from '../support/cluster.ts';
import { wafersync } from '../support/command.ts';
import { foldDigest } from '../support/fold-digests.ts';
import { keptAt } from '../support/node-results.ts';
import { importFile } from '../support/run-client.ts';
import { readHistory } from '../support/tester.ts';

const FABS = ['tw', 'az', 'de'] as const;
const BOUNDED = { timeout: 200_000 };

/** What a command prints as JSON. */
async function json(...args: string[]) {
  const { code, stdout, stderr } = await wafersync(...args, '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** Waits until a fab has as many stubs as a purge names. */
async function hasStubs(address: string, updates: number): Promise<void> {
  for (;;) {
    const [latest] = await json('purges', '--node', address);
    if (latest?.stubs === updates) return;
  }
}

test(
  'on real processes: a purge leaves the same tables everywhere, over restarts, and a fab that joins with nothing gets them too',
  BOUNDED,
  async (t) => {
    const cluster = await Cluster.start(FABS);
    t.after(() => cluster.stop());
    const node = (fab: Fab) => ['--node', cluster.address(fab)];
    const lot = demoLot({ number: 1, wafers: 2 });
    const { runId } = await importFile(cluster.address('tw'), lot.fileName, lot.stdf, FABS);

    await cluster.stopNode('de', 'SIGKILL');
    const late = demoLot({ number: 2, wafers: 1 });
    await importFile(cluster.address('az'), late.fileName, late.stdf, ['tw', 'az']);
    const before = (await keptAt(cluster.address('tw'))).updates;
    const plan = await json('purge', ...node('tw'), '--older-than', '0', '--dry-run');
    assert.ok(plan.updates > 0 && plan.blocked_updates > 0, 'of the second lot de has nothing');
    assert.deepEqual(
      plan.blocks.map(({ fab_id }: { fab_id: string }) => fab_id),
      ['de'],
    );
    const made = await json(
      'purge',
      ...node('tw'),
      '--older-than',
      '0',
      '--reason',
      'old',
      '--author',
      'kim',
    );
    assert.deepEqual([made.updates, made.left.blocked_updates], [plan.updates, plan.blocked_updates]);
    assert.equal((await keptAt(cluster.address('tw'))).updates, before + made.purges.length);
    await hasStubs(cluster.address('az'), made.updates);

    // de was away: the purge comes to what it has in full.
    await cluster.startNode('de');
    await hasStubs(cluster.address('de'), made.updates);

    await cluster.stopNode('az', 'SIGKILL');
    await cluster.startNode('az');
    for (const fab of FABS) {
      const history = await readHistory(cluster.address(fab), { fab: 'tw' });
      const gone = history.reduce((sum, { purged }) => sum + toNumber(purged?.results), 0);
      assert.equal(gone, lot.results, fab);
    }

    // az loses all that it has, and joins again with an empty database.
    await cluster.stopNode('az', 'SIGTERM');
    const folder = cluster.dataFolder('az');
    for (const name of readdirSync(folder)) if (name.startsWith('wafersync.db')) rmSync(join(folder, name));
    await cluster.startNode('az');
    await hasStubs(cluster.address('az'), made.updates);
    const results = lot.results + late.results;
    while ((await keptAt(cluster.address('az'))).results < results) {}
    const again = await importFile(cluster.address('az'), lot.fileName, lot.stdf, FABS);
    assert.deepEqual([again.runId, again.addedAttempts], [runId, 0]);

    await Promise.all(FABS.map((fab) => cluster.stopNode(fab, 'SIGTERM')));
    for (const fab of FABS) {
      const lines = cluster
        .log(fab)
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const told = lines.filter(({ event }) => event === 'purge.applied');
      assert.ok(told.length > 0, `the log of ${fab} says what left`);
      for (const { purge, author, why, term_days } of told)
        assert.deepEqual([made.purges.includes(purge), author, why, term_days], [true, 'kim', 'old', 0]);
      const ofFirst = told.filter(({ purge }) => purge === made.purges[0]);
      assert.equal(new Set(ofFirst.map(({ updates }) => updates)).size, 1);
    }
    const digests = FABS.map((fab) => foldDigest(cluster.dataFolder(fab), fab));
    assert.equal(new Set(digests).size, 1, digests.join(' '));
    for (const fab of FABS) {
      const { stdout } = await wafersync('rebuild', '--config', cluster.configFile(fab));
      assert.ok(stdout.includes(digests[0]!), `${fab}: ${stdout}`);
    }
  },
);
