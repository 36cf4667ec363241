import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type ImportedFile, importStdf } from '../../src/ingest/stdf/import.ts';
import { inspectStdf } from '../../src/ingest/stdf/inspect.ts';
import { MAX_STREAMS } from '../../src/ingest/stdf/scan-member.ts';
import { splitStreams } from '../../src/ingest/stdf/split-streams.ts';
import { MemoryIntake } from '../support/memory-intake.ts';
import { collect } from '../support/read-stdf.ts';
import { inChunks, StdfRecords } from '../support/stdf-records.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const little = new StdfRecords();
const big = new StdfRecords(true);

function stdf(records: StdfRecords, wafer: string, parts = 2, ...tail: Buffer[]): Buffer {
  const touchdowns = Array.from({ length: parts }, (_, i) =>
    Buffer.concat([records.pir(), records.ptr({ bits: i, name: 'test' }), records.prr({ id: `${i}` })]),
  );
  const mir = records.mir(1_700_000_000, 1_600_000_000, 'LOT');
  return Buffer.concat([records.far(), mir, records.wir(1, wafer), ...touchdowns, ...tail]);
}

async function split(bytes: Buffer, sizes?: readonly number[]): Promise<Buffer[]> {
  const streams: Buffer[] = [];
  for await (const chunks of splitStreams(inChunks(bytes, sizes))) {
    streams.push(Buffer.concat(await collect(chunks)));
  }
  return streams;
}

async function importBytes(
  t: TestContext,
  bytes: Buffer,
  intake = new MemoryIntake(),
): Promise<ImportedFile> {
  const path = join(temporaryFolder(t), 'upload');
  writeFileSync(path, bytes);
  return importStdf(path, { fileName: 'lot.stdf', timeZone: 'UTC', intake });
}

const whole = stdf(little, 'W1', 3, little.wrr(1, 'W1'), little.mrr());
const withoutMrr = stdf(big, 'W2');
const behindMrr = stdf(little, 'W3', 1, little.mrr(), little.ptr(), little.prr());

test('streams are told apart whatever they are and however they come', async () => {
  const streams = [whole, withoutMrr, behindMrr, little.far(), big.far(), whole];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...streams), { minLength: 1, maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 6 }),
      async (given, sizes) => {
        assert.deepEqual(await split(Buffer.concat(given), sizes), given);
      },
    ),
    { numRuns: 150 },
  );
});

test('two streams are told apart wherever a chunk ends', async () => {
  const both = Buffer.concat([withoutMrr, whole]);
  for (let at = 1; at < both.length; at++) {
    assert.deepEqual(await split(both, [at, both.length]), [withoutMrr, whole], `chunk of ${at}`);
  }
});

test('a FAR within a record begins nothing, nor does a record that is like one', async () => {
  const inText = stdf(little, 'W', 1, little.ptr({ name: little.far() }), little.mrr());
  const longer = stdf(little, 'W', 1, little.record(0, 10, Buffer.of(2, 4, 0, 0)), little.mrr());
  for (const bytes of [inText, longer]) assert.deepEqual(await split(bytes, [7]), [bytes]);
});

test('what is no STDF, and what is empty, is one stream', async () => {
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from('lot'),
    Buffer.concat([Buffer.from('x,y\n1,2\n'), whole]),
  ]) {
    assert.deepEqual(await split(bytes, [3]), [bytes]);
  }
});

test('a stream that its reader leaves early is passed by', async () => {
  const begins: Buffer[] = [];
  for await (const chunks of splitStreams(inChunks(Buffer.concat([whole, withoutMrr, whole]), [50]))) {
    for await (const chunk of chunks) {
      begins.push(chunk.subarray(0, 6));
      break;
    }
  }
  assert.deepEqual(begins, [little.far(), big.far(), little.far()]);
});

test('each stream is a run, the same as if it had been handed in alone', async (t) => {
  const parts = [whole, withoutMrr, behindMrr];
  for (const bytes of [Buffer.concat(parts), gzipSync(Buffer.concat(parts))]) {
    const { runs, leftOut } = await importBytes(t, bytes);
    assert.deepEqual(leftOut, []);
    assert.deepEqual(
      runs.map(({ fileName, attempts, wafers, incompleteReason }) => [
        fileName,
        attempts,
        wafers[0]!.waferId,
        incompleteReason,
      ]),
      [
        ['lot.stdf', 3, 'W1', ''],
        ['lot.stdf#2', 2, 'W2', 'the file ends without an MRR record'],
        ['lot.stdf#3', 2, 'W3', ''],
      ],
    );
    for (const [i, part] of parts.entries()) {
      assert.equal((await importBytes(t, part)).runs[0]!.runId, runs[i]!.runId);
    }
  }
});

test('parts that were handed in alone before add nothing', async (t) => {
  const intake = new MemoryIntake();
  await importBytes(t, withoutMrr, intake);
  const { runs } = await importBytes(t, Buffer.concat([whole, withoutMrr]), intake);
  assert.deepEqual(
    runs.map(({ added }) => added),
    [3, 0],
  );
});

test('a cut file is cut in its last stream, and damage is told where it is in that stream', async (t) => {
  const cut = await importBytes(t, Buffer.concat([whole, whole.subarray(0, -1)]));
  assert.deepEqual(
    cut.runs.map(({ incompleteReason }) => incompleteReason),
    ['', `cut inside a MRR record at byte ${whole.length - 8} of ${whole.length - 1}`],
  );
  const gzip = gzipSync(Buffer.concat([whole, whole])).subarray(0, -3);
  assert.deepEqual(
    (await importBytes(t, gzip)).runs.map(({ incompleteReason }) => incompleteReason),
    ['', `the gzip stream is cut short after ${whole.length} inflated bytes`],
  );
});

test('a file of too many streams is refused before anything is taken', async (t) => {
  const intake = new MemoryIntake();
  const many = Buffer.concat(Array<Buffer>(MAX_STREAMS + 1).fill(little.far()));
  await assert.rejects(importBytes(t, many, intake), {
    code: 'invalid',
    message: `lot.stdf has more than ${MAX_STREAMS} STDF streams`,
  });
  assert.equal(intake.closed.length, 0);
});

test('streams with programs of their own are bounded together, those with one program are not', async (t) => {
  const tests = (from: number): Buffer =>
    Buffer.concat([
      little.far(),
      ...Array.from({ length: 60_000 }, (_, i) => little.ptr({ number: from + i })),
    ]);
  const same = await importBytes(t, Buffer.concat(Array<Buffer>(6).fill(tests(1))));
  assert.equal(same.runs.length, 6);
  const other = Buffer.concat(Array.from({ length: 6 }, (_, i) => tests(100_000 * i)));
  await assert.rejects(importBytes(t, other), { code: 'invalid', message: /more than 262140 tests/ });
});

test('inspecting a file tells of each of its streams', async () => {
  const found = await collect(inspectStdf(inChunks(Buffer.concat([whole, behindMrr]), [64]), 'lot.stdf'));
  assert.deepEqual(
    found.map(({ file, uncompressed_bytes, records_after_mrr }) => [
      file,
      uncompressed_bytes,
      records_after_mrr,
    ]),
    [
      ['lot.stdf', whole.length, 0],
      ['lot.stdf#2', behindMrr.length, 2],
    ],
  );
});
