import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WafersyncError } from '../../src/errors.ts';
import { ByteReader, ByteWriter } from '../../src/wafer/bytes.ts';
import { BitReader, BitWriter } from '../../src/wafer/payload/bits.ts';
import { planStream } from '../../src/wafer/payload/plan-stream.ts';
import {
  DELTAS,
  DICTIONARY,
  FRAME,
  PATCHED,
  packStream,
  readForm,
  streamBits,
  unpackStream,
  writeForm,
} from '../../src/wafer/payload/word-stream.ts';

/** Packs words behind three other bits, unpacks them, and gives the form. */
function roundTrip(words: Uint32Array): { kind: number; bits: number } {
  const plan = planStream(words);
  const head = new ByteWriter();
  writeForm(head, plan);
  const writer = new BitWriter();
  writer.reserve(3);
  writer.write(5, 3);
  packStream(writer, plan, words);
  const form = readForm(new ByteReader(head.take(), 'form'), words.length);
  const reader = new BitReader(writer.view());
  reader.seek(3);
  const unpacked = new Uint32Array(words.length);
  unpackStream(reader, form, plan.base, unpacked);
  assert.deepEqual(unpacked, words);
  assert.equal(writer.view().length, Math.ceil((3 + streamBits(form)) / 8));
  return { kind: form.kind, bits: streamBits(form) };
}

function words(length: number, word: (i: number) => number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => word(i));
}

/** Scrambled, the same every time. */
function scrambled(i: number, below: number): number {
  return (Math.imul(i + 1, 0x9e3779b1) >>> 0) % below;
}

test('any words come back', () => {
  const anyWord = fc.nat(0xffffffff);
  const near = fc.tuple(anyWord, fc.array(fc.nat(500), { minLength: 1, maxLength: 60 }));
  const column = fc.oneof(
    fc.array(anyWord, { minLength: 1, maxLength: 60 }),
    near.map(([base, distances]) => distances.map((distance) => (base + distance) % 2 ** 32)),
    fc
      .tuple(near, fc.array(anyWord, { maxLength: 3 }))
      .map(([[base, distances], far]) => [
        ...distances.map((distance) => (base + distance) % 2 ** 32),
        ...far,
      ]),
    fc
      .tuple(
        fc.array(anyWord, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(3), { minLength: 1, maxLength: 60 }),
      )
      .map(([levels, picks]) => picks.map((pick) => levels[pick % levels.length]!)),
  );
  fc.assert(
    fc.property(column, (list) => void roundTrip(Uint32Array.from(list))),
    { numRuns: 1000 },
  );
});

test('equal words take no bits', () => {
  assert.deepEqual(roundTrip(new Uint32Array(500).fill(0xdeadbeef)), { kind: DELTAS, bits: 0 });
  assert.deepEqual(roundTrip(Uint32Array.of(7)), { kind: DELTAS, bits: 0 });
});

test('few words, and words that drift, are packed as differences', () => {
  assert.equal(roundTrip(Uint32Array.of(1000, 1003, 1001)).kind, DELTAS);
  assert.equal(roundTrip(words(300, (i) => 1_000_000 + 300 * i + scrambled(i, 5))).kind, DELTAS);
});

test('words scattered within a range are packed as distances from its start', () => {
  const { kind, bits } = roundTrip(words(300, (i) => 0x3f800000 + scrambled(i, 4000)));
  assert.deepEqual({ kind, bits }, { kind: FRAME, bits: 300 * 12 });
});

test('a few words far off do not widen the codes of all others', () => {
  const { kind, bits } = roundTrip(
    words(300, (i) => (i % 100 === 50 ? 0xc2c80000 + i : 0x3f800000 + scrambled(i, 4000))),
  );
  assert.deepEqual({ kind, bits }, { kind: PATCHED, bits: 300 * 12 + 3 * 32 });
});

test('a word whose distance is the code of all ones is an exception too', () => {
  const far = new Map([
    [50, 0xc2c80000],
    [150, 0xc2c80001],
    [0, 0x3f800000],
    [7, 0x3f800000 + 4095],
  ]);
  const { kind, bits } = roundTrip(words(300, (i) => far.get(i) ?? 0x3f800000 + scrambled(i, 4000)));
  assert.deepEqual({ kind, bits }, { kind: PATCHED, bits: 300 * 12 + 3 * 32 });
});

test('few different words are packed as places in a list of them', () => {
  const { kind, bits } = roundTrip(words(300, (i) => Math.imul(scrambled(i, 16), 0x01234567) >>> 0));
  assert.equal(kind, DICTIONARY);
  assert.ok(bits <= 300 * 4 + 15 * 32);
});

test('words at both ends of their range come back in every form', () => {
  roundTrip(Uint32Array.of(0, 0xffffffff, 0, 0xffffffff, 0));
  roundTrip(words(40, (i) => (i % 2 === 0 ? i : 0xffffffff - i)));
  roundTrip(words(64, (i) => scrambled(i, 2 ** 32)));
});

test('forms that no writer makes are refused', () => {
  const refuses = (bytes: number[], message: RegExp): void => {
    assert.throws(
      () => readForm(new ByteReader(Uint8Array.from(bytes), 'form'), 5),
      (error) => error instanceof WafersyncError && error.code === 'damaged' && message.test(error.message),
    );
  };
  refuses([33], /values of 33 bits/);
  refuses([128, 1], /codes of 0 bits/);
  refuses([128 + 4, 6], /6 is over the bound of 5/);
  refuses([192 + 4, 0], /a dictionary is empty/);
});
