import { ByteWriter } from '../bytes.ts';
import { BitWriter } from './bits.ts';
import type { ColumnValues } from './column-values.ts';
import type { Column } from './grid.ts';
import { planStream } from './plan-stream.ts';
import { writeSection } from './section.ts';
import { planWide, writeWideForm } from './wide-column.ts';
import { packStream, writeForm } from './word-stream.ts';

/** Heads of this many bytes are worth a try to deflate them; if they repeat a lot, fewer bytes are. */
const DEFLATE_FROM = 512;
const DEFLATE_REPEATS_FROM = 96;

/** Writes the values of columns: a section of heads (their forms and bases), then their codes. */
export function packColumns(writer: ByteWriter, columns: readonly Column[], values: ColumnValues): void {
  const packer = new Packer();
  columns.forEach(({ wide }, column) => {
    const start = values.starts[column]!;
    const end = values.starts[column + 1]!;
    if (end === start) return;
    if (wide) packer.addWide(values.words.subarray(start, end));
    else if (end === start + 1) packer.addSingle(values.words[start]!);
    else packer.add(values.words.subarray(start, end));
  });
  packer.write(writer);
}

class Packer {
  readonly #heads = new ByteWriter(512);
  readonly #codes = new BitWriter();
  readonly #bases: number[] = [];

  /** A stream of one word is nothing but its base. */
  addSingle(word: number): void {
    this.#bases.push(word);
  }

  add(words: Uint32Array): void {
    const plan = planStream(words);
    writeForm(this.#heads, plan);
    this.#bases.push(plan.base);
    packStream(this.#codes, plan, words);
  }

  addWide(pairs: Uint32Array): void {
    const plan = planWide(pairs);
    writeWideForm(this.#heads, plan);
    for (const words of plan.streams) this.add(words);
  }

  write(writer: ByteWriter): void {
    this.#writeBases();
    const heads = this.#heads.view();
    writeSection(writer, heads, heads.length >= DEFLATE_FROM || isRepetitive(heads));
    writer.bytes(this.#codes.view());
  }

  /** Byte planes: all highest bytes, then all second ones, and so on, since neighbours there are alike. */
  #writeBases(): void {
    for (const shift of [24, 16, 8, 0])
      for (const base of this.#bases) this.#heads.u8((base >>> shift) & 0xff);
  }
}

/** Whether deflating pays even for few bytes: an eighth of them equal the one before. */
function isRepetitive(bytes: Uint8Array): boolean {
  if (bytes.length < DEFLATE_REPEATS_FROM) return false;
  let repeats = 0;
  for (let i = 1; i < bytes.length; i++) if (bytes[i] === bytes[i - 1]) repeats++;
  return repeats * 8 >= bytes.length;
}
