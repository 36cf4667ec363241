import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaferTable } from '../../src/ingest/stdf/wafer-table.ts';
import { readStdf } from '../support/read-stdf.ts';
import { StdfRecords } from '../support/stdf-records.ts';

const records = new StdfRecords();

async function wafersOf(...parts: Buffer[]) {
  const { scan, parts: read } = await readStdf(Buffer.concat([records.far(), ...parts]));
  return {
    wafers: scan.wafers.map(({ waferId, parts }) => [waferId, parts]),
    of: read.map(({ wafer }) => wafer),
  };
}

test('parts between WIR and WRR are of that wafer, and the id of the WRR wins', async () => {
  const { wafers, of } = await wafersOf(
    records.wir(1, 'begun'),
    records.prr(),
    records.wrr(1, 'ended'),
    records.wir(1, 'second'),
    records.prr(),
    records.prr(),
    records.wrr(1, ''),
  );
  assert.deepEqual(wafers, [
    ['ended', 1],
    ['second', 2],
  ]);
  assert.deepEqual(of, [0, 1, 1]);
});

test('heads test wafers of their own at the same time', async () => {
  const { wafers, of } = await wafersOf(
    records.wir(1, 'A'),
    records.wir(2, 'B'),
    records.prr({ head: 1 }),
    records.prr({ head: 2 }),
    records.prr({ head: 1 }),
    records.wrr(2, 'B'),
    records.wrr(1, 'A'),
  );
  assert.deepEqual(wafers, [
    ['A', 2],
    ['B', 1],
  ]);
  assert.deepEqual(of, [0, 1, 0]);
});

test('a head without a WIR of its own works on the wafer begun last', async () => {
  const { wafers, of } = await wafersOf(
    records.wir(255, 'A'),
    records.prr({ head: 1 }),
    records.prr({ head: 2 }),
    records.wrr(255, 'A'),
  );
  assert.deepEqual(wafers, [['A', 2]]);
  assert.deepEqual(of, [0, 0]);
});

test('without WRR the WIR names the wafer', async () => {
  const { wafers, of } = await wafersOf(records.wir(1, 'A'), records.prr());
  assert.deepEqual([wafers, of], [[['A', 1]], [0]]);
});

test('without WIR the WRR names the wafer of the parts before it', async () => {
  const { wafers, of } = await wafersOf(
    records.prr(),
    records.prr(),
    records.wrr(1, 'A'),
    records.prr(),
    records.wrr(1, 'B'),
    records.prr(),
  );
  assert.deepEqual(
    wafers.map(([id]) => id),
    ['A', 'B'],
  );
  assert.deepEqual(of, [0, 0, 1, null]);
});

test('a WRR whose WIR is there claims no part outside of the wafer', async () => {
  const { of } = await wafersOf(
    records.prr(),
    records.wir(1, 'A'),
    records.prr(),
    records.wrr(1, 'A'),
    records.prr(),
  );
  assert.deepEqual(of, [null, 0, null]);
});

test('final test has no wafers', async () => {
  assert.deepEqual(await wafersOf(records.prr(), records.prr()), { wafers: [], of: [null, null] });
});

test('more wafers than a file may have are refused', () => {
  const wafers = new WaferTable();
  const wir = { type: 'WIR', head: 1, startSeconds: 0, waferId: '' } as const;
  for (let i = 0; i < 65_536; i++) wafers.begin(wir);
  assert.throws(() => wafers.begin(wir), { code: 'invalid', message: /more than 65536 wafers/ });
});
