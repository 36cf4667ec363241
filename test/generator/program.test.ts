import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { drawLimits, failingValue, type Shape, valueAt } from '../../src/generator/distribution.ts';
import { Random } from '../../src/generator/random.ts';
import type { TestModel } from '../../src/generator/test-model.ts';
import { attemptsOf, lotOf } from './lots.ts';

const seeds = fc.integer({ min: 0, max: 1_000_000 });

const count = (tests: readonly TestModel[], holds: (test: TestModel) => boolean): number =>
  tests.filter(holds).length;

test('of the tests 70 % are normal, and 10 % each lognormal, quantised and constant, for every seed', () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 10, max: 400 }), (seed, tests) => {
      const program = lotOf({ seed, tests, dies: 1 }).tests;
      assert.equal(program.length, tests);
      for (const [shape, share] of SHARES) {
        const found = count(program, (each) => each.distribution?.shape === shape);
        assert.ok(Math.abs(found - share * tests) <= 2, `${found} ${shape} of ${tests}`);
      }
      const twoSided = count(program, ({ limits }) => limits.low !== null && limits.high !== null);
      assert.ok(Math.abs(twoSided - 0.95 * tests) <= 1, `${twoSided} of ${tests} have two limits`);
    }),
    { numRuns: 60 },
  );
});

const SHARES: readonly (readonly [Shape, number])[] = [
  ['normal', 0.7],
  ['lognormal', 0.1],
  ['quantised', 0.1],
  ['constant', 0.1],
];

test('MPR, FTR, shared numbers and repeated tests come as often as asked', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { tests, flow } = lotOf({ seed, tests: 100, mprShare: 0.1, ftrShare: 0.2, dies: 1 });
      assert.equal(
        count(tests, (each) => each.kind === 'MPR' && each.pins === 5),
        10,
      );
      assert.equal(
        count(tests, (each) => each.kind === 'FTR' && each.distribution === null),
        20,
      );
      assert.equal(new Set(tests.map((each) => each.number)).size, 95);
      assert.equal(flow.length, 102);
    }),
    { numRuns: 30 },
  );
});

test('a test is known by kind, number and name; the number alone only where it is not marked as shared', () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 0, max: 100 }), (seed, percent) => {
      const { tests } = lotOf({ seed, tests: 80, sharedNumbers: percent / 100, ftrShare: 0.1, dies: 1 });
      assert.equal(new Set(tests.map((each) => each.name)).size, tests.length);
      for (const each of tests) {
        const users = count(tests, (other) => other.kind === each.kind && other.number === each.number);
        assert.equal(each.numberIsShared, users > 1, each.name);
      }
    }),
    { numRuns: 40 },
  );
});

test('values within five standard deviations pass, failing values do not', () => {
  const anyTest = fc.tuple(seeds, fc.constantFrom('normal', 'lognormal', 'quantised', 'constant'));
  fc.assert(
    fc.property(anyTest, fc.integer({ min: -4999, max: 4999 }), ([seed, shape], milliSigma) => {
      const program = lotOf({ seed, tests: 20, dies: 1 }).tests;
      const distribution = program.find((each) => each.distribution?.shape === shape)!.distribution!;
      const random = Random.seeded(seed);
      const both = drawLimits(distribution, random);
      const value = valueAt(distribution, milliSigma / 1000);
      assert.ok(value >= both.low && value <= both.high);
      assert.equal(value, Math.fround(value));
      for (const limits of [both, { ...both, low: null }, { ...both, high: null }]) {
        const failing = failingValue(distribution, limits, random);
        assert.equal(failing, Math.fround(failing));
        const { low, high } = limits;
        assert.ok((low !== null && failing < low) || (high !== null && failing > high), `${failing}`);
      }
    }),
    { examples: [-5000, 5000].map((milliSigma) => [[0, 'quantised'], milliSigma]) },
  );
});

test('what is measured has the spread of its test: few levels, one value, or as many as dies', () => {
  const lot = lotOf({ seed: 4, dies: 400, tests: 40, nonFinite: 0, oddFlags: 0, repeatedTests: 0 });
  const passing = attemptsOf(lot)[0]!.filter((attempt) => attempt.firstFail === -1);
  for (const { index, distribution } of lot.tests) {
    const values = passing.map((attempt) => attempt.results[index]!.values[0]!);
    const different = new Set(values).size;
    if (distribution!.shape === 'constant') assert.equal(different, 1);
    else if (distribution!.shape === 'quantised') assert.ok(different > 4 && different <= 16, `${different}`);
    else assert.ok(different > values.length * 0.98, `${different} of ${values.length}`);
    if (distribution!.shape !== 'normal') continue;
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const sigma = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
    const shift = (mean - distribution!.middle) / distribution!.spread;
    assert.ok(Math.abs(shift) < 1.6, `shifted by ${shift}`);
    assert.ok(sigma / distribution!.spread > 0.85 && sigma / distribution!.spread < 1.25, `spread ${sigma}`);
  }
});
