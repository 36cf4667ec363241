import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  utimesSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WafersyncError } from '../../src/errors.ts';
import { DropFolder, type DropFolderOptions } from '../../src/ingest/folder/drop-folder.ts';
import type { ImportFile } from '../../src/ingest/folder/take-file.ts';
import type { ImportedFile } from '../../src/ingest/stdf/import.ts';
import { fileRunId } from '../../src/wafer/run.ts';
import { realWorld } from '../../src/world.ts';
import { Journal } from '../support/grpc-client.ts';
import { ManualWorld } from '../support/manual-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const HOUR_MS = 3_600_000;
/** Long enough for nothing to come by itself. */
const QUICK = { settleMs: 20, rescanMs: HOUR_MS, parallel: 2, maxBytes: 1_000_000 };

const imported: ImportedFile = {
  runs: [
    {
      runId: fileRunId('', 'LOT'),
      fileName: 'lot.stdf',
      wafers: [{ lot: 'LOT', waferId: 'W1', insertion: 'S' }],
      ...{ attempts: 1, results: 2, added: 1, complete: true, incompleteReason: '', orphanResults: 0 },
    },
  ],
  leftOut: [],
};

interface Opened {
  readonly folder: string;
  readonly journal: Journal;
  readonly drop: DropFolder;
  readonly taken: string[];
  /** Waits until a file was moved away. */
  moved(file: string): Promise<void>;
}

/** A drop folder over an importer that takes everything, or the one that is given. */
async function open(
  t: TestContext,
  options: Partial<DropFolderOptions> = {},
  files: Readonly<Record<string, string>> = {},
): Promise<Opened> {
  const folder = join(temporaryFolder(t), 'drop');
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const journal = new Journal();
  const taken: string[] = [];
  const importFile: ImportFile = async (path, name, signal) => {
    taken.push(name);
    return options.importFile ? options.importFile(path, name, signal) : imported;
  };
  const drop = await DropFolder.open({
    ...QUICK,
    world: realWorld,
    log: journal,
    folder,
    ...options,
    importFile,
  });
  t.after(() => drop.stop());
  drop.start();
  const moved = async (file: string): Promise<void> => {
    await journal.line(({ event, fields }) => event === 'folder.moved' && fields.file === file);
  };
  return { folder, journal, drop, taken, moved };
}

const inside = (folder: string, ...more: string[]): string[] => readdirSync(join(folder, ...more)).sort();

test('files that are there, are written, or are renamed into the folder are taken once, without a rescan', async (t) => {
  const { folder, taken, journal, moved } = await open(t, {}, { 'old.stdf': 'old' });
  await moved('old.stdf');
  writeFileSync(join(folder, 'new.stdf'), 'new');
  await moved('new.stdf');
  const elsewhere = join(temporaryFolder(t), 'x');
  writeFileSync(elsewhere, 'renamed');
  renameSync(elsewhere, join(folder, 'renamed.stdf'));
  await moved('renamed.stdf');
  assert.deepEqual(taken, ['old.stdf', 'new.stdf', 'renamed.stdf']);
  assert.deepEqual(inside(folder), ['done', 'failed']);
  assert.deepEqual(inside(folder, 'done'), ['new.stdf', 'old.stdf', 'renamed.stdf']);
  const { fields } = journal.lines.find(({ event }) => event === 'folder.taken')!;
  assert.deepEqual(
    [fields.file, fields.run, fields.wafer, fields.attempts, fields.results],
    ['old.stdf', fileRunId('', 'LOT'), 'LOT/W1/S', 1, 2],
  );
});

test('a file that is written to is taken once it stands still', async (t) => {
  const seen: number[] = [];
  const importFile: ImportFile = async (path) => {
    seen.push(readFileSync(path).length);
    return imported;
  };
  const world = new ManualWorld();
  const { folder, journal } = await open(t, { importFile, world, settleMs: 150 });
  for (let i = 1; i <= 20; i++) {
    appendFileSync(join(folder, 'slow.stdf'), 'x'.repeat(10));
    world.advance(100);
    await turns();
  }
  await passUntilMoved(world, journal);
  assert.deepEqual(seen, [200]);
});

test('a file of which something was heard is waited for anew, even if it looks the same', async (t) => {
  const world = new ManualWorld();
  const { folder, taken, journal } = await open(t, { world, settleMs: 150 });
  const file = join(folder, 'lot.stdf');
  const write = async (text: string): Promise<void> => {
    const heard = watch(folder);
    await new Promise((resolve) => {
      heard.once('change', resolve);
      writeFileSync(file, text);
      utimesSync(file, 1000, 1000);
    });
    heard.close();
    await turns();
  };
  await write('aaaa');
  world.advance(0);
  await turns();
  world.advance(140);
  await write('bbbb');
  world.advance(140);
  await turns();
  assert.deepEqual(taken, [], 'looked the same for 280 ms, but was heard of 140 ms ago');
  await passUntilMoved(world, journal);
});

/** Lets time pass until a file was moved away: how many turns reading it takes is the machine's to say. */
async function passUntilMoved(world: ManualWorld, journal: Journal): Promise<void> {
  while (!journal.lines.some(({ event }) => event === 'folder.moved')) {
    world.advance(10);
    await turns();
  }
}

/** Many turns of the event loop, so that what was begun by now has ended. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

test('a file that changes while it is taken is taken again, and not moved before', async (t) => {
  const seen: number[] = [];
  const importFile: ImportFile = async (path) => {
    seen.push(readFileSync(path).length);
    if (seen.length === 1) appendFileSync(path, 'more');
    return imported;
  };
  const { folder, moved } = await open(t, { importFile }, { 'lot.stdf': 'some' });
  await moved('lot.stdf');
  assert.deepEqual(seen, [4, 8]);
  assert.equal(readFileSync(join(folder, 'done', 'lot.stdf'), 'utf8'), 'somemore');
});

test('a file that the reader found changed, or that is gone, is looked at again', async (t) => {
  const codes = ['precondition', 'not-found'] as const;
  let calls = 0;
  const importFile: ImportFile = async () => {
    const code = codes[calls++];
    if (code) throw new WafersyncError(code, 'it changed');
    return imported;
  };
  const { moved, journal } = await open(t, { importFile }, { 'lot.stdf': 'some' });
  await moved('lot.stdf');
  assert.equal(calls, 3);
  assert.deepEqual(
    journal.lines.filter(({ level }) => level === 'warn'),
    [],
  );
});

test('a file that cannot be taken goes to failed/ with the reason, whatever the reason', async (t) => {
  const errors: Record<string, Error> = {
    'text.stdf': new WafersyncError('invalid', 'text.stdf is not STDF', { hint: 'Give an STDF V4 file.' }),
    'other.stdf': new WafersyncError('conflict', 'other content'),
    'bug.stdf': new TypeError('undefined is not a function'),
  };
  const importFile: ImportFile = async (_, name) => {
    throw errors[name]!;
  };
  const { folder, moved } = await open(
    t,
    { importFile },
    { 'text.stdf': 'a', 'other.stdf': 'b', 'bug.stdf': 'c' },
  );
  for (const name of Object.keys(errors)) await moved(name);
  assert.deepEqual(inside(folder, 'done'), []);
  assert.equal(inside(folder, 'failed').length, 6);
  const reason = readFileSync(join(folder, 'failed', 'text.stdf.reason.txt'), 'utf8');
  assert.equal(reason, 'text.stdf is not STDF. Give an STDF V4 file.\n');
});

test('a file over the size bound fails without being read', async (t) => {
  const { folder, taken, moved } = await open(
    t,
    { maxBytes: 3 },
    { 'large.stdf': '1234', 'small.stdf': '123' },
  );
  await moved('large.stdf');
  await moved('small.stdf');
  assert.deepEqual([taken, inside(folder, 'done')], [['small.stdf'], ['small.stdf']]);
  assert.match(
    readFileSync(join(folder, 'failed', 'large.stdf.reason.txt'), 'utf8'),
    /^large\.stdf is larger than 3 bytes\. Raise intake\.max_upload_bytes/,
  );
});

test('what a person should know of a file that was taken stands beside it', async (t) => {
  const importFile: ImportFile = async () => ({
    runs: [{ ...imported.runs[0]!, complete: false, incompleteReason: 'it was cut', orphanResults: 3 }],
    leftOut: [{ name: 'lots.zip/notes.txt', reason: 'it is text' }],
  });
  const { folder, moved } = await open(t, { importFile }, { 'lots.zip': 'zip' });
  await moved('lots.zip');
  assert.deepEqual(readFileSync(join(folder, 'done', 'lots.zip.reason.txt'), 'utf8').split('\n'), [
    'lot.stdf is incomplete: it was cut. Every complete part of it is kept.',
    'lot.stdf: 3 results belong to no part and were left out.',
    'lots.zip/notes.txt was left out: it is text.',
    '',
  ]);
});

test('a full disk leaves every file where it is, and the next try takes them', async (t) => {
  let full = true;
  const importFile: ImportFile = async () => {
    if (full) throw new WafersyncError('exhausted', 'the disk is full');
    return imported;
  };
  const files = { 'a.stdf': 'a', 'b.stdf': 'b', 'c.stdf': 'c' };
  const { folder, taken, journal, moved } = await open(t, { importFile, parallel: 1, rescanMs: 100 }, files);
  await journal.line(({ event }) => event === 'folder.waits');
  assert.deepEqual([taken.length, inside(folder, 'done'), inside(folder, 'failed')], [1, [], []]);
  full = false;
  for (const name of Object.keys(files)) await moved(name);
  assert.deepEqual(inside(folder, 'done'), ['a.stdf', 'b.stdf', 'c.stdf']);
});

test('a file that has to wait for the node delays no other', async (t) => {
  const importFile: ImportFile = async (_, name) => {
    if (name === 'a.stdf') throw new WafersyncError('unavailable', 'it cannot be read now');
    return imported;
  };
  const { folder, moved } = await open(t, { importFile, parallel: 1 }, { 'a.stdf': 'a', 'b.stdf': 'b' });
  await moved('b.stdf');
  assert.ok(existsSync(join(folder, 'a.stdf')));
});

test('a few files are taken at once', async (t) => {
  let running = 0;
  let most = 0;
  const importFile: ImportFile = async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running--;
    return imported;
  };
  const names = Array.from({ length: 12 }, (_, i) => `${i}.stdf`);
  const files = Object.fromEntries(names.map((name) => [name, name]));
  const { moved } = await open(t, { importFile, parallel: 3 }, files);
  for (const name of names) await moved(name);
  assert.equal(most, 3);
});

test('folders, links and dot-files are left alone, and said so once', async (t) => {
  const { folder, journal, taken } = await open(t, { rescanMs: 30 }, { '.hidden': 'x', 'real.stdf': 'x' });
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'sub', 'deep.stdf'), 'x');
  symlinkSync(join(folder, 'sub', 'deep.stdf'), join(folder, 'link.stdf'));
  for (const file of ['.hidden', 'sub', 'link.stdf']) {
    await journal.line(({ event, fields }) => event === 'folder.left_alone' && fields.file === file);
  }
  // A few rescans later nothing more was said.
  for (const name of ['1.stdf', '2.stdf']) {
    writeFileSync(join(folder, name), 'x');
    await journal.line(({ event, fields }) => event === 'folder.moved' && fields.file === name);
  }
  const told = journal.lines.filter(({ event }) => event === 'folder.left_alone');
  assert.deepEqual(told.map(({ fields }) => `${fields.file}: ${fields.reason}`).sort(), [
    '.hidden: its name begins with a dot',
    'link.stdf: it is a link',
    'sub: it is a folder',
  ]);
  assert.deepEqual(taken.sort(), ['1.stdf', '2.stdf', 'real.stdf']);
  assert.deepEqual(inside(folder), ['.hidden', 'done', 'failed', 'link.stdf', 'sub']);
});

test('a dot-file that is renamed within the settle time is taken, and nothing is said of it', async (t) => {
  const { folder, journal, moved } = await open(t, { settleMs: 200 });
  writeFileSync(join(folder, '.lot.stdf.part'), 'x');
  renameSync(join(folder, '.lot.stdf.part'), join(folder, 'lot.stdf'));
  await moved('lot.stdf');
  assert.ok(!journal.lines.some(({ event }) => event === 'folder.left_alone'));
});

test('more files than can be waited for are all taken, without waiting for the next rescan', async (t) => {
  const names = Array.from({ length: 40 }, (_, i) => `${i}.stdf`);
  const files = Object.fromEntries([...names, '.a', '.b', '.c'].map((name) => [name, name]));
  const { folder, moved } = await open(t, { maxWaiting: 6 }, files);
  for (const name of names) await moved(name);
  assert.equal(inside(folder, 'done').length, 40);
});

test('a folder that goes away and comes back is told, and its files are taken', async (t) => {
  const { folder, journal, moved } = await open(t, { rescanMs: 30 });
  renameSync(folder, `${folder}.away`);
  await journal.line(({ event }) => event === 'folder.unreachable');
  mkdirSync(folder);
  writeFileSync(join(folder, 'lot.stdf'), 'x');
  await journal.line(({ event }) => event === 'folder.reachable');
  await moved('lot.stdf');
  assert.deepEqual(inside(folder, 'done'), ['lot.stdf']);
  assert.equal(journal.lines.filter(({ event }) => event === 'folder.unreachable').length, 1);
});

test('stopping leaves a file that is being taken where it is', async (t) => {
  const importFile: ImportFile = (_path, _name, signal) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () =>
        reject(new WafersyncError('cancelled', 'reading was cancelled')),
      );
    });
  const { folder, journal, drop } = await open(
    t,
    { importFile },
    { 'a.stdf': 'a', 'b.stdf': 'b', 'c.stdf': 'c' },
  );
  await journal.line(({ event }) => event === 'folder.taking');
  await drop.stop();
  writeFileSync(join(folder, 'd.stdf'), 'late');
  assert.deepEqual(inside(folder), ['a.stdf', 'b.stdf', 'c.stdf', 'd.stdf', 'done', 'failed']);
  assert.deepEqual([inside(folder, 'done'), inside(folder, 'failed')], [[], []]);
  assert.ok(!journal.lines.some(({ level }) => level === 'warn'));
});

test('a file that was taken but cannot be moved away stays, is told, and is tried again', async (t) => {
  const { folder, taken, journal, moved } = await open(t, { rescanMs: 50 });
  renameSync(join(folder, 'done'), join(folder, '.done'));
  writeFileSync(join(folder, 'done'), 'no folder');
  writeFileSync(join(folder, 'lot.stdf'), 'x');
  const { error } = await journal.line(({ event }) => event === 'folder.waits');
  assert.match((error as Error).message, /^lot\.stdf cannot be moved away: EEXIST/);
  assert.ok(existsSync(join(folder, 'lot.stdf')));
  renameSync(join(folder, 'done'), join(folder, '.no-folder'));
  await moved('lot.stdf');
  assert.ok(taken.length >= 2);
});

test('a folder that cannot be made is told with the remedy', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  const options = { ...QUICK, world: realWorld, log: new Journal(), importFile: async () => imported };
  await assert.rejects(DropFolder.open({ ...options, folder: join(file, 'drop') }), {
    code: 'precondition',
    message: /^the drop folder .*drop cannot be used: ENOTDIR/,
    hint: /intake\.folder/,
  });
});
