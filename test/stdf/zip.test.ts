import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ImportedFile } from '../../src/ingest/stdf/import.ts';
import { importStdf } from '../../src/ingest/stdf/import.ts';
import { inspectStdf } from '../../src/ingest/stdf/inspect.ts';
import { MAX_MEMBERS } from '../../src/ingest/stdf/zip-member.ts';
import { storedXz, type ZipEntry, zipOf } from '../support/archives.ts';
import { MemoryIntake } from '../support/memory-intake.ts';
import { collect } from '../support/read-stdf.ts';
import { StdfRecords } from '../support/stdf-records.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const records = new StdfRecords();

/** An STDF file of one wafer; its parts have ids from 0. */
function stdf(wafer: string, parts = 3): Buffer {
  const touchdowns = Array.from({ length: parts }, (_, i) =>
    Buffer.concat([records.pir(), records.ptr({ bits: i, name: 'test' }), records.prr({ id: `${i}` })]),
  );
  const texts = ['LOT', 'product', 'tester'];
  return Buffer.concat([
    ...[records.far(), records.mir(1_700_000_000, 1_600_000_000, ...texts), records.wir(1, wafer)],
    ...touchdowns,
    ...[records.wrr(1, wafer), records.mrr()],
  ]);
}

async function importBytes(t: TestContext, bytes: Buffer, fileName = 'lots.zip'): Promise<ImportedFile> {
  const path = join(temporaryFolder(t), 'upload');
  writeFileSync(path, bytes);
  return importStdf(path, { fileName, timeZone: 'UTC', intake: new MemoryIntake() });
}

const stored = (name: string, data: Buffer): ZipEntry => ({ name, data, method: 'stored' });
const deflated = (name: string, data: Buffer): ZipEntry => ({ name, data });
const CUT = 'the zip archive is cut short or damaged: files behind its last whole one may be missing';

test('every STDF file of an archive is a run, the same as if it had been handed in alone', async (t) => {
  const [one, two] = [stdf('W1'), stdf('W2', 700)];
  const { runs, leftOut } = await importBytes(t, zipOf(deflated('a/w1.stdf', one), stored('w2.stdf', two)));
  assert.deepEqual(leftOut, []);
  assert.deepEqual(
    runs.map(({ fileName, attempts, complete }) => [fileName, attempts, complete]),
    [
      ['lots.zip/a/w1.stdf', 3, true],
      ['lots.zip/w2.stdf', 700, true],
    ],
  );
  const alone = [await importBytes(t, one, 'w1.stdf'), await importBytes(t, two, 'w2.stdf')];
  assert.deepEqual(
    runs.map(({ runId }) => runId),
    alone.map((file) => file.runs[0]!.runId),
  );
});

test('files of an archive may be compressed themselves', async (t) => {
  const bytes = stdf('W1', 40);
  const { runs } = await importBytes(
    t,
    zipOf(stored('w.stdf.gz', gzipSync(bytes)), deflated('w.stdf.xz', storedXz(bytes)), deflated('w', bytes)),
  );
  assert.equal(new Set(runs.map(({ runId }) => runId)).size, 1);
  assert.deepEqual(
    runs.map(({ attempts, complete }) => [attempts, complete]),
    Array(3).fill([40, true]),
  );
});

test('what is no STDF in an archive is left out and told, folders are not', async (t) => {
  const { runs, leftOut } = await importBytes(
    t,
    zipOf(
      deflated('folder/', Buffer.alloc(0)),
      deflated('README.txt', Buffer.from('wafers of last week\n')),
      deflated('w1.stdf', stdf('W1')),
      stored('inner.zip', zipOf(deflated('w2.stdf', stdf('W2')))),
      { name: 'secret.stdf', data: stdf('W3'), encrypted: true },
      { name: 'w4.stdf', data: stdf('W4'), method: 14 },
      stored('nothing', Buffer.alloc(0)),
    ),
  );
  assert.deepEqual(
    runs.map(({ fileName }) => fileName),
    ['lots.zip/w1.stdf'],
  );
  assert.deepEqual(leftOut, [
    {
      name: 'lots.zip/README.txt',
      reason: 'it is not STDF: it is text, such as CSV',
    },
    {
      name: 'lots.zip/inner.zip',
      reason: 'it is a zip archive that is not a file of its own',
    },
    { name: 'lots.zip/secret.stdf', reason: 'it cannot be read: it is encrypted' },
    { name: 'lots.zip/w4.stdf', reason: 'it cannot be read: it is packed by method 14' },
    { name: 'lots.zip/nothing', reason: 'it is not STDF: it is empty' },
  ]);
});

test('an archive without any STDF is refused, and says why', async (t) => {
  const text = deflated('notes.txt', Buffer.from('nothing here\n'));
  await assert.rejects(importBytes(t, zipOf(text)), {
    code: 'invalid',
    message:
      'lots.zip holds no STDF file: lots.zip/notes.txt was left out, it is not STDF: it is text, such as CSV',
  });
  await assert.rejects(importBytes(t, zipOf()), {
    code: 'invalid',
    message: 'lots.zip holds no STDF file: it is empty',
  });
});

test('an archive of too many files is refused before anything is taken', async (t) => {
  const many = Array.from({ length: MAX_MEMBERS + 1 }, (_, i) => stored(`${i}`, Buffer.alloc(0)));
  const archive = zipOf(...many);
  for (const bytes of [archive, archive.subarray(0, -30)]) {
    await assert.rejects(importBytes(t, bytes), {
      code: 'invalid',
      message: `lots.zip holds more than ${MAX_MEMBERS} files`,
    });
  }
});

test('names of strange letters and of other folders are told as they are, without control characters', async (t) => {
  const { runs } = await importBytes(
    t,
    zipOf(deflated('../../晶圓\u001b[31m.stdf', stdf('W1')), deflated(`${'x'.repeat(400)}.stdf`, stdf('W2'))),
  );
  assert.equal(runs[0]!.fileName, 'lots.zip/../../晶圓?[31m.stdf');
  assert.equal(runs[1]!.fileName, `lots.zip/${'x'.repeat(250)}.stdf`);
});

test('a damaged file of an archive keeps its whole parts and is marked, the others are whole', async (t) => {
  const wrong = { name: 'w1.stdf', data: stdf('W1'), crc: 1 };
  const { runs } = await importBytes(t, zipOf(wrong, deflated('w2.stdf', stdf('W2'))));
  const length = stdf('W1').length;
  assert.deepEqual(
    runs.map(({ attempts, incompleteReason }) => [attempts, incompleteReason]),
    [
      [3, `the zip archive is damaged (a checksum does not match) after ${length} inflated bytes`],
      [3, ''],
    ],
  );
});

for (const [what, extra] of [
  ['sizes in its headers', {}],
  ['sizes behind its data', { descriptor: true }],
  ['sizes of 8 bytes behind its data', { descriptor: 8 }],
  ['zip64 sizes in its headers', { zip64: true }],
] as const) {
  const first = { name: 'w1.stdf', data: stdf('W1', 900), ...extra };
  const second = { name: 'w2.stdf', data: stdf('W2', 900), ...extra };
  const archive = zipOf(first, second);
  const before = archive.lastIndexOf(Buffer.from('PK\x03\x04'));
  const directory = archive.indexOf(Buffer.from('PK\x01\x02'));

  test(`an archive with ${what} whose directory is cut off gives every file, and says that it was cut`, async (t) => {
    for (const cut of [directory + 10, archive.length - 5]) {
      const { runs, leftOut } = await importBytes(t, archive.subarray(0, cut));
      assert.deepEqual(
        runs.map(({ attempts, complete }) => [attempts, complete]),
        Array(2).fill([900, true]),
      );
      assert.deepEqual(leftOut, [{ name: 'lots.zip', reason: CUT }]);
    }
  });

  test(`an archive with ${what} that is cut within a file keeps the whole parts of it`, async (t) => {
    const { runs, leftOut } = await importBytes(t, archive.subarray(0, (before + directory) >> 1));
    assert.deepEqual([runs[0]!.attempts, runs[0]!.complete], [900, true]);
    assert.ok(runs[1]!.attempts > 100 && runs[1]!.attempts < 900, `${runs[1]!.attempts} attempts`);
    assert.match(runs[1]!.incompleteReason, /^the zip archive is cut short after \d+ inflated bytes/);
    assert.deepEqual(leftOut, [{ name: 'lots.zip', reason: CUT }]);
  });

  test(`an archive with ${what} that is cut between two files keeps the first`, async (t) => {
    const { runs } = await importBytes(t, archive.subarray(0, before));
    assert.deepEqual(
      runs.map(({ attempts, complete }) => [attempts, complete]),
      [[900, true]],
    );
  });
}

test('an archive with one file cut in its header holds nothing', async (t) => {
  await assert.rejects(importBytes(t, zipOf(deflated('w1.stdf', stdf('W1'))).subarray(0, 20)), {
    code: 'invalid',
    message: `lots.zip holds no STDF file: ${CUT}`,
  });
});

test('inspecting an archive tells of each file, and of what was left out', async (t) => {
  const path = join(temporaryFolder(t), 'lots.zip');
  writeFileSync(path, zipOf(deflated('w1.stdf', stdf('W1')), stored('notes', Buffer.from('text\n'))));
  const leftOut: string[] = [];
  const found = await collect(inspectStdf(path, undefined, ({ name }) => leftOut.push(name)));
  assert.deepEqual(
    found.map(({ file, compression, parts }) => [file, compression, parts.prr]),
    [['lots.zip/w1.stdf', 'zip', 3]],
  );
  assert.deepEqual(leftOut, ['lots.zip/notes']);
});
