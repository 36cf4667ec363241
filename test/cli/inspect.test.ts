import assert from 'node:assert/strict';
import { test } from 'node:test';
import { command } from '../support/command.ts';
import { startNodes } from '../support/local-nodes.ts';
import { fileWith, gzipped, lotFile } from '../support/lot-files.ts';
import { importFile } from '../support/run-client.ts';

test('inspect FILE --json prints one JSON object a line, with the digests of the model', async (t) => {
  const [one, two] = [lotFile(t, 1), lotFile(t, 2)];
  const { code, stdout, stderr } = await command('inspect', one.path, gzipped(t, two), '--json');
  assert.deepEqual([code, stderr], [0, '']);
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, 2);
  for (const [i, { lot }] of [one, two].entries()) {
    const inspection = JSON.parse(lines[i]!);
    assert.deepEqual(inspection.digests, lot.digests);
    assert.equal(inspection.parts.prr, lot.attempts);
    assert.equal(inspection.truncated, null);
  }
});

test('of several files the bad ones get a line each, the good ones are told, and the exit code is 1', async (t) => {
  const { lot, path } = lotFile(t, 1);
  const empty = fileWith(t, 'empty.stdf', '');
  const { code, stdout, stderr } = await command('inspect', empty, path, `${path}.no`);
  assert.equal(code, 1);
  assert.deepEqual(stderr.trimEnd().split('\n'), [
    'wafersync: empty.stdf is not STDF: it is empty. Copy the file again from the tester.',
    `wafersync: ${path}.no does not exist. Check the path.`,
  ]);
  const [head, row, ...rest] = stdout.trimEnd().split('\n');
  assert.match(
    head!,
    /^FILE +WAFERS +ATTEMPTS +DIES +YIELD \(FIRST\) +YIELD \(LAST\) +COMPLETE +ATTEMPTS SHA-256$/,
  );
  assert.ok(row!.startsWith(lot.fileName) && row!.endsWith(` yes       ${lot.digests.attempts_sha256}`), row);
  assert.deepEqual(rest, []);
});

test('a run that a node keeps is told with the keys and the digests of its file', async (t) => {
  const [tw, az] = await startNodes(t, ['tw', 'az']);
  const { lot, path } = lotFile(t, 1);
  const { runId } = await importFile(tw!.address, lot.fileName, lot.stdf, ['tw', 'az']);
  const ofFile = JSON.parse((await command('inspect', path, '--json')).stdout);
  for (const run of [runId, runId.toUpperCase()]) {
    const { code, stdout } = await command('inspect', '--node', az!.address, '--run', run, '--json');
    assert.equal(code, 0);
    const ofRun = JSON.parse(stdout);
    assert.deepEqual([ofRun.run_id, ofRun.fab], [runId, 'tw']);
    for (const key of ['file', 'records', 'truncated', 'yield'])
      assert.deepEqual(ofRun[key], ofFile[key], key);
    const { attempts_sha256, parts_sha256 } = ofFile.digests;
    assert.deepEqual(ofRun.digests, { parts_sha256, attempts_sha256 });
    assert.deepEqual(
      ofRun.parts,
      Object.fromEntries(Object.keys(ofRun.parts).map((key) => [key, ofFile.parts[key]])),
    );
  }
  const table = await command('inspect', '--node', az!.address, '--run', runId);
  assert.match(table.stdout, new RegExp(`^${lot.fileName} .* ${lot.digests.attempts_sha256}$`, 'm'));
});

test('what cannot be inspected gets one line that says why, and what to do', async (t) => {
  const [tw] = await startNodes(t, ['tw']);
  const node = ['--node', tw!.address];
  const either =
    'inspect takes either files, or --run and the --node that keeps it. Say `wafersync inspect FILE…`, or `wafersync inspect --node HOST:PORT --run RUN`.';
  const wrong: [args: string[], line: string][] = [
    [[], either],
    [node, either],
    [['x.stdf', ...node, '--run', '0'], either],
    [
      [...node, '--run', 'lot7'],
      'run id "lot7" is not 32 hex digits. Copy it from the output of `wafersync import`.',
    ],
    [
      [...node, '--run', 'f'.repeat(32)],
      `run ${'f'.repeat(32)} is not known here. It may not have arrived yet: \`wafersync status\` tells what is missing.`,
    ],
  ];
  for (const [args, line] of wrong) {
    assert.deepEqual(await command('inspect', ...args), {
      code: 1,
      stdout: '',
      stderr: `wafersync: ${line}\n`,
    });
  }
});
