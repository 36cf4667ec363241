import type { ByteReader, ByteWriter } from '../bytes.ts';

/** 0 to 22, the scale: the value is word / 10^scale, the word being signed. */
const DECIMAL = 0;
/** 32 to 54, 32 + scale: the value is (offset + word) / 10^scale, the word being unsigned. */
const OFFSET_DECIMAL = 32;
/** The words are the bits of the values as float32. */
const NARROWED = 64;
/** Two streams: the lower words of the values' bits, then the upper ones. */
const HALVES = 65;

/** 10^22 is the greatest power of ten that a float64 holds exactly. */
const MAX_SCALE = 22;
const POWERS = Array.from({ length: MAX_SCALE + 1 }, (_, scale) => 10 ** scale);

/** How float64 values become words. */
export interface WideForm {
  readonly form: number;
  /** 0 but where the form has one. */
  readonly offset: number;
}

/** A form and the streams of words that it makes of a column. */
export interface WidePlan extends WideForm {
  readonly streams: readonly Uint32Array[];
}

/** Streams of words that a form has. */
export function streamCount({ form }: WideForm): number {
  return form === HALVES ? 2 : 1;
}

/** Chooses a form for values given as pairs of words, the lower one first. */
export function planWide(pairs: Uint32Array): WidePlan {
  const values = new Float64Array(pairs.slice().buffer);
  return (
    planDecimals(values) ?? planNarrowed(pairs, values) ?? { form: HALVES, offset: 0, streams: halves(pairs) }
  );
}

/** Writes a form. */
export function writeWideForm(writer: ByteWriter, { form, offset }: WideForm): void {
  writer.u8(form);
  if (isOffset(form)) writer.signed(offset);
}

/** Reads a form. @throws WafersyncError `damaged` */
export function readWideForm(reader: ByteReader): WideForm {
  const form = reader.u8();
  const known = form <= MAX_SCALE || isOffset(form) || form === NARROWED || form === HALVES;
  if (!known) throw reader.damaged(`float64 values of form ${form} are not known here`);
  return { form, offset: isOffset(form) ? reader.signed() : 0 };
}

/** Values of the streams that a form made, as pairs of words, the lower one first. */
export function widen({ form, offset }: WideForm, streams: readonly Uint32Array[]): Uint32Array {
  const words = streams[0]!;
  const values = new Float64Array(words.length);
  const pairs = new Uint32Array(values.buffer);
  if (form === HALVES) join(pairs, words, streams[1]!);
  else if (form === NARROWED) widenFloats(pairs, values, words);
  else if (isOffset(form)) {
    const power = POWERS[form - OFFSET_DECIMAL]!;
    for (let i = 0; i < words.length; i++) values[i] = (offset + words[i]!) / power;
  } else {
    const power = POWERS[form]!;
    for (let i = 0; i < words.length; i++) values[i] = (words[i]! | 0) / power;
  }
  return pairs;
}

function isOffset(form: number): boolean {
  return form >= OFFSET_DECIMAL && form <= OFFSET_DECIMAL + MAX_SCALE;
}

function planDecimals(values: Float64Array): WidePlan | null {
  const scale = commonScale(values);
  if (scale < 0) return null;
  const power = POWERS[scale]!;
  const integers = values.map((value) => Math.round(value * power));
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const integer = integers[i]!;
    if (!isDecimal(values[i]!, integer, power)) return null;
    least = Math.min(least, integer);
    most = Math.max(most, integer);
  }
  if (least >= -(2 ** 31) && most < 2 ** 31) {
    return { form: DECIMAL + scale, offset: 0, streams: [new Uint32Array(integers)] };
  }
  if (most - least >= 2 ** 32) return null;
  const words = new Uint32Array(integers.map((integer) => integer - least));
  return { form: OFFSET_DECIMAL + scale, offset: least, streams: [words] };
}

/** The smallest scale at which each value seems to be an integer; −1 where there is none. */
function commonScale(values: Float64Array): number {
  let scale = 0;
  for (const value of values) {
    while (!isDecimal(value, Math.round(value * POWERS[scale]!), POWERS[scale]!)) {
      if (++scale > MAX_SCALE) return -1;
    }
  }
  return scale;
}

/** Whether a decoder gets the value, bit for bit, from the integer. NaN, infinities and −0 never come from one. */
function isDecimal(value: number, integer: number, power: number): boolean {
  return Number.isSafeInteger(integer) && integer / power === value && !Object.is(value, -0);
}

/** Float32 bits where all values survive in them, NaNs with what they carry. */
function planNarrowed(pairs: Uint32Array, values: Float64Array): WidePlan | null {
  const floats = new Float32Array(values);
  const words = new Uint32Array(floats.buffer);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) {
      if ((pairs[2 * i]! & 0x1fffffff) !== 0) return null;
      const upper = pairs[2 * i + 1]!;
      words[i] = (upper & 0x80000000) | 0x7f800000 | ((upper & 0xfffff) << 3) | (pairs[2 * i]! >>> 29);
    } else if (floats[i] !== value) return null;
  }
  return { form: NARROWED, offset: 0, streams: [words] };
}

/** NaNs go bit by bit: a processor may change what they carry. */
function widenFloats(pairs: Uint32Array, values: Float64Array, words: Uint32Array): void {
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (Number.isNaN(floats[i])) {
      pairs[2 * i] = (word & 7) << 29;
      pairs[2 * i + 1] = (word & 0x80000000) | 0x7ff00000 | ((word & 0x7fffff) >>> 3);
    } else values[i] = floats[i]!;
  }
}

function halves(pairs: Uint32Array): [Uint32Array, Uint32Array] {
  const lower = new Uint32Array(pairs.length / 2);
  return [lower.map((_, i) => pairs[2 * i]!), lower.map((_, i) => pairs[2 * i + 1]!)];
}

function join(pairs: Uint32Array, lower: Uint32Array, upper: Uint32Array): void {
  for (let i = 0; i < lower.length; i++) {
    pairs[2 * i] = lower[i]!;
    pairs[2 * i + 1] = upper[i]!;
  }
}
