import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspectOnly, readStdf, testNames, valueBits } from '../support/read-stdf.ts';
import { bitsOf, inChunks, StdfRecords } from '../support/stdf-records.ts';

const records = new StdfRecords();
const far = records.far();
const file = (...parts: Buffer[]): Buffer => Buffer.concat([far, ...parts]);

for (const bigEndian of [false, true]) {
  test(`every field of a part is read, ${bigEndian ? 'big' : 'little'}-endian`, async () => {
    const own = new StdfRecords(bigEndian);
    const prr = {
      head: 3,
      site: 200,
      flags: 9,
      tests: 513,
      hardBin: 300,
      softBin: 65_534,
      x: -7,
      y: 32_767,
      ms: 70_000,
    };
    const { attempts } = await readStdf(
      Buffer.concat([own.far(), own.pir(3, 200), own.prr({ ...prr, id: ' a ' })]),
    );
    const { results, ...fields } = attempts[0]!;
    assert.equal(results.length, 0);
    assert.deepEqual(fields, {
      index: 0,
      head: 3,
      site: 200,
      x: -7,
      y: 32_767,
      partId: ' a ',
      hardBin: 300,
      softBin: 65_534,
      partFlags: 9,
      testCount: 513,
      testTimeMs: 70_000,
      startedAtUs: null,
      sequenceSpan: 0,
    });
  });

  test(`float32 values keep their bits, NaN payloads too, ${bigEndian ? 'big' : 'little'}-endian`, async () => {
    const own = new StdfRecords(bigEndian);
    const bits = [0x7fc0_0001, 0xffa5_a5a5, 0x7f80_0000, 0xff80_0000, 0x8000_0000, 1, bitsOf(1.1)];
    const ptrs = bits.map((each) => own.ptr({ bits: each }));
    const { attempts } = await readStdf(
      Buffer.concat([own.far(), own.pir(), ...ptrs, own.mpr({ values: bits }), own.prr()]),
    );
    assert.deepEqual(valueBits(attempts[0]!), [...bits, ...bits]);
    assert.deepEqual([...attempts[0]!.results.valueCounts], [1, 1, 1, 1, 1, 1, 1, 7]);
  });
}

test('VAX floats of CPU_TYPE 0 become the float32 of the same value', async () => {
  const vax = (...words: number[]) => Buffer.concat(words.map((word) => records.u2(word)));
  const ptr = (value: Buffer) => records.record(15, 10, records.u4(1), Buffer.of(1, 1, 0, 0), value);
  const values = [vax(0x4080, 0), vax(0xc080, 0), vax(0x4149, 0x0fdb), vax(0x8000, 0), vax(0, 0)];
  const bytes = Buffer.concat([records.far(0), records.pir(), ...values.map(ptr), records.prr()]);
  const { attempts } = await readStdf(bytes);
  assert.deepEqual(valueBits(attempts[0]!), [1, -1, Math.fround(Math.PI), 0, 0].map(bitsOf));
});

test('CPU_TYPE does not tell the byte order', async () => {
  const own = new StdfRecords(true);
  const { attempts } = await readStdf(Buffer.concat([own.far(2), own.pir(), own.prr({ hardBin: 258 })]));
  assert.equal(attempts[0]?.hardBin, 258);
});

test('−32768 in either coordinate means that there are none', async () => {
  const { attempts } = await readStdf(
    file(
      records.prr({ x: -32_768, y: 3 }),
      records.prr({ x: 3, y: -32_768 }),
      records.prr({ x: -32_767, y: 0 }),
    ),
  );
  assert.deepEqual(
    attempts.map(({ x, y }) => [x, y]),
    [
      [null, null],
      [null, null],
      [-32_767, 0],
    ],
  );
});

test('soft bin 65535 is none; hard bin 65535 and a test time of 0 are kept', async () => {
  const { attempts } = await readStdf(file(records.prr({ softBin: 65_535, hardBin: 65_535, ms: 0 })));
  assert.deepEqual([attempts[0]?.softBin, attempts[0]?.hardBin, attempts[0]?.testTimeMs], [null, 65_535, 0]);
});

test('a PRR may end early: what it lacks is unknown', async () => {
  const whole = records
    .prr({ site: 2, tests: 5, hardBin: 6, softBin: 7, x: 8, y: 9, ms: 10, id: 'id' })
    .subarray(4);
  const ends: [bytes: number, expected: object][] = [
    [
      2,
      {
        site: 2,
        partFlags: 16,
        testCount: 0,
        hardBin: null,
        softBin: null,
        x: null,
        y: null,
        testTimeMs: null,
      },
    ],
    [5, { partFlags: 0, testCount: 5, hardBin: null }],
    [9, { hardBin: 6, softBin: 7, x: null, y: null }],
    [11, { x: null, y: null }],
    [13, { x: 8, y: 9, testTimeMs: null }],
    [17, { testTimeMs: 10, partId: '' }],
    [19, { testTimeMs: 10, partId: '' }],
    [20, { testTimeMs: 10, partId: 'id' }],
  ];
  for (const [bytes, expected] of ends) {
    const { attempts } = await readStdf(file(records.record(5, 20, whole.subarray(0, bytes))));
    assert.deepEqual({ ...attempts[0]!, ...expected }, attempts[0], `${bytes} bytes`);
  }
});

test('trailing bytes of records say nothing', async () => {
  const trailing = Buffer.from('more to come');
  const ptr = records.ptr({ name: 'a', bits: 7, limits: { low: 1, high: 2 }, trailing });
  const pir = records.record(5, 10, Buffer.of(1, 1), trailing);
  const { attempts, scan } = await readStdf(file(pir, ptr, records.prr()));
  assert.deepEqual(valueBits(attempts[0]!), [7]);
  assert.equal(scan.tests[0]?.highLimit, 2);
});

test('results join the open PIR of their head and site', async () => {
  const { attempts, scan } = await readStdf(
    file(
      records.pir(1, 1),
      records.pir(1, 2),
      records.pir(2, 1),
      records.ptr({ site: 1, name: 'a', bits: 1 }),
      records.ptr({ site: 2, name: 'a', bits: 2 }),
      records.ptr({ head: 2, site: 1, name: 'a', bits: 3 }),
      records.ptr({ site: 1, name: 'a', bits: 4 }),
      records.prr({ site: 2 }),
      records.prr({ head: 2, site: 1 }),
      records.prr({ site: 1 }),
    ),
  );
  assert.deepEqual(attempts.map(valueBits), [[2], [3], [1, 4]]);
  assert.deepEqual(
    attempts.map(({ index }) => index),
    [0, 1, 2],
  );
  assert.equal(scan.results, 4);
});

test('results without a PIR join the next PRR of their head and site', async () => {
  const { attempts, scan } = await readStdf(
    file(
      records.ptr({ bits: 1 }),
      records.ptr({ site: 2, bits: 2 }),
      records.prr(),
      records.ptr({ bits: 3 }),
    ),
  );
  assert.deepEqual(attempts.map(valueBits), [[1]]);
  assert.equal(scan.orphanResults, 2);
  assert.equal(scan.unfinishedResults, 0);
});

test('a PIR does not take results that waited before it', async () => {
  const { attempts } = await readStdf(
    file(records.ptr({ bits: 1 }), records.pir(), records.ptr({ bits: 2 }), records.prr(), records.prr()),
  );
  assert.deepEqual(attempts.map(valueBits), [[2], [1]]);
});

test('parts that never ended are counted with their results', async () => {
  const { attempts, scan } = await readStdf(
    file(
      records.pir(),
      records.ptr(),
      records.pir(),
      records.ptr(),
      records.ptr(),
      records.prr(),
      records.pir(2, 2),
    ),
  );
  assert.equal(attempts[0]?.results.length, 2);
  assert.deepEqual([scan.unfinishedParts, scan.unfinishedResults, scan.orphanResults], [2, 1, 0]);
});

test('a file without parts has none, its results are orphans', async () => {
  const { attempts, scan } = await readStdf(file(records.ptr(), records.ftr({}), records.mrr()));
  assert.deepEqual([attempts.length, scan.attempts, scan.orphanResults], [0, 0, 2]);
});

test('one test executed many times on a part keeps the order of execution', async () => {
  const bits = Array.from({ length: 249 }, (_, i) => i);
  const ptrs = bits.map((each) =>
    records.ptr({ number: each % 2, name: each % 2 ? 'odd' : 'even', bits: each }),
  );
  const { attempts, scan } = await readStdf(file(records.pir(), ...ptrs, records.prr()));
  assert.deepEqual(valueBits(attempts[0]!), bits);
  assert.deepEqual(testNames(attempts[0]!, scan).slice(0, 3), ['even', 'odd', 'even']);
  assert.equal(scan.tests.length, 2);
});

test('records behind MRR count like any other', async () => {
  const bytes = file(records.mrr(), records.pir(), records.ptr({ bits: 1 }), records.prr(), records.mrr());
  const { attempts } = await readStdf(bytes);
  assert.deepEqual(attempts.map(valueBits), [[1]]);
  assert.equal((await inspectOnly(inChunks(bytes))).records_after_mrr, 3);
});

test('unknown records are passed by their length and counted by type and subtype', async () => {
  const bytes = file(records.record(180, 10, records.prr()), records.record(1, 94), records.prr());
  const { scan } = await readStdf(bytes);
  assert.deepEqual(scan.records, [
    ['180/10', 1],
    ['CDR', 1],
    ['FAR', 1],
    ['PRR', 1],
  ]);
  const found = await inspectOnly(inChunks(bytes));
  assert.deepEqual(found.unknown_records, { '180/10': 1 });
  assert.equal(found.records.UNK_180_10, 1);
});

test('a PTR without RESULT has flags and no value; one without TEST_FLG says so', async () => {
  const short = (bytes: number) =>
    records.record(
      15,
      10,
      Buffer.concat([records.u4(9), Buffer.of(1, 1, 0x80, 0x02, 1, 2, 3)]).subarray(0, bytes),
    );
  const { attempts, scan } = await readStdf(
    file(records.pir(), short(11), short(8), short(7), short(6), records.prr()),
  );
  const { testFlags, parmFlags, values } = attempts[0]!.results;
  assert.deepEqual([...testFlags], [0x80, 0x80, 0x80, -1]);
  assert.deepEqual([...parmFlags], [2, 2, -1, -1]);
  assert.equal(values.length, 0);
  assert.equal(scan.tests.length, 1);
});

test('a name that overruns its PTR leaves the value before it', async () => {
  const ptr = records.record(
    15,
    10,
    records.u4(9),
    Buffer.of(1, 1, 0, 0),
    records.u4(77),
    Buffer.from([200, 65, 66]),
  );
  const { attempts, scan } = await readStdf(file(records.pir(), ptr, records.prr()));
  assert.deepEqual(valueBits(attempts[0]!), [77]);
  assert.equal(scan.tests[0]?.name, '');
});

test('values that overrun their MPR are none at all, and neither is what follows', async () => {
  const mpr = (count: number, values: number[]) =>
    records.record(
      15,
      15,
      Buffer.concat([records.u4(9), Buffer.of(1, 1, 0x80, 0), records.u2(0), records.u2(count)]),
      ...values.map((bits) => records.u4(bits)),
      records.text('name'),
    );
  const { attempts, scan } = await readStdf(
    file(records.pir(), mpr(4, [1, 2]), mpr(2, [1, 2]), records.prr()),
  );
  assert.deepEqual([...attempts[0]!.results.valueCounts], [0, 2]);
  assert.deepEqual(testNames(attempts[0]!, scan), ['', 'name']);
});

test('a FTR has no value; its name stands behind its pins and fail bits', async () => {
  const ftrs = [0, 1, 2, 9].map((pins) =>
    records.ftr({ pins, failBits: pins * 8 + 1, name: `pins ${pins}`, flags: 0x80 }),
  );
  const { attempts, scan } = await readStdf(file(records.pir(), ...ftrs, records.prr()));
  assert.deepEqual(testNames(attempts[0]!, scan), ['pins 0', 'pins 1', 'pins 2', 'pins 9']);
  const { valueCounts, testFlags, parmFlags } = attempts[0]!.results;
  assert.deepEqual(
    [[...valueCounts], [...testFlags], [...parmFlags]],
    [[0, 0, 0, 0], Array(4).fill(0x80), Array(4).fill(-1)],
  );
});

test('text is UTF-8 where it is valid, else Latin-1, and blanks and NULs are kept', async () => {
  const latin = Buffer.from('10 \xb5A \xfcber', 'latin1');
  const { attempts, scan } = await readStdf(
    file(
      records.pir(),
      records.ptr({ number: 1, name: latin, limits: { units: Buffer.from('\xb5A', 'latin1') } }),
      records.ptr({ number: 2, name: '10 µA 漢字 ', limits: { units: 'µA' } }),
      records.prr({ id: Buffer.from('Stra\xdfe', 'latin1') }),
      records.prr({ id: ' Straße\0' }),
    ),
  );
  assert.deepEqual(
    scan.tests.map(({ name, units }) => [name, units]),
    [
      ['10 µA über', 'µA'],
      ['10 µA 漢字 ', 'µA'],
    ],
  );
  assert.deepEqual(
    attempts.map(({ partId }) => partId),
    ['Straße', ' Straße\0'],
  );
});

test('missing records are no error: a file of FAR alone is an empty one', async () => {
  const { scan } = await readStdf(file());
  const { attempts, results, mir, hasMrr, truncated, wafers, tests } = scan;
  assert.deepEqual(
    { attempts, results, mir, hasMrr, truncated, wafers, tests },
    {
      attempts: 0,
      results: 0,
      mir: null,
      hasMrr: false,
      truncated: null,
      wafers: [],
      tests: [],
    },
  );
});

test('the first MIR counts', async () => {
  const { scan } = await readStdf(file(records.mir(10, 9, 'first'), records.mir(20, 19, 'second')));
  assert.equal(scan.mir?.LOT_ID, 'first');
  assert.equal(scan.mir?.START_T, 10);
  assert.equal(scan.mir?.SETUP_T, 9);
});

test('inspecting counts parts by place, flags and what they lack', async () => {
  const { parts, wafers } = await inspectOnly(
    inChunks(
      file(
        records.wir(1, 'W'),
        records.pir(),
        records.ptr(),
        records.prr({ x: 1, y: 1, flags: 8 }),
        records.prr({ x: 1, y: 1, flags: 2 }),
        records.prr({ x: 2, y: 1, flags: 1, site: 0 }),
        records.wrr(1, 'W'),
        records.prr({ x: 1, y: 1, flags: 4 + 16, head: 9 }),
        records.prr({ x: -32_768, flags: 8 }),
        records.pir(4, 4),
      ),
    ),
  );
  assert.deepEqual(parts, {
    prr: 5,
    with_xy: 4,
    unique_xy: 3,
    xy_tested_more_than_once: 1,
    part_flg: { '1': 1, '2': 1, '8': 2, '20': 1 },
    supersede_by_id: 1,
    supersede_by_xy: 1,
    abnormal_end: 1,
    no_pass_fail: 1,
    without_any_result: 4,
    heads: [1, 9],
    sites: [0, 1],
    prr_without_pir: 4,
    pir_without_prr: 1,
    results_without_part: 0,
  });
  assert.deepEqual(wafers, [{ wafer_id: 'W', parts: 3 }]);
});
