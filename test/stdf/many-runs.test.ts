import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { inspectRun } from '../../src/cli/inspect.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { toNumber } from '../../src/wire/long.ts';
import { runService } from '../../src/wire/services.ts';
import { zipOf } from '../support/archives.ts';
import { command } from '../support/command.ts';
import { startNodes } from '../support/local-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const lots = [1, 2, 3].map((number) => demoLot({ number, wafers: 1, parameters: { dies: 60 } }));
const bytes = lots.map(({ stdf }) => Buffer.from(stdf));
const archive = zipOf(
  { name: 'night/one.stdf', data: bytes[0]! },
  { name: 'night/notes.txt', data: Buffer.from('all went well\n') },
  { name: 'two-and-three.stdf', data: Buffer.concat(bytes.slice(1)) },
);

test('import prints a line for each run of a file, and waits for all of them', async (t) => {
  const [tw, az] = await startNodes(t, ['tw', 'az']);
  const path = join(temporaryFolder(t), 'night.zip');
  writeFileSync(path, archive);
  const ran = await command('import', path, '--node', tw!.address, '--wait', 'all', '--json');
  assert.equal(ran.code, 0);
  assert.equal(
    ran.stderr,
    `wafersync: ${path}/night/notes.txt was left out: it is not STDF: it is text, such as CSV.\n`,
  );
  const runs: { file: string; run_id: string; attempts: number; synced_fabs: string[] }[] = JSON.parse(
    ran.stdout,
  );
  assert.deepEqual(
    runs.map(({ file, attempts }) => [file, attempts]),
    [
      [`${path}/night/one.stdf`, lots[0]!.attempts],
      [`${path}/two-and-three.stdf`, lots[1]!.attempts],
      [`${path}/two-and-three.stdf#2`, lots[2]!.attempts],
    ],
  );
  for (const [i, { run_id, synced_fabs }] of runs.entries()) {
    assert.deepEqual(synced_fabs, ['az', 'tw']);
    const { digests, file } = (await inspectRun(az!.address, run_id)) as { digests: object; file: string };
    assert.deepEqual(digests, {
      attempts_sha256: lots[i]!.digests.attempts_sha256,
      parts_sha256: lots[i]!.digests.parts_sha256,
    });
    assert.match(file, /^night\.zip\//);
  }
  const table = await command('import', path, '--node', az!.address);
  assert.equal(table.stdout.trimEnd().split('\n').length, 4);
});

test('an upload is answered with all its runs; the fields of before tell of the first', async (t) => {
  const [tw] = await startNodes(t, ['tw']);
  const runs = makeClient(runService, tw!.address);
  t.after(() => runs.close());
  const call = runs.ImportRun();
  await call.write({ file_name: 'night.zip' });
  for (let at = 0; at < archive.length; at += 10_000)
    await call.write({ data: archive.subarray(at, at + 10_000) });
  const answer = await call.finish();
  assert.equal(answer.runs!.length, 3);
  const [first] = answer.runs!;
  const { file_name, ...known } = first!;
  assert.equal(file_name, 'night.zip/night/one.stdf');
  for (const [field, value] of Object.entries(known)) {
    assert.deepEqual(answer[field as keyof typeof answer], value, field);
  }
  assert.deepEqual(
    answer.runs!.map(({ added_attempts }) => toNumber(added_attempts)),
    lots.map(({ attempts }) => attempts),
  );
  assert.deepEqual(
    answer.left_out!.map((each) => each.file_name),
    ['night.zip/night/notes.txt'],
  );
});
