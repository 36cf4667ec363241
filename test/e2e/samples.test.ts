import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { inspectRun } from '../../src/cli/inspect.ts';
import { toNumber } from '../../src/wire/long.ts';
import { runService } from '../../src/wire/services.ts';
import { Cluster, type Fab } from '../support/cluster.ts';
import { command, wafersync } from '../support/command.ts';
import { keptAt } from '../support/node-results.ts';
import { importFile, waitForRun } from '../support/run-client.ts';
import { readableSamples, samples, samplesMissing } from '../support/stdf-samples.ts';

const FABS: readonly Fab[] = ['tw', 'de', 'kr'];

describe('real STDF files, handed in at one fab and read back at others', { skip: samplesMissing }, () => {
  let cluster: Cluster;

  before(async () => {
    cluster = await Cluster.start(FABS);
  });

  after(async () => {
    await cluster.stop();
  });

  test('there are files to read', () => {
    assert.ok(readableSamples().length >= 10);
  });

  for (const { name, path, truth } of readableSamples()) {
    test(`${name} is at every fab what its truth says`, async () => {
      const imported = await importFile(cluster.address('tw'), name, readFileSync(path));
      assert.equal(imported.attempts, truth.parts.prr);
      assert.equal(imported.orphanResults, truth.parts.results_without_part);
      await waitForRun(cluster.address('kr'), imported.runId, FABS);
      for (const fab of ['de', 'kr'] as const) {
        const { digests, parts, yield: yields } = await inspectRun(cluster.address(fab), imported.runId);
        assert.equal(parts.prr, truth.parts.prr, `parts at ${fab}`);
        assert.equal(digests.parts_sha256, truth.digests.parts_sha256, `parts digest at ${fab}`);
        assert.equal(digests.attempts_sha256, truth.digests.attempts_sha256, `attempts digest at ${fab}`);
        assert.deepEqual(yields, truth.yield, `yield at ${fab}`);
      }
    });
  }

  test('a file without parts is an empty run whose results without a part are told', async () => {
    const [file] = readableSamples().filter(({ truth }) => truth.parts.results_without_part > 0);
    assert.ok(file, 'there is such a file');
    const ran = await command('import', file.path, '--node', cluster.address('de'), '--json');
    assert.equal(ran.code, 0);
    const [imported] = JSON.parse(ran.stdout);
    assert.deepEqual([imported.attempts, imported.wafers], [0, []]);
    assert.match(
      ran.stderr,
      new RegExp(`${file.truth.parts.results_without_part} results belong to no part`),
    );
    const runs = makeClient(runService, cluster.address('tw'));
    const { record } = await runs.GetRun({ run_id: imported.run_id });
    runs.close();
    assert.equal(toNumber(record?.orphan_results), file.truth.parts.results_without_part);
  });

  test('files that hold no STDF exit with 1 and a clear line, and nothing of them is stored', async () => {
    const before = await keptAt(cluster.address('tw'));
    const bad = samples().filter(({ truth }) => truth === null || truth.fatal !== null);
    const said = new Map<string, RegExp>([
      ['empty.stdf', /^wafersync: .*empty\.stdf is not STDF: it is empty\. /m],
      ['not_stdf.stdf', /^wafersync: .*not_stdf\.stdf is not STDF: it is text, such as CSV\. /m],
    ]);
    const files = bad.map(({ path }) => path);
    const ran = await wafersync('import', ...files, '--node', cluster.address('tw'));
    assert.equal(ran.code, 1);
    assert.equal(ran.stdout, '');
    assert.equal(ran.stderr.trimEnd().split('\n').length, files.length, `one line a file:\n${ran.stderr}`);
    for (const [name, line] of said) {
      assert.ok(bad.some((file) => file.name === name));
      assert.match(ran.stderr, line);
    }
    assert.deepEqual(await keptAt(cluster.address('tw')), before);
    assert.deepEqual(readdirSync(join(cluster.dataFolder('tw'), 'spool')), []);
  });
});
