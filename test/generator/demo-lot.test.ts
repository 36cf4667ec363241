import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { lotFiles } from '../../src/generator/lot-files.ts';
import { makeLot } from '../../src/generator/model.ts';
import { fileTruth } from '../../src/generator/model-digest.ts';
import { lotParameters } from '../../src/generator/parameters.ts';
import { PRESETS } from '../../src/generator/presets.ts';
import { touchdowns } from '../../src/generator/touchdowns.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const GOLDEN = {
  attempts: 645,
  results: 35720,
  bytes: 631210,
  attempts_sha256: '390bdc3067e614a757d97c19cbb5d8d2297b24864eb16e83db873d28209ecad2',
  parts_sha256: '3757e0721cd7805b558ebf858e56938fc3339acdd5114c306606d58b44d5d52a',
  results_sha256: '2c4b59a3775d9c40cd938e4ef5697b1b8af440afa50b5a33ca08153030067888',
};
const GOLDEN_FILE = '788ffd2ca4839e42759bf375ae241db9a1d1fc3e481c2983c5ca568787ccb4f5';

test('demo lot 1 is the same on every machine', () => {
  const demo = demoLot({ number: 1 });
  assert.deepEqual(
    { attempts: demo.attempts, results: demo.results, bytes: demo.stdf.length, ...demo.digests },
    GOLDEN,
  );
  assert.equal(sha256(demo.stdf), GOLDEN_FILE);
});

test('demo lots are named, numbered and dated as asked', () => {
  const demo = demoLot({ number: 12, wafers: 3, startedAt: 1_800_000_000, parameters: { dies: 20 } });
  assert.equal(demo.lot, 'DEMO-012');
  assert.equal(demo.fileName, 'DEMO-012.stdf');
  assert.equal(demo.insertion, 'WS1');
  assert.deepEqual(demo.wafers, ['DEMO-012-01', 'DEMO-012-02', 'DEMO-012-03']);
  assert.throws(() => demoLot({ number: 0 }), { code: 'invalid' });
});

test('a start time changes the file and not the measurements', () => {
  const early = demoLot({ number: 1, startedAt: 1_700_000_000 });
  const late = demoLot({ number: 1, startedAt: 1_800_000_000 });
  assert.deepEqual(early.digests, late.digests);
  assert.notEqual(sha256(early.stdf), sha256(late.stdf));
});

test('the same seed gives the same bytes, another seed others', () => {
  const small = { dies: 40, tests: 20 };
  const bySeed = (seed: number): string => sha256(demoLot({ number: 1, seed, parameters: small }).stdf);
  const digests = new Set<string>();
  for (let seed = -5; seed < 20; seed++) {
    assert.equal(bySeed(seed), bySeed(seed));
    digests.add(demoLot({ number: 1, seed, parameters: small }).digests.results_sha256);
  }
  assert.equal(digests.size, 25);
});

test('both byte orders hold the same, in files of the same size', () => {
  const little = demoLot({ number: 3 });
  const big = demoLot({ number: 3, byteOrder: 'big' });
  assert.deepEqual(big.digests, little.digests);
  assert.deepEqual(big.yield, little.yield);
  assert.equal(big.stdf.length, little.stdf.length);
  assert.notEqual(sha256(big.stdf), sha256(little.stdf));
});

test('the truth is the same whether the lot is written or not', () => {
  const lot = makeLot(lotParameters({ ...PRESETS.demo, seed: 1, lot: 'DEMO-001' }));
  const { attempts, results, digests, yield: yields } = demoLot({ number: 1 });
  assert.deepEqual(fileTruth(lot, lotFiles(lot, 'lot')[0]!), { attempts, results, digests, yield: yields });
});

test('a demo lot holds what files may hold: arrays, functional tests, NaN, infinities, negative places', () => {
  const lot = makeLot(lotParameters({ ...PRESETS.demo, seed: 1, lot: 'DEMO-001' }));
  const attempts = lot.wafers.flatMap((wafer) =>
    [...touchdowns(lot, wafer)].flatMap((touchdown) => touchdown.attempts),
  );
  const results = attempts.flatMap((attempt) => attempt.results);
  const values = results.flatMap((result) => result.values);
  assert.deepEqual(new Set(results.map((result) => result.test.kind)), new Set(['PTR', 'MPR', 'FTR']));
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    assert.ok(
      values.some((each) => Object.is(each, value)),
      `no ${value}`,
    );
  }
  assert.ok(attempts.some(({ die }) => die.x < 0 && die.y < 0));
  assert.ok(
    lot.tests.some((each) => each.numberIsShared),
    'tests share a number',
  );
  assert.ok(lot.flow.length > lot.tests.length, 'a test is executed twice');
  assert.ok(
    lot.tests.some((each) => /[^\0-\x7f]/.test(each.name + each.units)),
    'a text is not ASCII',
  );
  const { first_per_xy, last_per_xy, raw_all_prr } = demoLot({ number: 1 }).yield;
  assert.equal(new Set([first_per_xy.yield, last_per_xy.yield, raw_all_prr.yield]).size, 3);
});
