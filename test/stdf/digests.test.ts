import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Attempt } from '../../src/wafer/attempt.ts';
import { AttemptsDigest, PartsDigest } from '../../src/wafer/attempts-digest.ts';
import type { TestDefinition } from '../../src/wafer/program.ts';
import { ResultsBuilder } from '../../src/wafer/results-builder.ts';
import { type YieldRow, YieldTally } from '../../src/wafer/yield.ts';
import { inspectOnly } from '../support/read-stdf.ts';
import { bitsOf, inChunks, StdfRecords } from '../support/stdf-records.ts';

const sha = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

const part: Attempt = {
  index: 70,
  head: 1,
  site: 2,
  x: -3,
  y: 4,
  partId: 'p 1',
  hardBin: 5,
  softBin: 6,
  partFlags: 8,
  testCount: 9,
  testTimeMs: 1,
  startedAtUs: 1,
  sequenceSpan: 1,
  results: new ResultsBuilder().take(),
};

const tests = [
  { kind: 'PTR', number: 7, name: '10 µA Vdd' },
  { kind: 'MPR', number: 4_294_967_295, name: '' },
  { kind: 'FTR', number: 0, name: 'scan' },
] as TestDefinition[];

test('the line of a part has its fields in decimal, and nothing for what is missing', () => {
  const digest = new PartsDigest();
  digest.add(part, 0);
  digest.add({ ...part, x: null, y: null, hardBin: null, softBin: null, partId: '' }, 1);
  assert.equal(digest.hex(), sha('0\t1\t2\t-3\t4\t5\t6\t8\t9\tp 1\n1\t1\t2\t\t\t\t\t8\t9\t\n'));
});

test('part ids count as UTF-8', () => {
  const digest = new PartsDigest();
  digest.add({ ...part, partId: 'é漢' }, 0);
  assert.equal(digest.hex(), sha(Buffer.from('0\t1\t2\t-3\t4\t5\t6\t8\t9\té漢\n', 'utf8')));
});

test('the line of a result has its test, flags and values as bits', () => {
  const builder = new ResultsBuilder();
  builder.result(0, 0x80, 0);
  builder.value32(bitsOf(-0.9));
  builder.result(1, 0, 0);
  for (const bits of [0, 0x7fc0_0001, 0xffff_ffff, 0x7f80_0000, 1]) builder.value32(bits);
  builder.result(2, -1, -1);
  const digest = new AttemptsDigest();
  digest.add({ ...part, results: builder.take() }, 3, tests);
  const lines = [
    '3\t1\t2\t-3\t4\t5\t6\t8\t9\tp 1',
    'PTR\t7\t10 A Vdd\t128\tbf666666',
    'MPR\t4294967295\t\t0\t00000000,nan,nan,7f800000,00000001',
    'FTR\t0\tscan\tNone\t',
  ];
  assert.equal(digest.hex(), sha(`${lines.join('\n')}\n`));
});

test('values kept as doubles count as float32 where they are such, else as 16 digits', () => {
  const builder = new ResultsBuilder();
  builder.result(0, 0, 0);
  for (const value of [1.5, Number.NaN, -0, 0.1]) builder.value64(value);
  const digest = new AttemptsDigest();
  digest.add({ ...part, results: builder.take() }, 0, tests);
  const line = 'PTR\t7\t10 A Vdd\t0\t3fc00000,nan,80000000,3fb999999999999a\n';
  assert.equal(digest.hex(), sha(`0\t1\t2\t-3\t4\t5\t6\t8\t9\tp 1\n${line}`));
});

test('attempts of several programs go into one digest', () => {
  const builder = new ResultsBuilder();
  const attempt = () => {
    builder.result(0, 0, 0);
    return { ...part, results: builder.take() };
  };
  const digest = new AttemptsDigest();
  digest.add(attempt(), 0, [tests[0]!]);
  digest.add(attempt(), 1, [tests[2]!]);
  const beginning = '1\t2\t-3\t4\t5\t6\t8\t9\tp 1\n';
  assert.equal(digest.hex(), sha(`0\t${beginning}PTR\t7\t10 A Vdd\t0\t\n1\t${beginning}FTR\t0\tscan\t0\t\n`));
});

test('the results of a file count in file order, those of no part included', async () => {
  const records = new StdfRecords();
  const bytes = Buffer.concat([
    records.far(),
    records.pir(1, 1),
    records.ptr({ number: 3, site: 9, bits: 5, flags: 0x40 }),
    records.mpr({ number: 4, values: [6, 0x7fff_ffff] }),
    records.record(15, 10, records.u4(8)),
    records.prr(),
  ]);
  const { digests, parts } = await inspectOnly(inChunks(bytes));
  const lines = ['PTR\t3\t1\t9\t64\t00000005', 'MPR\t4\t1\t1\t0\t00000006,nan', 'PTR\t8\tNone\tNone\tNone\t'];
  assert.equal(digests.results_sha256, sha(`${lines.join('\n')}\n`));
  assert.equal(parts.results_without_part, 2);
});

const [pass, fail, unknown] = [0, 8, 16];

function yields(...rows: (Partial<YieldRow> & { readonly wafer?: number | null })[]) {
  const tally = new YieldTally();
  for (const { wafer = 0, ...row } of rows)
    tally.add({ x: 1, y: 1, partId: '', partFlags: pass, ...row }, wafer);
  const { raw_all_prr, first_per_xy, last_per_xy, supersede_flags_only } = tally.rules();
  return [raw_all_prr, first_per_xy, last_per_xy, supersede_flags_only].map(({ parts, pass, fail }) => [
    parts,
    pass,
    fail,
  ]);
}

test('the first or the last attempt at a place of a wafer counts', () => {
  const found = yields(
    { partFlags: fail },
    { x: 2, partFlags: pass },
    { partFlags: pass },
    { wafer: 1, partFlags: fail },
  );
  assert.deepEqual(found.slice(0, 3), [
    [4, 2, 2],
    [3, 1, 2],
    [3, 2, 1],
  ]);
});

test('attempts without coordinates all count', () => {
  const found = yields({ x: null, y: null, partFlags: fail }, { x: null, y: null });
  assert.deepEqual(found, [
    [2, 1, 1],
    [2, 1, 1],
    [2, 1, 1],
    [2, 1, 1],
  ]);
});

test('parts that say neither pass nor fail are counted, but not judged', () => {
  const tally = new YieldTally();
  tally.add({ x: 1, y: 1, partId: '', partFlags: unknown }, null);
  assert.deepEqual(tally.rules().last_per_xy, { parts: 1, pass: 0, fail: 0, yield: null });
  tally.add({ x: 2, y: 1, partId: '', partFlags: pass }, null);
  assert.deepEqual(tally.rules().last_per_xy, { parts: 2, pass: 1, fail: 0, yield: 1 });
});

test('a supersede flag ends the earlier attempts of its id or place, and of its wafer only', () => {
  const last = (...rows: Parameters<typeof yields>) => yields(...rows)[3];
  assert.deepEqual(last({ partFlags: fail }, { partFlags: pass | 2 }), [1, 1, 0]);
  assert.deepEqual(last({ partFlags: fail }, { partFlags: pass | 2, wafer: 1 }), [2, 1, 1]);
  assert.deepEqual(
    last({ partId: 'a', partFlags: fail }, { partId: 'a', x: 9, partFlags: pass | 1 }),
    [1, 1, 0],
  );
  assert.deepEqual(last({ partFlags: fail }, { partFlags: pass | 1 }), [2, 1, 1]);
  assert.deepEqual(last({ partId: 'a' }, { partId: 'a', partFlags: fail | 3 }, { partFlags: 2 }), [1, 1, 0]);
});

test('the yields by each rule are those of a plain selection', () => {
  const row = fc.record({
    x: fc.constantFrom(null, 0, 1),
    partId: fc.constantFrom('', 'a', 'b'),
    partFlags: fc.constantFrom(0, 8, 16, 1, 2, 9, 10, 11, 3),
    wafer: fc.constantFrom(null, 0, 1),
  });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), (cases) => {
      const rows = cases.map((each) => ({ ...each, y: each.x === null ? null : 5 }));
      assert.deepEqual(yields(...rows), select(rows));
    }),
  );
});

type Row = YieldRow & { readonly wafer: number | null };

/** The four rules said again, slowly. */
function select(rows: readonly Row[]) {
  const samePlace = (a: Row, b: Row) => a.x !== null && a.x === b.x && a.y === b.y && a.wafer === b.wafer;
  const sameId = (a: Row, b: Row) => a.partId !== '' && a.partId === b.partId && a.wafer === b.wafer;
  const first = rows.filter((row, i) => !rows.slice(0, i).some((other) => samePlace(row, other)));
  const last = rows.filter((row, i) => !rows.slice(i + 1).some((other) => samePlace(row, other)));
  const alive = rows.filter(
    (row, i) =>
      !rows
        .slice(i + 1)
        .some((o) => (o.partFlags & 1 && sameId(row, o)) || (o.partFlags & 2 && samePlace(row, o))),
  );
  return [rows, first, last, alive].map((kept) => {
    const judged = kept.filter(({ partFlags }) => !(partFlags & 16));
    const passed = judged.filter(({ partFlags }) => !(partFlags & 8)).length;
    return [kept.length, passed, judged.length - passed];
  });
}
