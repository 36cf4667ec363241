import type { ByteReader, ByteWriter } from '../bytes.ts';
import { type BitReader, type BitWriter, bitLength } from './bits.ts';

/** Zigzag differences from word to word, modulo 2^32; the base is the first word. Width 0: all words are equal. */
export const DELTAS = 0;
/** Distances from the base, which is the least word. */
export const FRAME = 1;
/** As a frame, but the code of all ones stands for a word that follows behind the codes in 32 bits. */
export const PATCHED = 2;
/** Numbers of entries in a sorted list of the words that occur; the list follows as gaps, its first entry is the base. */
export const DICTIONARY = 3;

/** Words (unsigned 32-bit integers) of one column and how they are packed. */
export interface StreamForm {
  /** How many words. */
  readonly length: number;
  readonly kind: number;
  /** Bits of a code; of a gap in a dictionary. 0 to 32. */
  readonly width: number;
  /** Words outside the frame, or entries of the dictionary; else 0. */
  readonly extra: number;
}

/** How words are best packed, with what packing them needs. */
export interface StreamPlan extends StreamForm {
  readonly base: number;
  /** The words in ascending order; empty where not needed. */
  readonly sorted: Uint32Array;
}

/** The form of a single word. */
const SINGLE: StreamForm = { length: 1, kind: DELTAS, width: 0, extra: 0 };

/** Bits that the codes of a stream take. */
export function streamBits({ length, kind, width, extra }: StreamForm): number {
  if (kind === DELTAS) return width * (length - 1);
  if (kind === FRAME) return width * length;
  if (kind === PATCHED) return width * length + 32 * extra;
  return width * (extra - 1) + bitLength(extra - 1) * length;
}

/** Writes the form of a stream, its length and base left out. A single word has no form. */
export function writeForm(writer: ByteWriter, { length, kind, width, extra }: StreamForm): void {
  if (length === 1) return;
  writer.u8(kind * 64 + width);
  if (kind >= PATCHED) writer.varint(extra);
}

/** Reads the form of a stream of `length` ≥ 1 words. @throws WafersyncError `damaged` */
export function readForm(reader: ByteReader, length: number): StreamForm {
  if (length === 1) return SINGLE;
  const code = reader.u8();
  const kind = code >>> 6;
  const width = code & 63;
  const extra = kind >= PATCHED ? reader.varint(length) : 0;
  if (width > 32) throw reader.damaged(`values of ${width} bits are announced`);
  if (kind === PATCHED && width === 0) throw reader.damaged('a patched frame has codes of 0 bits');
  if (kind === DICTIONARY && extra === 0) throw reader.damaged('a dictionary is empty');
  return { length, kind, width, extra };
}

/** Packs words as planned. */
export function packStream(bits: BitWriter, plan: StreamPlan, words: Uint32Array): void {
  bits.reserve(streamBits(plan));
  if (plan.kind === DELTAS) packDeltas(bits, plan, words);
  else if (plan.kind === FRAME) for (const word of words) bits.write(word - plan.base, plan.width);
  else if (plan.kind === PATCHED) packPatched(bits, plan, words);
  else packDictionary(bits, plan, words);
}

function packDeltas(bits: BitWriter, { width }: StreamPlan, words: Uint32Array): void {
  if (width === 0) return;
  for (let i = 1; i < words.length; i++) bits.write(zigzag(words[i]! - words[i - 1]!), width);
}

function packPatched(bits: BitWriter, { base, width }: StreamPlan, words: Uint32Array): void {
  const outside = 2 ** width - 1;
  const fits = (word: number) => word >= base && word - base < outside;
  for (const word of words) bits.write(fits(word) ? word - base : outside, width);
  for (const word of words) if (!fits(word)) bits.write(word, 32);
}

function packDictionary(
  bits: BitWriter,
  { width, extra, base, sorted }: StreamPlan,
  words: Uint32Array,
): void {
  const entries = new Uint32Array(extra);
  let count = 0;
  let previous = base;
  for (const word of sorted) {
    if (count > 0 && word === previous) continue;
    if (count > 0) bits.write(word - previous, width);
    entries[count++] = word;
    previous = word;
  }
  const codeWidth = bitLength(extra - 1);
  for (const word of words) bits.write(indexOf(entries, word), codeWidth);
}

function indexOf(entries: Uint32Array, word: number): number {
  let low = 0;
  let high = entries.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]! < word) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Unpacks a stream into `words`, which has its length. Any bits give some words. */
export function unpackStream(
  bits: BitReader,
  { kind, width, extra }: StreamForm,
  base: number,
  words: Uint32Array,
): void {
  if (kind === DELTAS) unpackDeltas(bits, width, base, words);
  else if (kind === DICTIONARY) unpackDictionary(bits, width, extra, base, words);
  else for (let i = 0; i < words.length; i++) words[i] = base + bits.read(width);
  if (kind === PATCHED) patch(bits, width, base, extra, words);
}

function unpackDeltas(bits: BitReader, width: number, base: number, words: Uint32Array): void {
  if (width === 0) {
    words.fill(base);
    return;
  }
  let word = base;
  words[0] = word;
  for (let i = 1; i < words.length; i++) {
    const code = bits.read(width);
    word = (word + ((code >>> 1) ^ -(code & 1))) >>> 0;
    words[i] = word;
  }
}

function patch(bits: BitReader, width: number, base: number, extra: number, words: Uint32Array): void {
  const outside = (base + 2 ** width - 1) >>> 0;
  let left = extra;
  for (let i = 0; i < words.length && left > 0; i++) {
    if (words[i] !== outside) continue;
    words[i] = bits.read(32);
    left--;
  }
}

function unpackDictionary(
  bits: BitReader,
  width: number,
  entryCount: number,
  base: number,
  words: Uint32Array,
): void {
  const entries = new Uint32Array(entryCount);
  entries[0] = base;
  for (let i = 1; i < entryCount; i++) entries[i] = entries[i - 1]! + bits.read(width);
  const codeWidth = bitLength(entryCount - 1);
  for (let i = 0; i < words.length; i++) words[i] = entries[bits.read(codeWidth)] ?? 0;
}

/** The difference of two words modulo 2^32 as 0, −1, 1, −2, … ↦ 0, 1, 2, 3, … */
export function zigzag(difference: number): number {
  const wrapped = difference | 0;
  return ((wrapped << 1) ^ (wrapped >> 31)) >>> 0;
}
