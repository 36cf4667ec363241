import type { ByteReader } from '../bytes.ts';
import { BitReader } from './bits.ts';
import type { Column } from './grid.ts';
import { readWideForm, streamCount, type WideForm, widen } from './wide-column.ts';
import { readForm, type StreamForm, streamBits, unpackStream } from './word-stream.ts';

/** Values of columns, packed; they are unpacked column by column, as they are asked for. */
export class PackedColumns {
  readonly #starts: Uint32Array;
  readonly #wide: readonly (WideForm | null)[];
  readonly #streams: readonly StreamForm[];
  /** Stream with which each column begins. */
  readonly #firstStream: Uint32Array;
  /** Bit at which the codes of each stream begin. */
  readonly #firstBit: Uint32Array;
  readonly #bases: Uint32Array;
  readonly #codes: BitReader;

  /**
   * @param heads the section of heads
   * @param codes all bytes of the payload behind it
   * @param starts word at which the values of each column begin, see ColumnValues
   * @throws WafersyncError `damaged`
   */
  constructor(heads: ByteReader, codes: ByteReader, columns: readonly Column[], starts: Uint32Array) {
    const forms: (WideForm | null)[] = [];
    const streams: StreamForm[] = [];
    this.#firstStream = new Uint32Array(columns.length);
    for (let column = 0; column < columns.length; column++) {
      this.#firstStream[column] = streams.length;
      const words = starts[column + 1]! - starts[column]!;
      forms.push(readStreams(heads, streams, columns[column]!.wide, words));
    }
    this.#starts = starts;
    this.#wide = forms;
    this.#streams = streams;
    this.#bases = readPlanes(heads, streams.length);
    heads.end();
    this.#firstBit = new Uint32Array(streams.length);
    this.#codes = openCodes(codes, streams, this.#firstBit);
  }

  /** Bits of the values of a column. */
  words(column: number): Uint32Array {
    const words = new Uint32Array(this.#starts[column + 1]! - this.#starts[column]!);
    this.unpack(column, words);
    return words;
  }

  /** Unpacks the values of a column into `words`, which has room for just them. */
  unpack(column: number, words: Uint32Array): void {
    if (words.length === 0) return;
    const first = this.#firstStream[column]!;
    const form = this.#wide[column]!;
    if (form === null) this.#unpackStream(first, words);
    else {
      const streams = Array.from({ length: streamCount(form) }, () => new Uint32Array(words.length / 2));
      streams.forEach((stream, i) => {
        this.#unpackStream(first + i, stream);
      });
      words.set(widen(form, streams));
    }
  }

  #unpackStream(stream: number, words: Uint32Array): void {
    this.#codes.seek(this.#firstBit[stream]!);
    unpackStream(this.#codes, this.#streams[stream]!, this.#bases[stream]!, words);
  }
}

/** Reads the forms of a column's streams; gives the form of its float64 values. */
function readStreams(
  heads: ByteReader,
  streams: StreamForm[],
  wide: boolean,
  words: number,
): WideForm | null {
  if (words === 0) return null;
  if (!wide) {
    streams.push(readForm(heads, words));
    return null;
  }
  const form = readWideForm(heads);
  for (let i = streamCount(form); i > 0; i--) streams.push(readForm(heads, words / 2));
  return form;
}

function readPlanes(heads: ByteReader, count: number): Uint32Array {
  const words = new Uint32Array(count);
  for (let plane = 0; plane < 4; plane++) {
    const bytes = heads.bytes(count);
    for (let i = 0; i < count; i++) words[i] = (words[i]! << 8) | bytes[i]!;
  }
  return words;
}

function openCodes(codes: ByteReader, streams: readonly StreamForm[], firstBit: Uint32Array): BitReader {
  let bits = 0;
  for (let i = 0; i < streams.length; i++) {
    firstBit[i] = bits;
    bits += streamBits(streams[i]!);
  }
  const bytes = Math.ceil(bits / 8);
  if (bytes !== codes.remaining)
    throw codes.damaged(`${codes.remaining} bytes of codes follow instead of ${bytes}`);
  return new BitReader(codes.bytes(bytes));
}
