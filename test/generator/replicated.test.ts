import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { inspectRun } from '../../src/cli/inspect.ts';
import { command } from '../support/command.ts';
import { startNodes } from '../support/local-nodes.ts';
import { keptAt } from '../support/node-results.ts';
import { importFile } from '../support/run-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const LOTS: Readonly<Record<string, readonly string[]>> = {
  'MPR, FTR, NaN and infinities, several wafers a file, both byte orders': [
    ...['--seed', '11', '--lots', '2', '--wafers', '5', '--wafers-per-file', '3', '--byte-order', 'mixed'],
    ...['--mpr', '0.3', '--ftr', '0.2', '--non-finite', '0.05', '--all-tests'],
  ],
  'retests that are marked, many sites, in gzip': [
    ...['--seed', '12', '--wafers', '2', '--sites', '16', '--retests', 'coordinates', '--compress', 'gzip'],
  ],
  'all dirt there is': [
    ...['--seed', '13', '--lots', '4', '--wafers', '2', '--wafers-per-file', '1', '--mpr', '0.1', '--dirt'],
    [
      ...['cut-files=0.4', 'missing-wrr=0.4', 'empty-wafer-id=0.4', 'limit-changes=0.5', 'aborted-parts=0.1'],
      ...['unlogged-parts=0.2', 'repeated-drops=0.5', 'turned-axes=0.5', 'clocks-off=0.5'],
    ].join(','),
  ],
};

interface Generated {
  readonly file: string;
  readonly attempts: number;
  readonly results: number;
  readonly is_cut: boolean;
  readonly repeats: string | null;
  readonly digests: { readonly attempts_sha256: string; readonly parts_sha256: string };
  readonly yield: object;
}

for (const [what, args] of Object.entries(LOTS)) {
  test(`files with ${what} read back at another fab as their model says`, async (t) => {
    const [tw, az] = await startNodes(t, ['tw', 'az']);
    const size = ['--dies', '90', '--tests', '24', '--json'];
    const ran = await command('generate', '--out', temporaryFolder(t), ...size, ...args);
    const files: Generated[] = JSON.parse(ran.stdout);
    for (const { file, attempts, results, repeats, is_cut, digests, yield: yields } of files) {
      const fabs = ['tw', 'az'];
      const imported = await importFile(tw!.address, basename(file), readFileSync(file), fabs);
      assert.deepEqual([imported.attempts, imported.results], [attempts, results]);
      assert.deepEqual(
        [imported.addedAttempts, imported.complete],
        [repeats === null ? attempts : 0, !is_cut],
      );
      const found = await inspectRun(az!.address, imported.runId);
      assert.equal(found.digests.attempts_sha256, digests.attempts_sha256);
      assert.equal(found.digests.parts_sha256, digests.parts_sha256);
      assert.deepEqual(found.yield, yields);
    }
    const once = files.filter(({ repeats }) => repeats === null);
    const kept = await keptAt(az!.address);
    assert.equal(
      kept.attempts,
      once.reduce((sum, { attempts }) => sum + attempts, 0),
    );
    assert.equal(
      kept.results,
      once.reduce((sum, { results }) => sum + results, 0),
    );
  });
}
