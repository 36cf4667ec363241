import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WafersyncError } from '../../src/errors.ts';
import { makeLot } from '../../src/generator/model.ts';
import { type LotParameters, lotParameters } from '../../src/generator/parameters.ts';
import { PRESETS } from '../../src/generator/presets.ts';

test('parameters out of bounds are refused, with the name, the value and the remedy', () => {
  const wrong: readonly (readonly [Partial<LotParameters>, RegExp])[] = [
    [{ wafers: 0 }, /wafers is 0/],
    [{ dies: 1.5 }, /dies is 1.5/],
    [{ tests: 20_001 }, /tests is 20001/],
    [{ sites: 256 }, /sites is 256/],
    [{ seed: Number.NaN }, /seed is NaN/],
    [{ startedAt: -1 }, /startedAt is -1/],
    [{ nonFinite: 1.1 }, /nonFinite is 1.1/],
    [{ mprShare: 0.6, ftrShare: 0.6 }, /mprShare \+ ftrShare is 1.2/],
    [{ lot: '' }, /lot has 0 bytes/],
    [{ lot: 'ü'.repeat(101) }, /lot has 202 bytes/],
  ];
  for (const [parameters, message] of wrong) {
    assert.throws(
      () => lotParameters({ seed: 1, lot: 'L', ...parameters }),
      (error: unknown) =>
        error instanceof WafersyncError &&
        error.code === 'invalid' &&
        message.test(error.message) &&
        error.hint !== '',
    );
  }
});

test('presets have the sizes of the field', () => {
  const sizes = Object.entries(PRESETS).map(([name, { wafers, dies, tests }]) => [name, wafers, dies, tests]);
  assert.deepEqual(sizes, [
    ['demo', 2, 300, 60],
    ['small', 5, 600, 60],
    ['typical', 25, 2_000, 380],
    ['heavy', 25, 4_056, 380],
    ['stress', 25, 10_600, 380],
  ]);
  for (const preset of Object.values(PRESETS)) {
    const lot = makeLot(lotParameters({ ...preset, seed: 1, lot: 'L' }));
    assert.equal(lot.dies.length, preset.dies);
    assert.equal(lot.tests.length, preset.tests);
  }
});

test('a lot that would last longer than STDF can date is refused', () => {
  const endless = lotParameters({
    seed: 1,
    lot: 'L',
    startedAt: 4e9,
    wafers: 1000,
    dies: 20_000,
    tests: 2000,
    sites: 1,
  });
  assert.throws(() => makeLot(endless), { code: 'invalid', message: /days ends after the year 2106/ });
});
