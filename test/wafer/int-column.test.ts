import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WafersyncError } from '../../src/errors.ts';
import { ByteReader, ByteWriter } from '../../src/wafer/bytes.ts';
import {
  readInts,
  readNullableInts,
  writeInts,
  writeNullableInts,
} from '../../src/wafer/payload/int-column.ts';

const SAFE = Number.MAX_SAFE_INTEGER;
const ANY = { min: -SAFE, max: SAFE };

function encoded(values: readonly (number | null)[]): Uint8Array {
  const writer = new ByteWriter();
  writeNullableInts(writer, values);
  return writer.take();
}

function decoded(bytes: Uint8Array, rows: number, range = ANY): (number | null)[] {
  const reader = new ByteReader(bytes, 'column');
  const values = readNullableInts(reader, new Float64Array(rows), range);
  reader.end();
  return Array.from(values, (value) => (Number.isNaN(value) ? null : value));
}

function refuses(bytes: number[], rows: number, message: RegExp, range = ANY): void {
  assert.throws(
    () => decoded(Uint8Array.from(bytes), rows, range),
    (error) => error instanceof WafersyncError && error.code === 'damaged' && message.test(error.message),
  );
}

const few = fc.constantFrom(0, 1, 5, 128, -3);
const anyValue = fc.oneof(few, fc.maxSafeInteger(), fc.integer({ min: -200, max: 200 }));
const counting = fc
  .tuple(fc.integer(), fc.integer({ min: -3, max: 3 }), fc.nat(40))
  .map(([start, step, length]) => Array.from({ length }, (_, i) => start + i * step));

test('any integers, null or not, come back', () => {
  const columns = fc.oneof(
    fc.array(fc.option(anyValue), { maxLength: 40 }),
    fc.array(few, { maxLength: 60 }),
    fc.array(counting, { maxLength: 4 }).map((runs) => runs.flat()),
  );
  fc.assert(
    fc.property(columns, (values) => {
      assert.deepEqual(decoded(encoded(values), values.length), values);
    }),
    { numRuns: 500 },
  );
});

test('the greatest steps come back', () => {
  for (const values of [
    [SAFE, -SAFE, SAFE, 0, -SAFE],
    [-SAFE, ...new Array(99).fill(SAFE)],
  ]) {
    assert.deepEqual(decoded(encoded(values), values.length), values);
  }
});

test('a column of one small value takes one byte, one that counts a few, one of two values a bit a row', () => {
  assert.equal(encoded(new Array(5000).fill(239)).length, 1);
  assert.equal(encoded(new Array(5000).fill(null)).length, 1);
  assert.ok(encoded(Array.from({ length: 5000 }, (_, i) => i + 77)).length <= 8);
  assert.ok(encoded(Array.from({ length: 5000 }, (_, i) => ((i * i) % 7 < 3 ? 128 : 0))).length <= 640);
});

test('no rows take no bytes', () => {
  assert.equal(encoded([]).length, 0);
  const writer = new ByteWriter();
  writeInts(writer, []);
  assert.equal(writer.length, 0);
  assert.deepEqual(
    readInts(new ByteReader(new Uint8Array(), 'column'), new Int16Array(), ANY),
    new Int16Array(),
  );
});

test('values out of range are refused in every form', () => {
  const range = { min: 0, max: 10 };
  refuses([11], 2, /11 is not within 0 to 10/, range);
  refuses([0xf1, 1], 2, /-1 is not within/, range);
  refuses([0xf2, 0, 22], 2, /11 is not within/, range);
  refuses([0xf3, 20, 2], 2, /11 is not within/, range);
  refuses([0xf4, 10, 2], 3, /15 is not within/, range);
  refuses([0xf4, 20, 0, 1, 0, 2, 0, 2, 0], 4, /11 is not within/, range);
  refuses([0xf6, 2, 0, 22, 0b10], 2, /11 is not within/, range);
});

test('unknown forms, runs over the end, and nulls where none may stand are refused', () => {
  refuses([0xf7], 1, /form 247 is not known/);
  refuses([0xf4, 2, 2], 2, /2 is over the bound of 1/);
  refuses([0xf5, 1, 0xf0], 2, /form 240 is not known/);
  refuses([0xf6, 0], 2, /a palette names 0 values/);
  refuses([0xf6, 3, 0, 2, 4, 0b11], 1, /none of the values of its palette/);
  assert.throws(
    () => readInts(new ByteReader(Uint8Array.of(0xf0), 'column'), new Float64Array(1), ANY),
    /form 240 is not known/,
  );
});
