import { WafersyncError } from '../errors.ts';

/** Order of the bytes in a number. */
export type ByteOrder = 'little' | 'big';

const HEADER_BYTES = 4;
const MAX_RECORD_BYTES = 0xffff;

/** Builds STDF V4 records: header and fields, in the types of the specification. Grows as needed. */
export class StdfBytes {
  readonly #little: boolean;
  #bytes = new Uint8Array(8192);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  /** Where the open record begins. */
  #start = 0;

  constructor(order: ByteOrder) {
    this.#little = order === 'little';
  }

  /** Bytes not taken yet. */
  get length(): number {
    return this.#length;
  }

  /** Adds one record. @throws WafersyncError `invalid` where it is longer than REC_LEN can say */
  record(type: number, subtype: number, fields: () => void): this {
    this.#start = this.#length;
    this.u2(0).u1(type).u1(subtype);
    fields();
    const length = this.#length - this.#start - HEADER_BYTES;
    if (length > MAX_RECORD_BYTES) {
      throw new WafersyncError('invalid', `generator: record ${type}/${subtype} has ${length} bytes`, {
        hint: 'STDF allows 65,535; ask for fewer values per test.',
      });
    }
    this.#view.setUint16(this.#start, length, this.#little);
    return this;
  }

  /** Cuts the last record in its middle. */
  cutLastRecord(): void {
    this.#length -= Math.ceil((this.#length - this.#start) / 2);
  }

  /** The bytes so far, which are the caller's; nothing is left. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  u1(value: number): this {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u2(value: number): this {
    const at = this.#room(2);
    this.#view.setUint16(at, value, this.#little);
    return this;
  }

  u4(value: number): this {
    const at = this.#room(4);
    this.#view.setUint32(at, value, this.#little);
    return this;
  }

  i1(value: number): this {
    const at = this.#room(1);
    this.#view.setInt8(at, value);
    return this;
  }

  i2(value: number): this {
    const at = this.#room(2);
    this.#view.setInt16(at, value, this.#little);
    return this;
  }

  /** R*4; NaN always as the bits 7fc00000, so that files are alike on every machine. */
  r4(value: number): this {
    if (Number.isNaN(value)) return this.u4(0x7fc00000);
    const at = this.#room(4);
    this.#view.setFloat32(at, value, this.#little);
    return this;
  }

  /** C*1, an ASCII character. */
  c1(character: string): this {
    return this.u1(character.charCodeAt(0));
  }

  /** C*n: a length byte and UTF-8. @throws WafersyncError `invalid` beyond 255 bytes */
  cn(text: string): this {
    const bytes = Buffer.from(text, 'utf8');
    if (bytes.length > 255) {
      throw new WafersyncError('invalid', `generator: text of ${bytes.length} bytes`, {
        hint: 'STDF allows 255.',
      });
    }
    this.u1(bytes.length);
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** D*n without bits. */
  noBits(): this {
    return this.u2(0);
  }

  /** N*1 array: two to a byte, the first in the low half. */
  nibbles(values: readonly number[]): this {
    for (let i = 0; i < values.length; i += 2) this.u1((values[i] ?? 0) | ((values[i + 1] ?? 0) << 4));
    return this;
  }

  /** Offset of that many new bytes. May replace the view: call it before reading #view. */
  #room(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
