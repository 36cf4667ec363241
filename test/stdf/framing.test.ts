import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RecordFramer } from '../../src/ingest/stdf/framing.ts';
import { anyStdf } from '../support/arbitrary-stdf.ts';
import { exact, inspectOnly, readStdf } from '../support/read-stdf.ts';
import { inChunks, StdfRecords } from '../support/stdf-records.ts';

test('the same bytes in any chunks give the same parts', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(anyStdf(40), sizes, async ({ bytes }, sizes) => {
      const { claimedWafer: _, ...whole } = (await readStdf(bytes)).scan;
      const { claimedWafer: __, ...chunked } = (await readStdf(bytes, sizes)).scan;
      assert.deepEqual(chunked, whole);
      const [split, together] = [await readStdf(bytes, sizes), await readStdf(bytes)];
      assert.deepEqual(split.parts, together.parts);
      assert.deepEqual(exact(split.attempts), exact(together.attempts));
      assert.deepEqual(await inspectOnly(inChunks(bytes, sizes)), await inspectOnly(inChunks(bytes)));
    }),
    { numRuns: 50 },
  );
});

test('a file of every record is read alike when split in two at any byte', async () => {
  const { bytes } = everyRecord();
  const whole = await readStdf(bytes);
  for (let at = 1; at < bytes.length; at++) {
    const split = await readStdf(bytes, [at, bytes.length]);
    assert.deepEqual(exact(split.attempts), exact(whole.attempts), `split at ${at}`);
    assert.deepEqual(split.scan.records, whole.scan.records, `split at ${at}`);
  }
});

test('a file cut at any byte keeps every complete part', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyStdf(30),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async ({ bytes, partEnds }, share) => {
        const whole = (await readStdf(bytes)).attempts;
        const cut = 6 + Math.floor(share * (bytes.length - 6));
        const kept = await readStdf(bytes.subarray(0, cut), [50]);
        const complete = partEnds.filter((end) => end <= cut).length;
        assert.deepEqual(exact(kept.attempts), exact(whole.slice(0, complete)));
        assert.equal(kept.scan.attempts, complete);
      },
    ),
    { numRuns: 100 },
  );
});

test('a cut is told by its place and what it fell into, at every byte', async () => {
  const { bytes, starts } = everyRecord();
  for (let cut = 6; cut <= bytes.length; cut++) {
    const start = starts.filter((at) => at <= cut).at(-1)!;
    const { truncated } = (await readStdf(bytes.subarray(0, cut), [7])).scan;
    if (cut === start) assert.equal(truncated, null);
    else {
      assert.equal(truncated?.at, start);
      assert.equal(truncated.bytes, cut - start);
      assert.equal(truncated.kind, cut - start < 4 ? 'partial header' : 'partial record');
    }
  }
});

test('the record that a cut fell into is named with the length that it was to have', async () => {
  const records = new StdfRecords(true);
  const bytes = Buffer.concat([records.far(), records.ptr({ name: 'Vdd' })]).subarray(0, -3);
  const { truncated } = (await readStdf(bytes)).scan;
  assert.deepEqual(truncated, { at: 6, bytes: 17, kind: 'partial record', type: 'PTR', rec_len: 16 });
});

test('a record of the greatest length is read whole from small chunks', async () => {
  const records = new StdfRecords();
  const long = records.record(50, 30, Buffer.alloc(65_535, 7));
  const bytes = Buffer.concat([records.far(), long, records.pir(), records.prr()]);
  const { scan, attempts } = await readStdf(bytes, [1000]);
  assert.deepEqual(scan.records, [
    ['DTR', 1],
    ['FAR', 1],
    ['PIR', 1],
    ['PRR', 1],
  ]);
  assert.equal(attempts.length, 1);
});

for (const [what, bytes] of [
  ['no bytes', Buffer.alloc(0)],
  ['too few bytes', Buffer.from([2, 0, 0, 10, 2])],
  ['another first record', Buffer.from([2, 0, 1, 10, 2, 4, 0, 0])],
  ['text', Buffer.from('lot,wafer,x,y\n1,2,3,4\n')],
] as const) {
  test(`${what} is not STDF, whatever the chunks`, async () => {
    for (const size of [1, 5, 100]) {
      await assert.rejects(readStdf(bytes, [size]), {
        code: 'invalid',
        message: /^test\.stdf is not STDF: /,
      });
    }
  });
}

test('the byte order is that of REC_LEN of FAR, and of CPU_TYPE only where REC_LEN tells nothing', () => {
  const bigEndian = (bytes: readonly number[]): boolean => {
    let found: boolean | null = null;
    const framer = new RecordFramer('x', (far) => {
      found = far.bigEndian;
      return () => {};
    });
    framer.push(Buffer.from(bytes));
    assert.notEqual(found, null);
    return found!;
  };
  assert.equal(bigEndian([0, 2, 0, 10, 2, 4]), true);
  assert.equal(bigEndian([2, 0, 0, 10, 1, 4]), false);
  assert.equal(bigEndian([0, 3, 0, 10, 1, 4, 0]), true);
  assert.equal(bigEndian([3, 0, 0, 10, 2, 4, 0]), false);
});

test('a FAR shorter than its fields is followed by the record right behind it', async () => {
  const records = new StdfRecords();
  const far = Buffer.from([0, 0, 0, 10]); // CPU_TYPE and STDF_VER are then the bytes of what follows
  const bytes = Buffer.concat([far, records.pir(3, 4), records.prr({ head: 3, site: 4, id: 'p' })]);
  for (const size of [1, 3, 6, 100]) {
    const { scan, attempts } = await readStdf(bytes, [size]);
    assert.equal(attempts[0]?.partId, 'p');
    assert.deepEqual(scan.records, [
      ['FAR', 1],
      ['PIR', 1],
      ['PRR', 1],
    ]);
  }
});

function everyRecord(): { bytes: Buffer; starts: number[] } {
  const records = new StdfRecords(true);
  const limits = { low: 1, high: 2, units: 'V' };
  const all = [
    records.far(),
    records.mir(1000, 900, 'LOT', 'product'),
    records.wir(1, 'W1'),
    records.pir(),
    records.ptr({ name: 'Vdd', bits: 0x7fc0_1234, limits }),
    records.mpr({ values: [1, 2, 3], pins: 3, name: 'Leak', limits }),
    records.ftr({ name: 'Scan', pins: 2, failBits: 9 }),
    records.record(180, 10, Buffer.from('unknown')),
    records.prr({ id: '1' }),
    records.pir(),
    records.ptr({ bits: 5 }),
    records.prr({ id: '2' }),
    records.wrr(1, 'W1'),
    records.mrr(),
  ];
  const starts = [0];
  for (const record of all) starts.push(starts.at(-1)! + record.length);
  return { bytes: Buffer.concat(all), starts };
}
