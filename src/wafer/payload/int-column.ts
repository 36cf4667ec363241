import { type ByteReader, type ByteWriter, signedSize, varintSize } from '../bytes.ts';
import { findPalette, paletteSize, readPalette, writePalette } from './palette.ts';

/** First bytes below this are the value of every row. */
const SMALL = 0xf0;
const ALL_NULL = 0xf0;
const CONSTANT = 0xf1;
const PLAIN = 0xf2;
const DELTAS = 0xf3;
const RUNS = 0xf4;
const NULLABLE = 0xf5;
const PALETTE = 0xf6;

/** Bounds of the values of a column, both included. */
export interface IntRange {
  readonly min: number;
  readonly max: number;
}

/** Where a column of integers is read into. */
export type IntColumn = Float64Array | Uint32Array | Int16Array;

/** Writes integers of −(2^53 − 1) to 2^53 − 1 in the shortest of the forms of docs/PAYLOAD.md. No rows, no bytes. */
export function writeInts(writer: ByteWriter, values: ArrayLike<number>): void {
  if (values.length === 0) return;
  if (isConstant(values)) writeConstant(writer, values[0]!);
  else writeVarying(writer, values);
}

/** Like {@link writeInts}, for columns in which a null may stand. */
export function writeNullableInts(writer: ByteWriter, values: readonly (number | null)[]): void {
  const present = values.filter((value) => value !== null);
  if (present.length === values.length) writeInts(writer, present);
  else if (present.length === 0) writer.u8(ALL_NULL);
  else {
    writer.u8(NULLABLE);
    writer.bytes(bitmap(values));
    writeInts(writer, present);
  }
}

/** Fills `rows` with a column of integers. @throws WafersyncError `damaged` */
export function readInts<Column extends IntColumn>(
  reader: ByteReader,
  rows: Column,
  range: IntRange,
): Column {
  if (rows.length > 0) readForm(reader, reader.u8(), rows, range);
  return rows;
}

/** Fills `rows` with a column of integers; NaN stands for null. @throws WafersyncError `damaged` */
export function readNullableInts(reader: ByteReader, rows: Float64Array, range: IntRange): Float64Array {
  if (rows.length === 0) return rows;
  const form = reader.u8();
  if (form === ALL_NULL) return rows.fill(Number.NaN);
  if (form !== NULLABLE) {
    readForm(reader, form, rows, range);
    return rows;
  }
  const present = reader.bytes((rows.length + 7) >>> 3);
  let count = 0;
  for (let i = 0; i < rows.length; i++) count += (present[i >>> 3]! >>> (i & 7)) & 1;
  const values = readInts(reader, new Float64Array(count), range);
  let next = 0;
  for (let i = 0; i < rows.length; i++) {
    rows[i] = (present[i >>> 3]! >>> (i & 7)) & 1 ? values[next++]! : Number.NaN;
  }
  return rows;
}

function isConstant(values: ArrayLike<number>): boolean {
  const first = values[0];
  for (let i = 1; i < values.length; i++) if (values[i] !== first) return false;
  return true;
}

function writeConstant(writer: ByteWriter, value: number): void {
  if (value >= 0 && value < SMALL) writer.u8(value);
  else {
    writer.u8(CONSTANT);
    writer.signed(value);
  }
}

function writeVarying(writer: ByteWriter, values: ArrayLike<number>): void {
  const best = shortestForm(values);
  const palette = findPalette(values);
  if (palette && paletteSize(palette, values.length) < best.size) {
    writer.u8(PALETTE);
    writePalette(writer, palette, values);
    return;
  }
  writer.u8(best.form);
  if (best.form === RUNS) writeRuns(writer, values);
  else if (best.form === DELTAS) writeDeltas(writer, values);
  else for (let i = 0; i < values.length; i++) writer.signed(values[i]!);
}

/** The shortest form but for a palette, and its bytes. Differences are used only where they are exact. */
function shortestForm(values: ArrayLike<number>): { form: number; size: number } {
  let plain = 0;
  let deltas = 0;
  let runs = 0;
  let runStart = 0;
  let previous = 0;
  let delta = Number.NaN;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const step = value - previous;
    const size = signedSize(step);
    plain += signedSize(value);
    deltas += Number.isSafeInteger(step) ? size : Number.POSITIVE_INFINITY;
    if (step !== delta) {
      runs += size + (i > 0 ? varintSize(i - runStart - 1) : 0);
      runStart = i;
      delta = step;
    }
    previous = value;
  }
  runs += varintSize(values.length - runStart - 1);
  if (deltas < Number.POSITIVE_INFINITY && runs < Math.min(plain, deltas)) return { form: RUNS, size: runs };
  return deltas < plain ? { form: DELTAS, size: deltas } : { form: PLAIN, size: plain };
}

function writeDeltas(writer: ByteWriter, values: ArrayLike<number>): void {
  let previous = 0;
  for (let i = 0; i < values.length; i++) {
    writer.signed(values[i]! - previous);
    previous = values[i]!;
  }
}

function writeRuns(writer: ByteWriter, values: ArrayLike<number>): void {
  let previous = 0;
  for (let i = 0; i < values.length; ) {
    const step = values[i]! - previous;
    const start = i;
    do previous = values[i++]!;
    while (i < values.length && values[i]! - previous === step);
    writer.signed(step);
    writer.varint(i - start - 1);
  }
}

function readForm(reader: ByteReader, form: number, rows: IntColumn, range: IntRange): void {
  if (form < SMALL) rows.fill(checked(reader, form, range));
  else if (form === CONSTANT) rows.fill(checked(reader, reader.signed(), range));
  else if (form === PLAIN)
    for (let i = 0; i < rows.length; i++) rows[i] = checked(reader, reader.signed(), range);
  else if (form === DELTAS) readDeltas(reader, rows, range);
  else if (form === RUNS) readRuns(reader, rows, range);
  else if (form === PALETTE) {
    readPalette(reader, rows.length, (value, i) => {
      rows[i] = checked(reader, value, range);
    });
  } else throw reader.damaged(`an integer column of form ${form} is not known here`);
}

function readDeltas(reader: ByteReader, rows: IntColumn, range: IntRange): void {
  let value = 0;
  for (let i = 0; i < rows.length; i++) {
    value = checked(reader, value + reader.signed(), range);
    rows[i] = value;
  }
}

function readRuns(reader: ByteReader, rows: IntColumn, range: IntRange): void {
  let value = 0;
  for (let i = 0; i < rows.length; ) {
    const step = reader.signed();
    const end = i + 1 + reader.varint(rows.length - i - 1);
    // Within a run values only rise or only fall: with its ends, all of it is in range.
    checked(reader, value + step, range);
    checked(reader, value + step * (end - i), range);
    for (; i < end; i++) {
      value += step;
      rows[i] = value;
    }
  }
}

function checked(reader: ByteReader, value: number, { min, max }: IntRange): number {
  if (value >= min && value <= max) return value;
  throw reader.damaged(`${value} is not within ${min} to ${max}`);
}

/** Bit i % 8 of byte i / 8 is set where row i is not null. */
function bitmap(values: readonly (number | null)[]): Uint8Array {
  const bits = new Uint8Array((values.length + 7) >>> 3);
  values.forEach((value, i) => {
    if (value !== null) bits[i >>> 3]! |= 1 << (i & 7);
  });
  return bits;
}
