import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { type Armed, KILL_VARIABLE } from '../processes/kill-points.ts';
import { Cluster } from '../support/cluster.ts';
import { foldDigest } from '../support/fold-digests.ts';
import { importFile } from '../support/run-client.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures');
const PRELOAD = fileURLToPath(new URL('../processes/kill-preload.ts', import.meta.url));
const BOUNDED = { timeout: 200_000 };

/** Statements, pragmas and scripts of a start that are let pass before it is killed: mostly early, where tables are made. */
const PASSED = [0, 2, 4, 6, 9, 14, 40];

/** For each step: prepares the data folder, kills a start there, and looks at what the next start makes of it. */
async function killStarts(
  t: TestContext,
  prepare: (folder: string) => void,
  look: (cluster: Cluster) => Promise<void>,
): Promise<void> {
  const cluster = await Cluster.start(['tw'], {}, { preload: PRELOAD });
  t.after(() => cluster.stop());
  for (const after of PASSED) {
    await cluster.stopNode('tw', 'SIGTERM');
    for (const name of readdirSync(cluster.dataFolder('tw')).filter((one) => !/yaml$|log$/.test(one)))
      rmSync(join(cluster.dataFolder('tw'), name), { recursive: true });
    prepare(cluster.dataFolder('tw'));
    const wish: Armed = { moment: 'start', after };
    const child = cluster.spawnNode('tw', { environment: { [KILL_VARIABLE]: JSON.stringify(wish) } });
    const [, signal] = await once(child, 'exit');
    assert.equal(signal, 'SIGKILL', `the start came to its step ${after}: ${cluster.log('tw').slice(-500)}`);
    await cluster.startNode('tw');
    await look(cluster);
  }
}

test(
  'a first start that is killed anywhere leaves nothing that the next one stumbles over',
  BOUNDED,
  async (t) => {
    const lot = demoLot({ number: 1, wafers: 1, parameters: { tests: 5, dies: 10 } });
    await killStarts(
      t,
      () => {},
      async (cluster) => {
        const { addedAttempts } = await importFile(cluster.address('tw'), lot.fileName, lot.stdf);
        assert.equal(addedAttempts, lot.attempts);
      },
    );
  },
);

for (const version of readdirSync(FIXTURES).filter((name) => name.startsWith('v'))) {
  test(
    `a start on the database of ${version} that is killed anywhere leaves it as it was, or whole`,
    BOUNDED,
    async (t) => {
      const facts = JSON.parse(readFileSync(join(FIXTURES, version, 'facts.json'), 'utf8'));
      await killStarts(
        t,
        (folder) => {
          mkdirSync(folder, { recursive: true });
          copyFileSync(join(FIXTURES, version, 'wafersync.db'), join(folder, 'wafersync.db'));
        },
        async (cluster) => {
          assert.equal(await cluster.stopNode('tw', 'SIGTERM'), 0);
          assert.equal(foldDigest(cluster.dataFolder('tw'), 'tw'), facts.fold_digest);
        },
      );
    },
  );
}
