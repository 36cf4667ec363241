import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exp, ln, normalQuantile } from '../../src/generator/exact-math.ts';
import { Random } from '../../src/generator/random.ts';

function draws<T>(count: number, draw: () => T): T[] {
  return Array.from({ length: count }, draw);
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

test('the first numbers of a seed never change', () => {
  const random = Random.seeded(7);
  assert.deepEqual(
    draws(4, () => random.uint32()),
    [2_404_615_957, 869_247_006, 378_068_015, 2_442_740_208],
  );
  const fork = Random.seeded(7).fork('wafer').fork(3);
  assert.deepEqual(
    draws(2, () => fork.uint32()),
    [1_555_537_460, 3_718_860_406],
  );
});

test('a fork does not depend on what was drawn before it, but on seed and label', () => {
  const first = (random: Random): number => random.fork('a').fork(2).uint32();
  const drawn = Random.seeded(1);
  draws(10, () => drawn.uint32());
  assert.equal(first(drawn), first(Random.seeded(1)));
  const labels = [0, 1, 2, -1, 2 ** 32, 2 ** 32 + 1, 'a', 'b', 'ab', ''];
  const starts = [1, 2, 2 ** 40 + 1].flatMap((seed) => [
    Random.seeded(seed).uint32(),
    ...labels.map((label) => Random.seeded(seed).fork(label).uint32()),
  ]);
  assert.equal(new Set(starts).size, starts.length);
});

test('uniform numbers fill 0 to 1 evenly, whatever the seed', () => {
  for (let seed = 0; seed < 8; seed++) {
    const random = Random.seeded(seed);
    const tenths = new Array<number>(10).fill(0);
    for (const value of draws(20_000, () => random.uniform())) tenths[Math.floor(value * 10)]!++;
    for (const count of tenths) assert.ok(Math.abs(count - 2000) < 230, `${count} of 2,000`);
  }
});

test('normal numbers have mean 0, variance 1 and the tails of a normal distribution', () => {
  const random = Random.seeded(3);
  const values = draws(100_000, () => random.normal());
  assert.ok(Math.abs(mean(values)) < 0.015);
  assert.ok(Math.abs(mean(values.map((v) => v * v)) - 1) < 0.02);
  assert.ok(Math.abs(mean(values.map((v) => v ** 4)) - 3) < 0.15);
  const beyond3 = values.filter((v) => Math.abs(v) > 3).length;
  assert.ok(beyond3 > 200 && beyond3 < 340, `${beyond3} of 270`);
});

test('shuffling keeps every item and reaches every order', () => {
  const random = Random.seeded(5);
  const orders = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = random.shuffled('abc').join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  assert.equal(orders.size, 6);
  for (const [order, count] of orders) assert.ok(Math.abs(count - 1000) < 150, `${order}: ${count}`);
});

test('logarithm, exponential and quantile agree with those known', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-12, max: 1e12, noNaN: true }), (value) => {
      assert.ok(Math.abs(ln(value) - Math.log(value)) < 1e-10);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: -20_000, max: 20_000 }), (thousandths) => {
      const power = thousandths / 1000;
      assert.ok(Math.abs(exp(power) / Math.exp(power) - 1) < 1e-11);
    }),
  );
  const known: readonly (readonly [p: number, z: number])[] = [
    [0.5, 0],
    [0.975, 1.959963985],
    [0.841344746, 1],
    [0.001349898, -3],
    [2.866516e-7, -5],
  ];
  for (const [p, z] of known) assert.ok(Math.abs(normalQuantile(p) - z) < 2e-6, `${p}`);
});
