import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { WafersyncError } from '../../src/errors.ts';
import { type ImportOptions, importStdf } from '../../src/ingest/stdf/import.ts';
import {
  MAX_BATCH_ATTEMPTS,
  MAX_BATCH_BYTES,
  MAX_BATCH_RESULTS,
} from '../../src/ingest/stdf/wafer-batches.ts';
import { AttemptsDigest } from '../../src/wafer/attempts-digest.ts';
import { fileRunId, unnamedWaferId } from '../../src/wafer/run.ts';
import { formatWafer } from '../../src/wafer/wafer-key.ts';
import { MemoryIntake, type Refusal } from '../support/memory-intake.ts';
import { exact, readOnly, readStdf } from '../support/read-stdf.ts';
import { inChunks, StdfRecords } from '../support/stdf-records.ts';
import { readableSamples } from '../support/stdf-samples.ts';

const folder = mkdtempSync(join(tmpdir(), 'wafersync-import-'));
after(() => rmSync(folder, { recursive: true }));

const records = new StdfRecords();
/** MIR texts: LOT_ID, PART_TYP, NODE_NAM, TSTR_TYP, JOB_NAM, JOB_REV, six more, then TEST_COD as the eleventh, FLOW_ID as the 24th. */
const mir = (lot: string, testCode = '', flow = ''): Buffer => {
  const texts = [
    lot,
    'product',
    'tester',
    '',
    'job',
    'r1',
    '',
    '',
    '',
    '',
    testCode,
    ...Array<string>(12).fill(''),
    flow,
  ];
  return records.mir(1_700_000_000, 1_600_000_000, ...texts);
};
const touchdown = (id: string, results = 2): Buffer =>
  Buffer.concat([
    records.pir(),
    ...Array.from({ length: results }, (_, i) => records.ptr({ number: i, name: `test ${i}`, bits: i })),
    records.prr({ id }),
  ]);
const wafer = (id: string, ...parts: Buffer[]): Buffer =>
  Buffer.concat([records.wir(1, id), ...parts, records.wrr(1, id)]);
const file = (...parts: Buffer[]): Buffer => Buffer.concat([records.far(), ...parts]);

let files = 0;
async function importBytes(bytes: Buffer, options: Partial<ImportOptions> & { intake?: MemoryIntake } = {}) {
  const path = join(folder, `${files++}.stdf`);
  writeFileSync(path, bytes);
  const intake = options.intake ?? new MemoryIntake();
  const { runs } = await importStdf(path, { fileName: 'lot.stdf', timeZone: 'UTC', ...options, intake });
  const summary = runs[0]!;
  return { summary, intake, record: intake.closed.at(-1)!.record, run: intake.closed.at(-1)!.run };
}

test('a file is handed in wafer by wafer under its lot, insertion and run, and its run is closed at last', async () => {
  const bytes = file(
    mir('LOT 1 ', 'E38', 'flow'),
    wafer('W1', touchdown('a'), touchdown('b')),
    wafer('W2', touchdown('c')),
    records.mrr(),
  );
  const { summary, intake, record, run } = await importBytes(bytes);
  const contentDigest = createHash('sha256').update(bytes).digest('hex');
  assert.equal(summary.runId, fileRunId(contentDigest, 'LOT 1 '));
  assert.deepEqual(summary.wafers.map(formatWafer), ['LOT 1 /W1/E38', 'LOT 1 /W2/E38']);
  assert.deepEqual(
    intake.batches.map(({ wafer, attempts }) => [wafer.waferId, attempts.map(({ partId }) => partId)]),
    [
      ['W1', ['a', 'b']],
      ['W2', ['c']],
    ],
  );
  const { runId: _, wafers: __, fileName: ___, ...counts } = summary;
  assert.deepEqual(counts, {
    attempts: 3,
    results: 6,
    added: 3,
    complete: true,
    incompleteReason: '',
    orphanResults: 0,
  });
  assert.deepEqual(run, { id: summary.runId, startedAtUs: 1_700_000_000_000_000 });
  assert.deepEqual(record, {
    source: 'file',
    lot: 'LOT 1 ',
    attempts: 3,
    results: 6,
    complete: true,
    incompleteReason: '',
    orphanResults: 0,
    final: false,
    fileName: 'lot.stdf',
    contentDigest,
    equipmentId: 'tester',
    streamId: '',
    product: 'product',
    jobName: 'job',
    jobRevision: 'r1',
    records: [
      ['FAR', 1],
      ['MIR', 1],
      ['MRR', 1],
      ['PIR', 3],
      ['PRR', 3],
      ['PTR', 6],
      ['WIR', 2],
      ['WRR', 2],
    ],
  });
  for (const { program, run: each } of intake.batches) {
    assert.deepEqual(each, run);
    assert.deepEqual(
      program.tests.map(({ number, name }) => [number, name]),
      [
        [0, 'test 0'],
        [1, 'test 1'],
      ],
    );
  }
});

test('the same file again adds nothing, plain or compressed', async () => {
  const bytes = file(mir('L'), wafer('W', touchdown('a'), touchdown('b')), records.mrr());
  const { summary, intake } = await importBytes(bytes);
  const again = await importBytes(gzipSync(bytes), { intake, fileName: 'other.gz' });
  assert.equal(again.summary.runId, summary.runId);
  assert.deepEqual([again.summary.added, again.summary.attempts, intake.attempts.length], [0, 2, 2]);
});

test('another lot for the same bytes is another run', async () => {
  const bytes = file(mir('L'), touchdown('a'), records.mrr());
  const { summary } = await importBytes(bytes);
  const { summary: other, record } = await importBytes(bytes, { lot: 'by hand' });
  assert.notEqual(other.runId, summary.runId);
  assert.equal(record.lot, 'by hand');
  assert.equal(other.wafers[0]?.lot, 'by hand');
});

test('the insertion is TEST_COD, else FLOW_ID, else empty', async () => {
  for (const [testCode, flow, insertion] of [
    ['T', 'F', 'T'],
    ['', 'F', 'F'],
    [' ', 'F', 'F'],
    ['', ' ', ''],
  ] as const) {
    const { summary } = await importBytes(file(mir('L', testCode, flow), touchdown('a')));
    assert.equal(summary.wafers[0]?.insertion, insertion);
  }
});

test('a wafer without an id has a stable one of its own', async () => {
  const { summary } = await importBytes(
    file(wafer('', touchdown('a')), wafer(' ', touchdown('b')), wafer('W', touchdown('c')), touchdown('d')),
  );
  const run = summary.runId;
  const ids = [unnamedWaferId(run, 0), unnamedWaferId(run, 1), 'W', unnamedWaferId(run, 3)];
  assert.deepEqual(
    summary.wafers.map(({ waferId }) => waferId),
    ids,
  );
  const { summary: final } = await importBytes(file(touchdown('a')));
  assert.deepEqual(
    final.wafers.map(({ waferId }) => waferId),
    [unnamedWaferId(final.runId, 0)],
  );
});

test('the run starts by MIR in the time zone of the fab, else by the first WIR, else at 0', async () => {
  const start = async (...parts: Buffer[]) =>
    (await importBytes(file(...parts, touchdown('a')), { timeZone: 'Asia/Taipei' })).run.startedAtUs;
  const eightHours = 8 * 3600;
  assert.equal(await start(records.mir(1_000_000, 900_000)), (1_000_000 - eightHours) * 1e6);
  assert.equal(await start(records.mir(0, 900_000)), (900_000 - eightHours) * 1e6);
  assert.equal(await start(records.wir(1, 'A'), records.wir(1, 'B', 800_000)), (800_000 - eightHours) * 1e6);
  assert.equal(await start(), 0);
});

test('a run keeps the start under which it is known', async () => {
  const intake = new MemoryIntake();
  intake.knownStartUs = 77;
  assert.equal((await importBytes(file(mir('L'), touchdown('a')), { intake })).run.startedAtUs, 77);
});

test('a cut file keeps its complete parts and says where it was cut', async () => {
  const bytes = file(mir('L'), wafer('W', touchdown('a'), touchdown('b'))).subarray(0, -40);
  const { summary, record } = await importBytes(bytes);
  assert.equal(summary.attempts, 1);
  assert.equal(summary.complete, false);
  const at = bytes.lastIndexOf(records.prr({ id: 'b' }).subarray(0, 4));
  const reason = `cut inside a PRR record at byte ${at} of ${bytes.length}; 1 part had not ended (2 results)`;
  assert.equal(summary.incompleteReason, reason);
  assert.deepEqual([record.complete, record.incompleteReason], [false, reason]);
});

test('a file cut in a header, one without MRR, and a cut gzip stream are incomplete and say so', async () => {
  const bytes = file(mir('L'), touchdown('a'));
  const reason = async (of: Buffer) => (await importBytes(of)).summary.incompleteReason;
  assert.equal(await reason(bytes), 'the file ends without an MRR record');
  assert.match(
    await reason(Buffer.concat([bytes, Buffer.of(1, 0, 5)])),
    /^cut inside a record header at byte \d+ of \d+$/,
  );
  const whole = Buffer.concat([bytes, records.mrr()]);
  assert.equal(
    await reason(gzipSync(whole).subarray(0, -3)),
    `the gzip stream is cut short after ${whole.length} inflated bytes`,
  );
  assert.equal(await reason(whole), '');
});

test('a file without parts is an empty run that reports its orphan results', async () => {
  const { summary, intake } = await importBytes(
    file(mir('L'), records.ptr(), records.ftr({}), records.mrr()),
  );
  assert.deepEqual(
    [summary.attempts, summary.orphanResults, summary.wafers, summary.complete],
    [0, 2, [], true],
  );
  assert.equal(intake.batches.length, 0);
  assert.equal(intake.closed.length, 1);
});

test('batches are of one wafer, bounded, in order of index, and give back the file', async () => {
  const heads = [1, 2].map((head) => records.wir(head, `W${head}`));
  const parts = Array.from({ length: 1200 }, (_, i) => {
    const head = 1 + (i % 2);
    return Buffer.concat([
      records.pir(head),
      ...Array.from({ length: 30 }, (_, n) => records.ptr({ head, bits: i * 100 + n })),
      records.prr({ head, id: `${i}` }),
    ]);
  });
  const bytes = file(...heads, ...parts, records.mrr());
  const { intake, summary } = await importBytes(bytes);
  assert.equal(summary.added, 1200);
  assert.deepEqual(exact(intake.attempts), exact((await readStdf(bytes)).attempts));
  for (const { attempts, wafer } of intake.batches) {
    assert.ok(attempts.length <= MAX_BATCH_ATTEMPTS);
    const results = attempts.map((attempt) => attempt.results.length).reduce((sum, count) => sum + count);
    assert.ok(results < MAX_BATCH_RESULTS + 30);
    assert.ok(
      attempts.every(
        ({ head, index }, i) => wafer.waferId === `W${head}` && index > (attempts[i - 1]?.index ?? -1),
      ),
    );
  }
  assert.ok(intake.batches.length <= 6, 'wafers that alternate still fill their batches');
});

test('few writes are under way at once, and none when the run is closed', async () => {
  const bytes = file(...Array.from({ length: 20 }, (_, i) => wafer(`W${i}`, touchdown('a'))), records.mrr());
  const { intake } = await importBytes(bytes);
  assert.equal(intake.batches.length, 20);
  assert.equal(intake.mostInFlight, 4);
  assert.equal(intake.inFlightAtClose, 0);
});

test('an attempt that is too large goes alone, and does not lose the others', async () => {
  const values = Array<number>(16_000).fill(1);
  const perRecord = 4 + 5 * values.length;
  const large = [
    records.pir(),
    ...Array<Buffer>(Math.ceil(MAX_BATCH_BYTES / perRecord) + 1).fill(records.mpr({ values })),
    records.prr({ id: 'large' }),
  ];
  const refuse: Refusal = ({ attempts }) =>
    attempts.some(({ partId }) => partId === 'large') ? new WafersyncError('invalid', 'too large') : null;
  const { intake, summary, record } = await importBytes(
    file(touchdown('a'), touchdown('b'), ...large, touchdown('c'), records.mrr()),
    { intake: new MemoryIntake(refuse) },
  );
  assert.deepEqual(
    intake.batches.map(({ attempts }) => attempts.map(({ partId }) => partId)),
    [['a', 'b'], ['c']],
  );
  assert.deepEqual([summary.attempts, summary.results, record.attempts], [3, 6, 3]);
  assert.equal(summary.incompleteReason, 'left out 1 attempt: too large');
});

test('a refused batch is split until what is refused stands alone', async () => {
  const refuse: Refusal = ({ attempts }) =>
    attempts.some(({ index }) => index % 10 === 3) ? new WafersyncError('invalid', 'no threes') : null;
  const parts = Array.from({ length: 30 }, (_, i) => touchdown(`${i}`));
  const { intake, summary } = await importBytes(file(...parts, records.mrr()), {
    intake: new MemoryIntake(refuse),
  });
  assert.deepEqual(
    intake.attempts.map(({ index }) => index),
    [...Array(30).keys()].filter((index) => index % 10 !== 3),
  );
  assert.equal(summary.incompleteReason, 'left out 3 attempts: no threes');
});

test('many refusals are borne once anything has been taken', async () => {
  const refuse: Refusal = ({ attempts }) =>
    attempts.some(({ index }) => index > 0) ? new WafersyncError('invalid', 'only the first') : null;
  const parts = Array.from({ length: 250 }, () => records.prr());
  const { summary } = await importBytes(file(...parts, records.mrr()), { intake: new MemoryIntake(refuse) });
  assert.deepEqual([summary.attempts, summary.added], [1, 1]);
  assert.equal(summary.incompleteReason, 'left out 249 attempts: only the first');
});

test('when nothing at all is taken, the refusal is the error, and is not repeated for every attempt', async () => {
  let calls = 0;
  const refuse: Refusal = () => {
    calls++;
    return new WafersyncError('invalid', 'no such fab');
  };
  const few = file(touchdown('a'), records.mrr());
  await assert.rejects(importBytes(few, { intake: new MemoryIntake(refuse) }), {
    code: 'invalid',
    message: /no such fab/,
  });
  calls = 0;
  const many = file(...Array.from({ length: 3000 }, () => records.prr()), records.mrr());
  await assert.rejects(importBytes(many, { intake: new MemoryIntake(refuse) }), {
    code: 'invalid',
    message: /no such fab/,
  });
  assert.ok(calls < 3000);
});

test('an intake that fails stops the reading, and the run is not closed', async () => {
  const intake = new MemoryIntake((_, number) =>
    number === 5 ? new WafersyncError('exhausted', 'the disk is full') : null,
  );
  const bytes = file(...Array.from({ length: 200 }, (_, i) => wafer(`W${i}`, touchdown('a'))), records.mrr());
  await assert.rejects(importBytes(bytes, { intake }), { code: 'exhausted', message: 'the disk is full' });
  assert.ok(intake.batches.length < 20);
  assert.equal(intake.closed.length, 0);
});

test('a failure of the last batch fails the import', async () => {
  const intake = new MemoryIntake(() => new WafersyncError('exhausted', 'the disk is full'));
  const bytes = file(touchdown('a'), records.mrr());
  await assert.rejects(importBytes(bytes, { intake }), { code: 'exhausted' });
  assert.equal(intake.closed.length, 0);
});

test('an import that fails leaves no write under way', async () => {
  const intake = new MemoryIntake((_, number) =>
    number === 1 ? new WafersyncError('exhausted', 'full') : null,
  );
  const bytes = file(...Array.from({ length: 50 }, (_, i) => wafer(`W${i}`, touchdown('a'))), records.mrr());
  await assert.rejects(importBytes(bytes, { intake }), { code: 'exhausted' });
  assert.equal(intake.inFlight, 0);
});

test('a cancelled import stops, and says so', async () => {
  const controller = new AbortController();
  controller.abort();
  const bytes = file(touchdown('a'), records.mrr());
  await assert.rejects(importBytes(bytes, { signal: controller.signal }), { code: 'cancelled' });
});

test('a file that changed between the two passes is told', async () => {
  const { scan } = await readStdf(file(touchdown('a')));
  const other = readOnly(inChunks(file(touchdown('a'), touchdown('b'))), scan, 'lot.stdf');
  await assert.rejects(other, { code: 'precondition', message: /lot\.stdf changed/ });
});

test('what is no STDF is handed in nowhere', async () => {
  const intake = new MemoryIntake();
  await assert.rejects(importBytes(Buffer.from('lot,x,y\n'), { intake }), {
    code: 'invalid',
    message: /^lot\.stdf is not STDF/,
  });
  assert.equal(intake.closed.length, 0);
});

for (const { name, path, truth } of readableSamples()) {
  test(`importing ${name} hands in every attempt and result of its truth`, async () => {
    const intake = new MemoryIntake();
    const { runs } = await importStdf(path, { fileName: name, timeZone: 'Asia/Taipei', intake });
    const summary = runs[0]!;
    const digest = new AttemptsDigest();
    const tests = intake.batches[0]?.program.tests ?? [];
    intake.attempts.forEach((attempt, i) => {
      digest.add(attempt, i, tests);
    });
    assert.equal(digest.hex(), truth.digests.attempts_sha256);
    assert.equal(summary.added, truth.parts.prr);
    assert.equal(summary.orphanResults, truth.parts.results_without_part);
    assert.equal(summary.complete, 'MRR' in truth.records && truth.truncated === null);
  });
}
