import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WafersyncError } from '../../src/errors.ts';
import { ByteReader, ByteWriter, signedSize, varintSize } from '../../src/wafer/bytes.ts';

const SAFE = Number.MAX_SAFE_INTEGER;
const edges = [
  0,
  1,
  63,
  64,
  127,
  128,
  16383,
  16384,
  2 ** 28,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 49,
  SAFE - 1,
  SAFE,
];
const anyNat = fc.oneof(fc.constantFrom(...edges), fc.maxSafeNat(), fc.nat(300));

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}

function refuses(bytes: number[], read: (reader: ByteReader) => unknown, message: RegExp): void {
  assert.throws(
    () => read(new ByteReader(Uint8Array.from(bytes), 'sample')),
    (error) => error instanceof WafersyncError && error.code === 'damaged' && message.test(error.message),
  );
}

test('integers come back from as many bytes as are announced', () => {
  fc.assert(
    fc.property(anyNat, fc.boolean(), (magnitude, negative) => {
      const unsigned = written((writer) => writer.varint(magnitude));
      assert.equal(new ByteReader(unsigned, 'sample').varint(), magnitude);
      assert.equal(unsigned.length, varintSize(magnitude));
      const value = negative ? -magnitude : magnitude;
      const signed = written((writer) => writer.signed(value));
      assert.equal(new ByteReader(signed, 'sample').signed(), value + 0);
      assert.equal(signed.length, signedSize(value));
    }),
    { numRuns: 500 },
  );
});

test('small integers take one byte, the largest eight', () => {
  assert.deepEqual([varintSize(127), varintSize(128), varintSize(SAFE)], [1, 2, 8]);
  assert.deepEqual([signedSize(63), signedSize(-64), signedSize(64), signedSize(-SAFE)], [1, 1, 2, 8]);
});

test('signed integers are zigzag: 0, -1, 1, -2 are 0, 1, 2, 3', () => {
  const bytes = written((writer) => {
    for (const value of [0, -1, 1, -2, 64]) writer.signed(value);
  });
  assert.deepEqual([...bytes], [0, 1, 2, 3, 0x80, 1]);
});

test('a negative zero is written as zero', () => {
  assert.deepEqual([...written((writer) => writer.signed(-0))], [0]);
});

test('texts keep byte order marks and NULs', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
      const bytes = written((writer) => writer.text(`\ufeff${text}\u0000`));
      assert.equal(new ByteReader(bytes, 'sample').text(200), `\ufeff${text}\u0000`);
    }),
  );
});

test('integers over the bound, too long or cut are refused', () => {
  refuses([8], (reader) => reader.varint(7), /8 is over the bound of 7/);
  refuses([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10], (reader) => reader.varint(), /over the bound/);
  refuses([...new Array(8).fill(0x80), 0], (reader) => reader.varint(), /more than 8 bytes/);
  refuses([...new Array(9).fill(0x80), 0], (reader) => reader.signed(), /more than 8 bytes/);
  refuses([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f], (reader) => reader.signed(), /under/);
  refuses([0x80], (reader) => reader.varint(), /ends too early/);
  refuses([], (reader) => reader.u8(), /ends too early/);
});

test('bytes and texts over the end or the bound, and texts that are not UTF-8, are refused', () => {
  refuses([1, 2], (reader) => reader.bytes(3), /3 bytes are announced and 2 follow/);
  refuses([3, 65, 66], (reader) => reader.text(10), /3 bytes are announced and 2 follow/);
  refuses([3, 65, 66, 67], (reader) => reader.text(2), /3 is over the bound of 2/);
  refuses([1, 0xff], (reader) => reader.text(10), /not UTF-8/);
  refuses([3, 0xed, 0xa0, 0x80], (reader) => reader.text(10), /not UTF-8/);
  refuses([1], (reader) => reader.end(), /1 bytes follow its end/);
});
