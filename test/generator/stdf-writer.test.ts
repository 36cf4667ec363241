import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AS_IN_THE_FIELD, CLEAN } from '../../src/generator/dirt.ts';
import { lotFiles } from '../../src/generator/lot-files.ts';
import { StdfBytes } from '../../src/generator/stdf-bytes.ts';
import { writeStdf } from '../../src/generator/stdf-writer.ts';
import { attemptsOf, lotOf, recordsOf, written } from './lots.ts';

test('numbers stand in the byte order of the file', () => {
  const fields = (order: 'little' | 'big'): string => {
    const bytes = new StdfBytes(order);
    bytes.record(15, 10, () => bytes.u2(0x0102).u4(0x03040506).i1(-2).i2(-3).r4(1.5).c1('P').cn('°C'));
    return Buffer.from(bytes.take()).toString('hex');
  };
  assert.equal(
    fields('little'),
    '12000f0a' + '0201' + '06050403' + 'fe' + 'fdff' + '0000c03f' + '50' + '03c2b043',
  );
  assert.equal(
    fields('big'),
    '00120f0a' + '0102' + '03040506' + 'fe' + 'fffd' + '3fc00000' + '50' + '03c2b043',
  );
});

test('NaN and infinities have one form each', () => {
  const bytes = new StdfBytes('big');
  const oddNaN = new Float32Array(Uint32Array.of(0xffc12345).buffer)[0]!;
  bytes.r4(Number.NaN).r4(oddNaN).r4(Infinity).r4(-Infinity).r4(-0);
  assert.equal(Buffer.from(bytes.take()).toString('hex'), '7fc000007fc000007f800000ff80000080000000');
});

test('pin states stand two to a byte, the first in the low half, an odd one alone', () => {
  const bytes = new StdfBytes('little');
  bytes.nibbles([1, 2, 3]).nibbles([]);
  assert.deepEqual([...bytes.take()], [0x21, 0x03]);
});

test('what STDF cannot hold is refused', () => {
  const bytes = new StdfBytes('little');
  assert.throws(() => bytes.cn('x'.repeat(256)), { code: 'invalid', message: /256 bytes/ });
  const long = (): void => {
    for (let i = 0; i < 65_536; i++) bytes.u1(0);
  };
  assert.throws(() => bytes.record(15, 10, long), { code: 'invalid', message: /15\/10 has 65536 bytes/ });
});

test('records stand in the order of the specification', () => {
  const kinds = recordsOf(written(lotOf({ wafers: 2, mprShare: 0.1 })).bytes).map((record) => record.kind);
  const runs = kinds.filter((kind, i) => kind !== kinds[i - 1]);
  assert.deepEqual(runs.slice(0, 7), ['0/10', '0/20', '1/10', '1/80', '1/60', '2/30', '2/10']);
  assert.deepEqual(runs.slice(-7), ['5/20', '2/20', '10/30', '1/40', '1/50', '1/30', '1/20']);
  assert.equal(runs.filter((kind) => kind === '2/10').length, 2);
});

test('defaults stand in the first PTR of a test only, names where the number is shared', () => {
  const lot = lotOf({ tests: 30, sharedNumbers: 0.3, repeatedTests: 0, sites: 1, stopOnFail: false });
  const ptrs = recordsOf(written(lot).bytes).filter((record) => record.kind === '15/10');
  const bareBytes = 12;
  assert.ok(ptrs.length > 30 * lot.tests.length);
  for (const [i, { body }] of ptrs.entries()) {
    const { number, name, numberIsShared } = lot.tests[i % lot.tests.length]!;
    const namedBytes = bareBytes + 1 + Buffer.byteLength(name);
    assert.equal(body.readUInt32LE(0), number);
    if (i < lot.tests.length) assert.ok(body.length > namedBytes + 20, `${name} is defined`);
    else assert.equal(body.length, numberIsShared ? namedBytes : bareBytes, name);
  }
});

test('a lot goes into one file, or a file a wafer; together they hold the same parts', () => {
  const lot = lotOf({ wafers: 3, lot: 'L7' });
  const whole = recordsOf(written(lot).bytes).filter((record) => record.kind === '5/20');
  const files = lotFiles(lot, 'wafer');
  assert.deepEqual(
    files.map((file) => file.name),
    ['L7-01.stdf', 'L7-02.stdf', 'L7-03.stdf'],
  );
  assert.deepEqual(
    lotFiles(lot, 'lot').map((file) => file.name),
    ['L7.stdf'],
  );
  const parts = files
    .map((file) => Buffer.concat([...writeStdf(lot, file)]))
    .flatMap((bytes) => recordsOf(bytes).filter((record) => record.kind === '5/20'));
  assert.deepEqual(parts, whole);
});

test('pieces are bounded whatever the size of the lot', () => {
  const { pieces, bytes } = written(lotOf({ wafers: 4, dies: 300, tests: 60 }));
  assert.ok(pieces.length > 10 && bytes.length > 1e6);
  for (const piece of pieces) assert.ok(piece.length < 80_000, `${piece.length}`);
});

test('the WRR counts touchdowns, with retests', () => {
  const lot = lotOf({ dies: 200 });
  const attempts = attemptsOf(lot)[0]!;
  const wrr = recordsOf(written(lot).bytes).find((record) => record.kind === '2/20')!.body;
  assert.equal(wrr.readUInt32LE(6), attempts.length);
  assert.equal(wrr.readUInt32LE(10), 0);
  assert.equal(wrr.readUInt32LE(18), attempts.filter((attempt) => attempt.firstFail === -1).length);
});

test('a cut file ends within a record, and holds what the whole one holds before that', () => {
  const whole = written(lotOf({ seed: 9, dirt: CLEAN })).bytes;
  const cut = written(lotOf({ seed: 9, dirt: { ...CLEAN, cutFiles: 1 } }));
  assert.ok(cut.bytes.length < whole.length);
  assert.ok(cut.bytes.equals(whole.subarray(0, cut.bytes.length)));
  assert.ok(cut.truth.attempts < attemptsOf(lotOf({ seed: 9 }))[0]!.length);
  const places = [1, 2, 3, 4, 5, 6].map(
    (seed) => lotFiles(lotOf({ seed, dirt: { ...CLEAN, cutFiles: 1 } }), 'lot')[0]!.cut!.touchdown,
  );
  assert.ok(new Set(places).size > 3, `cut at ${places}`);
});

test('dirt comes as often as asked', () => {
  const lot = lotOf({ wafers: 1000, dies: 1, tests: 1, dirt: { ...AS_IN_THE_FIELD, cutFiles: 0.1 } });
  const near = (found: number, expected: number): void =>
    assert.ok(Math.abs(found - expected) < 4 * Math.sqrt(expected), `${found}, not ${expected}`);
  near(lot.wafers.filter((wafer) => wafer.id === '').length, 50);
  near(lot.wafers.filter((wafer) => !wafer.hasWrr).length, 20);
  near(lotFiles(lot, 'wafer').filter((file) => file.cut).length, 100);
});
