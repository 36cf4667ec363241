import { type ByteReader, type ByteWriter, signedSize } from '../bytes.ts';
import { BitReader, BitWriter, bitLength } from './bits.ts';

/** Most values that a palette names. */
const MAX_PALETTE = 16;

/** The different values of a column, in the order of their first rows; null where they are too many. */
export function findPalette(values: ArrayLike<number>): number[] | null {
  const palette: number[] = [];
  let previous = Number.NaN;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value === previous) continue;
    previous = value;
    if (palette.includes(value)) continue;
    if (palette.length === MAX_PALETTE) return null;
    palette.push(value);
  }
  return palette;
}

/** Bytes of a column of `rows` rows with a palette of two values or more. */
export function paletteSize(palette: readonly number[], rows: number): number {
  const values = palette.reduce((sum, value) => sum + signedSize(value), 1);
  return values + Math.ceil((rows * bitLength(palette.length - 1)) / 8);
}

/** Writes the palette, then the place of each row's value in it, in as few bits as places need. */
export function writePalette(
  writer: ByteWriter,
  palette: readonly number[],
  values: ArrayLike<number>,
): void {
  writer.u8(palette.length);
  for (const value of palette) writer.signed(value);
  const width = bitLength(palette.length - 1);
  const bits = new BitWriter();
  bits.reserve(width * values.length);
  for (let i = 0; i < values.length; i++) bits.write(palette.indexOf(values[i]!), width);
  writer.bytes(bits.view());
}

/** Reads what {@link writePalette} wrote: calls `row` with each value. @throws WafersyncError `damaged` */
export function readPalette(reader: ByteReader, rows: number, row: (value: number, i: number) => void): void {
  const size = reader.u8();
  if (size < 1 || size > MAX_PALETTE) throw reader.damaged(`a palette names ${size} values`);
  const palette = Array.from({ length: size }, () => reader.signed());
  const width = bitLength(size - 1);
  const bits = new BitReader(reader.bytes(Math.ceil((rows * width) / 8)));
  for (let i = 0; i < rows; i++) {
    const value = palette[bits.read(width)];
    if (value === undefined) throw reader.damaged('a row has none of the values of its palette');
    row(value, i);
  }
}
