import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { AS_IN_THE_FIELD } from '../../src/generator/dirt.ts';
import type { LotModel } from '../../src/generator/model.ts';
import { lotOf, written } from './lots.ts';
import { type Truth, truthOf, whyNoTruth } from './truth-tool.ts';

const skip = whyNoTruth();

function assertReadsAs(read: Truth, digests: object, yields: object): void {
  assert.deepEqual(read.decode_errors, {});
  assert.deepEqual(read.unknown_records, {});
  assert.deepEqual(read.records_with_trailing_bytes, {});
  assert.deepEqual(read.digests, digests);
  assert.deepEqual(read.yield, yields);
}

test('an independent reader finds in demo lots, in both byte orders, what the model says', { skip }, () => {
  const lots = [demoLot({ number: 1 }), demoLot({ number: 1, byteOrder: 'big' }), demoLot({ number: 2 })];
  const [little, big, second] = truthOf(lots.map((lot) => lot.stdf));
  assertReadsAs(little!, lots[0]!.digests, lots[0]!.yield);
  assertReadsAs(big!, lots[0]!.digests, lots[0]!.yield);
  assertReadsAs(second!, lots[2]!.digests, lots[2]!.yield);
  assert.deepEqual([little!.far.endian, big!.far.endian], ['little', 'big']);
  assert.ok(little!.far.endian_matches_cpu && big!.far.endian_matches_cpu);
  assert.deepEqual(
    little!.wafers.map((wafer) => wafer.wafer_id),
    lots[0]!.wafers,
  );
  assert.equal(little!.parts.prr, lots[0]!.attempts);
});

test('an independent reader finds the lot, the times and the definitions of all tests', { skip }, () => {
  const lot = lotOf({ tests: 60, dies: 40, mprShare: 0.05, ftrShare: 0.05, startedAt: 1_800_000_000 });
  const [read] = truthOf([written(lot).bytes]);
  const { names } = lot.parameters;
  assert.equal(read!.mir.START_T, 1_800_000_000);
  assert.equal(read!.mir.LOT_ID, 'LOT');
  assert.deepEqual(
    [read!.mir.PART_TYP, read!.mir.JOB_NAM, read!.mir.JOB_REV, read!.mir.TEST_COD, read!.mir.NODE_NAM],
    [names.product, names.jobName, names.jobRevision, names.insertion, names.equipment],
  );
  const byName = new Map(read!.tests.map((each) => [Buffer.from(each.name, 'latin1').toString(), each]));
  assert.equal(byName.size, lot.tests.length);
  for (const { kind, number, name, units, scale, limits, spec } of lot.tests) {
    const { rec, num, ...found } = byName.get(name)!;
    assert.deepEqual([rec, num], [kind, number]);
    if (kind === 'FTR') continue;
    assert.equal(Buffer.from(found.units ?? '', 'latin1').toString(), units);
    assert.deepEqual([found.lo_limit, found.hi_limit, found.lo_spec], [limits.low, limits.high, spec.low]);
    assert.equal(found.res_scal, scale);
  }
});

/** Lots that each have much of something that files may have. */
const UNUSUAL: Readonly<Record<string, LotModel>> = {
  'many MPR of an odd number of pins': lotOf({ mprShare: 0.4, mprPins: 7, oddFlags: 0.1, seed: 2 }),
  'one-pin MPR and functional tests alone': lotOf({
    mprShare: 0.5,
    mprPins: 1,
    ftrShare: 0.5,
    oddFlags: 0.1,
  }),
  'NaN and infinite values': lotOf({ nonFinite: 0.05, stopOnFail: false }),
  'tests executed twice, numbers shared, all tests on all dies': lotOf({
    repeatedTests: 0.5,
    sharedNumbers: 0.7,
    stopOnFail: false,
  }),
  'retests marked by part id': lotOf({ retestMarks: 'part-id', dies: 200, wafers: 2 }),
  'retests marked by coordinates, axes turned': lotOf({
    retestMarks: 'coordinates',
    dies: 200,
    quarterTurns: 3,
  }),
  'aborted and unlogged parts': lotOf({
    dirt: { ...AS_IN_THE_FIELD, cutFiles: 0, abortedParts: 0.2, unloggedParts: 0.3 },
  }),
  'wafers without WRR or id': lotOf({
    wafers: 3,
    dirt: { ...AS_IN_THE_FIELD, cutFiles: 0, missingWrr: 1, emptyWaferId: 1 },
  }),
  'limits that change': lotOf({ wafers: 2, dirt: { ...AS_IN_THE_FIELD, cutFiles: 0, limitChanges: 1 } }),
  'one site and one test': lotOf({ sites: 1, tests: 1 }),
  'more sites than dies': lotOf({ sites: 255, dies: 9 }),
};

test('an independent reader finds in unusual files what the model says', { skip }, () => {
  const files = Object.values(UNUSUAL).map((lot, i) =>
    written(lot, 'lot', { byteOrder: i % 2 ? 'big' : 'little', names: i % 3 ? 'first' : 'all' }),
  );
  const reads = truthOf(files.map((file) => file.bytes));
  for (const [i, name] of Object.keys(UNUSUAL).entries()) {
    assert.equal(reads[i]!.truncated, null, name);
    assertReadsAs(reads[i]!, files[i]!.truth.digests, files[i]!.truth.yield);
  }
  const read = (name: string): Truth => reads[Object.keys(UNUSUAL).indexOf(name)]!;
  assert.deepEqual(read('wafers without WRR or id').records.WRR, undefined);
  assert.deepEqual(
    read('wafers without WRR or id').wafers.map((wafer) => wafer.wafer_id),
    [null, null, null],
  );
  assert.ok(read('limits that change').tests_with_limit_overrides > 5);
  assert.ok(Number(read('aborted and unlogged parts').parts.without_any_result) > 5);
  assert.ok(Number(read('aborted and unlogged parts').parts.abnormal_end) > 5);
});

test('an independent reader finds in cut files every complete part', { skip }, () => {
  const cut = { ...AS_IN_THE_FIELD, cutFiles: 1 };
  const files = [1, 2, 3, 4, 5, 6].map((seed) =>
    written(lotOf({ seed, wafers: 2, dirt: cut, mprShare: 0.1, ftrShare: 0.1 })),
  );
  const reads = truthOf(files.map((file) => file.bytes));
  for (const [i, read] of reads.entries()) {
    assert.ok(read.truncated, 'the cut is seen');
    assertReadsAs(read, files[i]!.truth.digests, files[i]!.truth.yield);
  }
});
