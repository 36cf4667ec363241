import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_VARIANTS_OF_A_TEST } from '../../src/ingest/stdf/test-table.ts';
import { MAX_DEFINITIONS } from '../../src/wafer/program-codec.ts';
import { readStdf } from '../support/read-stdf.ts';
import { type LimitFields, StdfRecords } from '../support/stdf-records.ts';

const records = new StdfRecords();

async function limitsOf(...limits: (LimitFields | undefined)[]) {
  const ptrs = limits.map((each) => records.ptr({ name: 'Vdd', ...(each && { limits: each }) }));
  const { attempts, scan } = await readStdf(
    Buffer.concat([records.far(), records.pir(), ...ptrs, records.prr()]),
  );
  const used = [...attempts[0]!.results.tests].map((index) => scan.tests[index]!);
  return { scan, used, limits: used.map(({ lowLimit, highLimit }) => [lowLimit, highLimit]) };
}

test('defaults stand in the first record with OPT_FLAG, even for records before it', async () => {
  const { scan, limits } = await limitsOf(undefined, { low: 1, high: 2, units: 'V', scale: -3 }, undefined);
  assert.deepEqual(limits, [
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
  assert.equal(scan.tests.length, 1);
  assert.equal(scan.tests[0]?.units, 'V');
  assert.equal(scan.tests[0]?.resultScale, -3);
});

test('the bits of OPT_FLAG say which defaults there are', async () => {
  const all = { low: 1, high: 2, lowSpec: 3, highSpec: 4, scale: 5 };
  const facts = async (opt: number) => {
    const { lowLimit, highLimit, lowSpec, highSpec, resultScale } = (await limitsOf({ ...all, opt }))
      .used[0]!;
    return [lowLimit, highLimit, lowSpec, highSpec, resultScale];
  };
  assert.deepEqual(await facts(0x00), [1, 2, 3, 4, 5]);
  assert.deepEqual(await facts(0x01), [1, 2, 3, 4, null]);
  assert.deepEqual(await facts(0x04), [1, 2, null, 4, 5]);
  assert.deepEqual(await facts(0x08), [1, 2, 3, null, 5]);
  assert.deepEqual(await facts(0x10), [null, 2, 3, 4, 5]);
  assert.deepEqual(await facts(0x20), [1, null, 3, 4, 5]);
  assert.deepEqual(await facts(0x40), [null, 2, 3, 4, 5]);
  assert.deepEqual(await facts(0x80), [1, null, 3, 4, 5]);
});

test('limits that change mid-file hold for their record alone, as a variant of the test', async () => {
  const { scan, limits } = await limitsOf({ low: 1, high: 2, units: 'V' }, { low: 1, high: 3 }, undefined, {
    low: 1,
    high: 3,
  });
  assert.deepEqual(limits, [
    [1, 2],
    [1, 3],
    [1, 2],
    [1, 3],
  ]);
  assert.equal(scan.tests.length, 2);
  const { kind, number, name, units } = scan.tests[1]!;
  assert.deepEqual([kind, number, name, units], ['PTR', 1, 'Vdd', 'V']);
  assert.equal(scan.limitOverridesDropped, 0);
});

test('a later record may go by the default limits, or by none', async () => {
  const standard = { opt: 0, low: 1, high: 2 };
  const other = { low: 8, high: 9 };
  const { limits } = await limitsOf(
    standard,
    { ...other, opt: 0x30 },
    { ...other, opt: 0xc0 },
    { ...other, opt: 0xf0 },
    { ...other, opt: 0x10 },
  );
  assert.deepEqual(limits, [
    [1, 2],
    [1, 2],
    [null, null],
    [1, 2],
    [1, 9],
  ]);
});

test('each limit goes by its own bits', async () => {
  const standard = { opt: 0, low: 1, high: 2 };
  const opts = [0x10, 0x20, 0x40, 0x80].map((opt) => ({ opt, low: 8, high: 9 }));
  const { limits } = await limitsOf(standard, ...opts);
  assert.deepEqual(limits.slice(1), [
    [1, 9],
    [8, 2],
    [null, 9],
    [8, null],
  ]);
});

test('other flags around the same limits are no variant', async () => {
  const { scan } = await limitsOf(
    { opt: 0, low: 0, high: 2 },
    { opt: 0x0f, low: -0, high: 2 },
    { opt: 2, low: 0, high: 2, scale: 9 },
  );
  assert.equal(scan.tests.length, 1);
});

test('a limit that is NaN limits nothing; an infinite one is kept', async () => {
  const { scan, limits } = await limitsOf(
    { low: Number.NaN, high: Number.POSITIVE_INFINITY },
    { low: Number.NaN, high: 1 },
    { low: Number.NaN, high: 1 },
  );
  assert.deepEqual(limits, [
    [null, Number.POSITIVE_INFINITY],
    [null, 1],
    [null, 1],
  ]);
  assert.equal(scan.tests.length, 2);
});

test('a record that ends behind OPT_FLAG leaves limits and units unknown', async () => {
  const whole = records.ptr({ name: 'Vdd', limits: { opt: 0, low: 1, high: 2, units: 'V' } }).subarray(4);
  const cut = (bytes: number) => records.record(15, 10, whole.subarray(0, bytes));
  const optionalAt = 12 + 4 + 1;
  for (const [bytes, low, high] of [
    [optionalAt + 1, null, null],
    [optionalAt + 8, 1, null],
    [optionalAt + 12, 1, 2],
  ] as const) {
    const { scan } = await readStdf(Buffer.concat([records.far(), cut(bytes), records.prr()]));
    const { lowLimit, highLimit, units } = scan.tests[0]!;
    assert.deepEqual([lowLimit, highLimit, units], [low, high, '']);
  }
});

test('a MPR has its limits, and its units behind the pins', async () => {
  const limits = { opt: 0, low: 1, high: 2, units: 'µA', lowSpec: 3, highSpec: 4, scale: 6 };
  const mprs = [3, 0].map((pins) => records.mpr({ values: [1, 2], pins, name: `pins ${pins}`, limits }));
  const { scan } = await readStdf(Buffer.concat([records.far(), ...mprs, records.prr()]));
  for (const { kind, lowLimit, highLimit, units, lowSpec, highSpec, resultScale } of scan.tests) {
    assert.deepEqual(
      [kind, lowLimit, highLimit, units, lowSpec, highSpec, resultScale],
      ['MPR', 1, 2, 'µA', 3, 4, 6],
    );
  }
  assert.equal(scan.tests.length, 2);
});

test('tests are told apart by kind, number and name; an empty name takes the first of its kind and number', async () => {
  const bytes = Buffer.concat([
    records.far(),
    records.pir(),
    records.ptr({ number: 5 }),
    records.ptr({ number: 5, name: 'a' }),
    records.ptr({ number: 5, name: 'b' }),
    records.ptr({ number: 5, name: '' }),
    records.ptr({ number: 5 }),
    records.ptr({ number: 6, name: 'a' }),
    records.mpr({ number: 5, name: 'a', values: [] }),
    records.ftr({ number: 5, name: '' }),
    records.ptr({ number: 0xffff_ffff, name: 'a' }),
    records.prr(),
  ]);
  const { attempts, scan } = await readStdf(bytes);
  const identity = scan.tests.map(({ kind, number, name }) => `${kind} ${number} ${name}`);
  assert.deepEqual(identity, [
    'PTR 5 ',
    'PTR 5 a',
    'PTR 5 b',
    'PTR 6 a',
    'MPR 5 a',
    'FTR 5 ',
    'PTR 4294967295 a',
  ]);
  assert.deepEqual([...attempts[0]!.results.tests], [0, 1, 2, 1, 1, 3, 4, 5, 6]);
});

test('256 names under one number are 256 tests', async () => {
  const names = Array.from({ length: 256 }, (_, i) => `pin ${i}`);
  const round = names.map((name) => records.ptr({ name }));
  const { attempts, scan } = await readStdf(
    Buffer.concat([records.far(), ...round, ...round, records.prr()]),
  );
  assert.deepEqual(
    scan.tests.map(({ name }) => name),
    names,
  );
  assert.deepEqual([...attempts[0]!.results.tests.slice(256)], [...names.keys()]);
});

test('beyond the most variants of a test, records refer to the default and are counted', async () => {
  const changes = Array.from({ length: MAX_VARIANTS_OF_A_TEST + 2 }, (_, i) => ({ low: 0, high: i + 2 }));
  const { scan, limits } = await limitsOf({ low: 0, high: 1 }, ...changes, changes[0]);
  assert.equal(scan.tests.length, 1 + MAX_VARIANTS_OF_A_TEST);
  assert.equal(scan.limitOverridesDropped, 2);
  assert.deepEqual(limits.slice(-4), [
    [0, MAX_VARIANTS_OF_A_TEST + 1],
    [0, 1],
    [0, 1],
    [0, 2],
  ]);
});

test('a file of more tests than a program can hold is refused', async () => {
  const ptrs = Array.from({ length: MAX_DEFINITIONS + 1 }, (_, number) => records.ptr({ number }));
  const bytes = Buffer.concat([records.far(), ...ptrs]);
  await assert.rejects(readStdf(bytes), { code: 'invalid', message: /more than 65535 tests/ });
  await readStdf(bytes.subarray(0, -1));
});
