import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { inspectRun } from '../../src/cli/inspect.ts';
import { loadConfig } from '../../src/config/load.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { startNode } from '../../src/node.ts';
import { realWorld } from '../../src/world.ts';
import { storedXz, zipOf } from '../support/archives.ts';
import { Journal } from '../support/grpc-client.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { keptAt } from '../support/node-results.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const LOOK = new URL('../../src/ingest/folder/look.ts', import.meta.url).href;
const QUICK = { folder_settle_ms: 20, folder_rescan_ms: 3_600_000 };

interface Dropping {
  readonly folder: string;
  readonly journal: Journal;
  readonly node: LocalNode;
  /** Waits until a file was moved away; answers the runs that were taken of it before. */
  moved(file: string): Promise<string[]>;
}

async function nodeWithFolder(t: TestContext): Promise<Dropping> {
  const folder = join(temporaryFolder(t), 'drop');
  const journal = new Journal();
  const [node] = await startNodes(t, ['tw'], { log: journal, config: { intake: { folder, ...QUICK } } });
  const moved = async (file: string): Promise<string[]> => {
    await journal.line(({ event, fields }) => event === 'folder.moved' && fields.file === file);
    const taken = journal.lines.filter(
      ({ event, fields }) => event === 'folder.taken' && fields.file === file,
    );
    return taken.map(({ fields }) => String(fields.run));
  };
  return { folder, journal, node: node!, moved };
}

test('files of every kind that are dropped are in the store as the model says, each once', async (t) => {
  const { folder, journal, node, moved } = await nodeWithFolder(t);
  const lots = [1, 2, 3, 4].map((number) => demoLot({ number, wafers: 1 }));
  const [plain, zipped, packed, again] = lots.map(({ stdf }) => Buffer.from(stdf));
  writeFileSync(join(folder, 'plain.stdf'), plain!);
  writeFileSync(
    join(folder, 'two.zip'),
    zipOf({ name: 'a.stdf', data: zipped! }, { name: 'b.stdf', data: again! }),
  );
  writeFileSync(join(folder, 'packed.stdf'), storedXz(packed!));
  const runs = [...(await moved('plain.stdf')), ...(await moved('two.zip')), ...(await moved('packed.stdf'))];
  const order = [lots[0]!, lots[1]!, lots[3]!, lots[2]!];
  for (const [i, lot] of order.entries()) {
    assert.deepEqual((await inspectRun(node.address, runs[i]!)).digests, {
      attempts_sha256: lot.digests.attempts_sha256,
      parts_sha256: lot.digests.parts_sha256,
    });
  }
  const line = journal.lines.find(
    ({ event, fields }) => event === 'folder.taken' && fields.file === 'plain.stdf',
  )!;
  assert.equal(line.fields.wafer, `${lots[0]!.lot}/${lots[0]!.wafers[0]}/${lots[0]!.insertion}`);
  const before = await keptAt(node.address);
  writeFileSync(join(folder, 'again.stdf.gz'), gzipSync(again!));
  await moved('again.stdf.gz');
  assert.deepEqual(await keptAt(node.address).then(({ attempts }) => attempts), before.attempts);
  assert.deepEqual(readdirSync(join(folder, 'done')).sort(), [
    'again.stdf.gz',
    'packed.stdf',
    'plain.stdf',
    'two.zip',
  ]);
});

test('an empty file, a text and a cut file are told from each other', async (t) => {
  const { folder, moved } = await nodeWithFolder(t);
  const lot = demoLot({ number: 1, wafers: 1 });
  writeFileSync(join(folder, 'empty.stdf'), '');
  writeFileSync(join(folder, 'text.csv'), 'x,y,bin\n1,2,3\n');
  writeFileSync(join(folder, 'cut.stdf'), lot.stdf.subarray(0, lot.stdf.length >> 1));
  for (const name of ['empty.stdf', 'text.csv', 'cut.stdf']) await moved(name);
  const reason = (outcome: string, name: string) =>
    readFileSync(join(folder, outcome, `${name}.reason.txt`), 'utf8');
  assert.match(reason('failed', 'empty.stdf'), /^empty\.stdf is not STDF: it is empty\. Copy the file again/);
  assert.match(reason('failed', 'text.csv'), /^text\.csv is not STDF: it is text, such as CSV\./);
  assert.match(reason('done', 'cut.stdf'), /^cut\.stdf is incomplete: cut inside a \w+ record at byte \d+/);
});

test('a node that stops leaves the file that it takes, and the next start takes it, each attempt once', async (t) => {
  const { folder, journal, node, moved } = await nodeWithFolder(t);
  const lot = demoLot({ number: 1, wafers: 12 });
  writeFileSync(join(folder, 'large.stdf'), lot.stdf);
  await journal.line(({ event }) => event === 'folder.taking');
  await node.stop();
  assert.ok(existsSync(join(folder, 'large.stdf')), 'it is still there');
  assert.deepEqual(readdirSync(join(folder, 'done')), []);
  const config = loadConfig(node.configFile, {});
  const next = await startNode(config, { world: realWorld, log: journal, version: 'test' });
  t.after(() => next.stop());
  const [run] = await moved('large.stdf');
  const { digests } = await inspectRun(node.address, run!);
  assert.equal(digests.attempts_sha256, lot.digests.attempts_sha256);
  assert.equal((await keptAt(node.address)).attempts, lot.attempts);
});

test('a node whose drop folder cannot be used does not start, and says so', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  await assert.rejects(
    startNodes(t, ['tw'], { config: { intake: { folder: join(file, 'drop'), ...QUICK } } }),
    {
      code: 'precondition',
      message: /^the drop folder .* cannot be used/,
    },
  );
});

test('the folder of the database cannot be the drop folder', async (t) => {
  for (const folder of ['.', './', 'spool', 'x/../spool/']) {
    await assert.rejects(startNodes(t, ['tw'], { config: { intake: { folder } } }), {
      code: 'invalid',
      message: /intake\.folder = .* is where the node's own files are\. Name another folder\./,
    });
  }
});

test('a file that may not be read is left alone', (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'secret.stdf');
  writeFileSync(file, 'x');
  chmodSync(folder, 0o755);
  chmodSync(file, 0);
  // Root reads everything, so a child looks as nobody.
  const become = process.getuid?.() === 0 ? 'process.setgid(65534); process.setuid(65534);' : '';
  const script = `import { lookAt } from ${JSON.stringify(LOOK)};
    ${become} process.stdout.write(JSON.stringify(await lookAt(${JSON.stringify(file)})));`;
  const told = JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }),
  );
  assert.deepEqual([told.kind, told.why], ['other', 'it may not be read']);
});
