import { vaxFloat32Bits } from './float32.ts';
import { decodeText } from './text.ts';

/** What a number reads as where the record ended before it. */
export const ABSENT = -1;

/** How numbers are written in a file. */
export interface NumberFormat {
  readonly bigEndian: boolean;
  /** Floats are VAX F_floating (FAR CPU_TYPE 0). */
  readonly vax: boolean;
}

/**
 * A cursor over the fields of one record, used again for each record.
 *
 * Records may end early, and a field may overrun its record. Either way that field and all after it are absent:
 * numbers read as {@link ABSENT}, texts as empty.
 *
 * Invariant: start ≤ at ≤ end ≤ buffer.length.
 */
export class Body {
  buffer: Buffer = Buffer.alloc(0);
  at = 0;
  end = 0;
  /** Where the bytes of the text last passed by {@link passText} stand; equal where it is empty or absent. */
  textStart = 0;
  textEnd = 0;
  readonly #bigEndian: boolean;
  readonly #vax: boolean;

  constructor(format: NumberFormat) {
    this.#bigEndian = format.bigEndian;
    this.#vax = format.vax;
  }

  /** Points the cursor at the first field of a record. */
  over(buffer: Buffer, start: number, end: number): this {
    this.buffer = buffer;
    this.at = start;
    this.end = end;
    return this;
  }

  /** U1, B1 or the code of a C1. */
  u1(): number {
    return this.at < this.end ? this.buffer[this.at++]! : ABSENT;
  }

  /** U2. */
  u2(): number {
    const at = this.pass(2);
    return at < 0 ? ABSENT : this.#u2At(at);
  }

  /** U4. */
  u4(): number {
    const at = this.pass(4);
    return at < 0 ? ABSENT : this.#u4At(at);
  }

  /** I2; `missing` where absent. */
  i2(missing: number): number {
    const value = this.u2();
    return value < 0 ? missing : (value << 16) >> 16;
  }

  /** Bits of a R4 as float32: never through a number, so that NaN payloads survive. */
  f4(): number {
    const at = this.pass(4);
    return at < 0 ? ABSENT : this.f4At(at);
  }

  /** Bits of the R4 at a place in the buffer. */
  f4At(at: number): number {
    if (!this.#vax) return this.#u4At(at);
    return vaxFloat32Bits(this.buffer.readUInt16LE(at), this.buffer.readUInt16LE(at + 2));
  }

  /** Cn, decoded. */
  text(): string {
    this.passText();
    return decodeText(this.buffer, this.textStart, this.textEnd);
  }

  /** Passes a Cn without decoding it; {@link textStart} and {@link textEnd} tell where its bytes are. */
  passText(): void {
    const length = this.u1();
    const at = length < 0 ? ABSENT : this.pass(length);
    this.textStart = at < 0 ? 0 : at;
    this.textEnd = at < 0 ? 0 : at + length;
  }

  /** Passes a Dn: a bit count, then the bits. */
  passBits(): void {
    const bits = this.u2();
    if (bits > 0) this.pass((bits + 7) >>> 3);
  }

  /** Passes `bytes` bytes and tells where they begin. Where they overrun the record, the rest of it is absent. */
  pass(bytes: number): number {
    const at = this.at;
    if (bytes > this.end - at) {
      this.at = this.end;
      return ABSENT;
    }
    this.at = at + bytes;
    return at;
  }

  #u2At(at: number): number {
    const buffer = this.buffer;
    return this.#bigEndian ? (buffer[at]! << 8) | buffer[at + 1]! : buffer[at]! | (buffer[at + 1]! << 8);
  }

  #u4At(at: number): number {
    const buffer = this.buffer;
    const [a, b, c, d] = [buffer[at]!, buffer[at + 1]!, buffer[at + 2]!, buffer[at + 3]!];
    return (
      (this.#bigEndian ? (a << 24) | (b << 16) | (c << 8) | d : a | (b << 8) | (c << 16) | (d << 24)) >>> 0
    );
  }
}
