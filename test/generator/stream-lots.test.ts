import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspectRun } from '../../src/cli/inspect.ts';
import { command } from '../support/command.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { hasResults, keptAt } from '../support/node-results.ts';

const LOT = ['--preset', 'demo', '--dies', '60', '--tests', '30', '--seed', '3', '--lots', '2', '--json'];

interface Streamed {
  readonly run_id: string;
  readonly stream_id: string;
  readonly equipment_id: string;
  readonly attempts: number;
  readonly results: number;
  readonly durable_before: number;
  readonly digests: { readonly attempts_sha256: string; readonly parts_sha256: string };
  readonly yield: { readonly last_per_xy: object };
}

async function generate(node: string, ...args: string[]): Promise<Streamed[]> {
  const ran = await command('generate', '--node', node, ...LOT, ...args);
  assert.equal(ran.code, 0, ran.stderr);
  return JSON.parse(ran.stdout);
}

test('lots that are streamed to a node have the digests of their model at another fab, and nothing goes twice', async (t) => {
  const [tw, az] = (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
  const lots = await generate(tw.address);
  const results = lots.reduce((sum, lot) => sum + lot.results, 0);
  assert.deepEqual([lots.length, lots.map(({ durable_before }) => durable_before)], [2, [0, 0]]);
  await hasResults(az, results);
  for (const lot of lots) {
    const found = await inspectRun(az.address, lot.run_id);
    assert.deepEqual(
      { attempts_sha256: found.digests.attempts_sha256, parts_sha256: found.digests.parts_sha256 },
      lot.digests,
    );
    assert.deepEqual(found.yield.last_per_xy, lot.yield.last_per_xy);
    assert.equal(found.parts.prr, lot.attempts);
  }
  const again = await generate(tw.address);
  assert.deepEqual(
    again.map(({ run_id, durable_before, digests }) => ({ run_id, durable_before, digests })),
    lots.map(({ run_id, results, digests }) => ({ run_id, durable_before: results, digests })),
  );
  assert.equal((await keptAt(tw.address)).results, results);
});

test('a rate bounds how fast results are streamed', async (t) => {
  const [tw] = (await startNodes(t, ['tw'])) as [LocalNode];
  const beganMs = performance.now();
  const [lot] = await generate(tw.address, '--lots', '1', '--wafers', '1', '--dies', '10', '--rate', '500');
  // A lower bound: the last result is due then at the earliest.
  assert.ok(performance.now() - beganMs >= ((lot!.results - 1) / 500) * 1000 - 10);
});

test('where the results go must be said, and what is of files alone is refused', async () => {
  const neither = await command('generate');
  assert.deepEqual(
    [neither.code, neither.stderr.startsWith('wafersync: neither --out nor --node')],
    [1, true],
  );
  const rate = await command('generate', '--out', 'x', '--rate', '5');
  assert.match(rate.stderr, /--rate is given without --node/);
  for (const option of [
    ['--out', 'x'],
    ['--dirt', 'field'],
    ['--byte-order', 'big'],
    ['--mpr', '0.1'],
  ]) {
    const { code, stderr } = await command('generate', '--node', '127.0.0.1:1', ...option);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`'--node <host:port>' cannot be used with option '${option[0]} `));
  }
});
