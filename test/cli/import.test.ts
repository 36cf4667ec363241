import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { runService } from '../../src/wire/services.ts';
import { command } from '../support/command.ts';
import { freePorts } from '../support/free-ports.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { fileWith, gzipped, lotFile } from '../support/lot-files.ts';
import { hasResults, keptAt } from '../support/node-results.ts';

async function twoNodes(t: TestContext): Promise<[LocalNode, LocalNode]> {
  return (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
}

test('--json prints a list with one object a file', async (t) => {
  const [tw] = await twoNodes(t);
  const [one, two] = [lotFile(t, 1), lotFile(t, 2)];
  const files = [one.path, gzipped(t, two)];
  const { code, stdout, stderr } = await command('import', ...files, '--node', tw.address, '--json');
  assert.deepEqual([code, stderr], [0, '']);
  const imported = JSON.parse(stdout);
  assert.match(imported[0].run_id, /^[0-9a-f]{32}$/);
  assert.notEqual(imported[0].run_id, imported[1].run_id);
  for (const [i, { lot }] of [one, two].entries()) {
    assert.deepEqual(imported[i], {
      file: files[i],
      run_id: imported[i].run_id,
      wafers: [`${lot.lot}/${lot.wafers[0]}/${lot.insertion}`],
      attempts: lot.attempts,
      results: lot.results,
      added_attempts: lot.attempts,
      complete: true,
      incomplete_reason: '',
      orphan_results: 0,
      synced_fabs: [],
    });
  }
});

test('without --json a table says what came in, how much of it was new, and who has it', async (t) => {
  const [tw] = await twoNodes(t);
  const { lot, path } = lotFile(t, 1);
  const first = await command('import', path, '--node', tw.address, '--wait', 'all');
  assert.deepEqual([first.code, first.stderr], [0, '']);
  const [head, row] = first.stdout.trimEnd().split('\n');
  assert.deepEqual(head!.trim().split(/ {2,}/), [
    'FILE',
    'RUN',
    'WAFERS',
    'ATTEMPTS',
    'NEW',
    'RESULTS',
    'AT',
  ]);
  const attempts = lot.attempts.toLocaleString('en-US');
  const results = lot.results.toLocaleString('en-US');
  assert.deepEqual(row!.trim().split(/ {2,}/).slice(3), [attempts, attempts, results, 'az tw']);
  const again = await command('import', path, '--node', tw.address);
  assert.match(again.stdout, new RegExp(` ${attempts} +0 +${results} +this node$`, 'm'));
});

test('--wait with some fabs waits for these', async (t) => {
  const [tw, az] = await twoNodes(t);
  const { lot, path } = lotFile(t, 1);
  const ran = await command('import', path, '--node', tw.address, '--wait', 'tw,az', '--json');
  assert.deepEqual(JSON.parse(ran.stdout)[0].synced_fabs, ['az', 'tw']);
  assert.equal((await keptAt(az.address)).results, lot.results);
});

test('--wait with a stranger is refused before anything is handed in', async (t) => {
  const [tw] = await twoNodes(t);
  const { path } = lotFile(t, 1);
  const ran = await command('import', path, '--node', tw.address, '--wait', 'tw,xx');
  assert.deepEqual(ran, {
    code: 1,
    stdout: '',
    stderr: 'wafersync: --wait names xx, which is not a member of this mesh. Its members are az, tw.\n',
  });
  assert.equal((await keptAt(tw.address)).results, 0);
});

test('of several files those that are good are taken, and each bad one gets a line with its path', async (t) => {
  const [tw] = await twoNodes(t);
  const [one, two] = [lotFile(t, 1), lotFile(t, 2)];
  const empty = fileWith(t, 'x.stdf', '');
  const text = fileWith(t, 'x.stdf', 'die,x,y\n1,2,3\n');
  const files = [one.path, empty, text, `${one.path}.no`, dirname(one.path), two.path];
  const ran = await command('import', ...files, '--node', tw.address, '--json');
  assert.equal(ran.code, 1);
  assert.deepEqual(
    JSON.parse(ran.stdout).map(({ file }: { file: string }) => file),
    [one.path, two.path],
  );
  assert.deepEqual(ran.stderr.trimEnd().split('\n'), [
    `wafersync: ${empty} is not STDF: it is empty. Copy the file again from the tester.`,
    `wafersync: ${text} is not STDF: it is text, such as CSV. Give an STDF V4 file; its first record is FAR.`,
    `wafersync: ${one.path}.no does not exist. Check the path.`,
    `wafersync: ${dirname(one.path)} is a folder. Name the files in it.`,
  ]);
  assert.equal((await keptAt(tw.address)).results, one.lot.results + two.lot.results);
});

test('a cut file is taken as far as it goes, and a line says why it is incomplete', async (t) => {
  const [tw] = await twoNodes(t);
  const { lot } = lotFile(t, 1);
  const path = fileWith(t, 'cut.stdf', lot.stdf.subarray(0, lot.stdf.length >> 1));
  const ran = await command('import', path, '--node', tw.address, '--json');
  assert.equal(ran.code, 0);
  const [imported] = JSON.parse(ran.stdout);
  assert.ok(imported.attempts > 0 && imported.attempts < lot.attempts);
  assert.equal(imported.complete, false);
  assert.match(imported.incomplete_reason, /^cut inside a \w+ record at byte \d+ of \d+/);
  assert.match(
    ran.stderr,
    /^wafersync: .*cut\.stdf is incomplete: cut inside .*Every complete part of it is kept\.$/m,
  );
});

test('--lot takes the place of the lot in the file, which makes another run', async (t) => {
  const [tw] = await twoNodes(t);
  const { lot, path } = lotFile(t, 1);
  const plain = await command('import', path, '--node', tw.address, '--json');
  const other = await command('import', path, '--node', tw.address, '--lot', 'L-99', '--json');
  assert.deepEqual(JSON.parse(other.stdout)[0].wafers, [`L-99/${lot.wafers[0]}/${lot.insertion}`]);
  assert.notEqual(JSON.parse(other.stdout)[0].run_id, JSON.parse(plain.stdout)[0].run_id);
});

test('a command line that is wrong gets a line that says what, and where help is', async () => {
  const help = '`wafersync import --help` tells what it takes.\n';
  const wrong: [args: string[], line: string][] = [
    [['--node', 'tw:1'], "wafersync: missing required argument 'file'"],
    [['x', '--node', 'tw:1', '--frobnicate'], "wafersync: unknown option '--frobnicate'"],
    ...['tw', 'tw:', 'tw:0', 'tw:65536', ':50051', 'http://tw:50051', 'tw: 50051'].map(
      (text): [string[], string] => [
        ['x', '--node', text],
        `wafersync: option '--node <host:port>' argument '${text}' is invalid. It must be HOST:PORT, such as 127.0.0.1:50051.`,
      ],
    ),
    [
      ['x', '--node', 'tw:1', '--wait', 'tw,A_Z'],
      'wafersync: option \'--wait <fabs>\' argument \'tw,A_Z\' is invalid. fab id "A_Z" is not valid. Use 1 to 16 of a-z, 0-9 and "-", beginning with a letter, such as "tw".',
    ],
  ];
  for (const [args, line] of wrong) {
    assert.deepEqual(await command('import', ...args), { code: 1, stdout: '', stderr: `${line}\n${help}` });
  }
});

test('a node that cannot be reached gets one line with the remedy, however many files there are', async (t) => {
  const [port] = await freePorts(1);
  const { path } = lotFile(t, 1);
  const address = `127.0.0.1:${port}`;
  const ran = await command('import', path, path, path, '--node', address);
  assert.deepEqual(ran, {
    code: 1,
    stdout: '',
    stderr: [
      `wafersync: no node answers at ${address} (connection refused). Start the node, or correct the address.\n`,
      'wafersync: 2 more files were not tried.\n',
    ].join(''),
  });
  const waiting = await command('import', path, '--node', address, '--wait', 'tw');
  assert.match(waiting.stderr, /^wafersync: no node answers at [^\n]*\n$/);
});

test('a node that stops while it is waited for ends the command with a line', async (t) => {
  const [tw, az] = await twoNodes(t);
  await az.stop();
  const { lot, path } = lotFile(t, 1);
  const running = command('import', path, '--node', tw.address, '--wait', 'az');
  await hasResults(tw, lot.results);
  await tw.stop();
  const { code, stdout, stderr } = await running;
  assert.deepEqual([code, stdout], [1, '']);
  // It depends on how far the command was.
  const lines = [
    /^wafersync: the node is stopping\. Try again when it is back\.\n$/,
    /^wafersync: no node answers at .* Start the node, or correct the address\.\n$/,
    /^wafersync: the connection to the node at .* was lost.*\. Try again: [^\n]*\n$/,
  ];
  assert.ok(
    lines.some((line) => line.test(stderr)),
    stderr,
  );
});

test('--final marks the verdicts of the files, which are not final by themselves', async (t) => {
  const [tw] = await startNodes(t, ['tw']);
  const runs = makeClient(runService, tw!.address);
  t.after(() => runs.close());
  for (const [i, final] of [false, true].entries()) {
    const { path } = lotFile(t, i + 1);
    const ran = await command('import', path, '--node', tw!.address, '--json', ...(final ? ['--final'] : []));
    const run_id: string = JSON.parse(ran.stdout)[0].run_id;
    assert.equal((await runs.GetRun({ run_id })).record?.final, final);
  }
});
