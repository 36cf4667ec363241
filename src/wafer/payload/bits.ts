/** Bits that an unsigned 32-bit value takes; 0 for 0. */
export function bitLength(value: number): number {
  return 32 - Math.clz32(value);
}

/** Writes values of 0 to 32 bits one behind the other, the lowest bit first: bit i is bit i % 8 of byte i / 8. */
export class BitWriter {
  #bytes = new Uint8Array(0);
  /** Whole bytes written. */
  #length = 0;
  /** Bits that do not fill a byte yet. Invariant: #pending < 2^#count. */
  #pending = 0;
  /** Invariant: 0 to 7 between calls. */
  #count = 0;

  /** Makes room for `bits` more, so that {@link write} need not look. */
  reserve(bits: number): void {
    const needed = this.#length + Math.ceil(bits / 8) + 8;
    if (bits === 0 || needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(256, this.#bytes.length * 2, needed));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  /** The lowest `width` bits of `value`; the others must be 0. Room must be reserved. */
  write(value: number, width: number): void {
    if (width > 24) {
      this.#add(value & 0xffff, 16);
      this.#add(value >>> 16, width - 16);
    } else this.#add(value, width);
  }

  /** What was written, until more is; the last byte is filled with zeros. */
  view(): Uint8Array {
    if (this.#count === 0) return this.#bytes.subarray(0, this.#length);
    this.#bytes[this.#length] = this.#pending;
    return this.#bytes.subarray(0, this.#length + 1);
  }

  #add(value: number, width: number): void {
    let pending = this.#pending | (value << this.#count);
    let count = this.#count + width;
    while (count >= 8) {
      this.#bytes[this.#length++] = pending;
      pending >>>= 8;
      count -= 8;
    }
    this.#pending = pending;
    this.#count = count;
  }
}

/** Reads what a {@link BitWriter} wrote. The caller knows how many bits there are, at most 2^31. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    // Eight bytes of zeros behind the end let every read load four whole bytes.
    this.#bytes = new Uint8Array(bytes.length + 8);
    this.#bytes.set(bytes);
  }

  /** Goes to a bit. */
  seek(bit: number): void {
    this.#position = bit;
  }

  /** The next `width` bits, 0 to 32, as an unsigned value. */
  read(width: number): number {
    if (width <= 24) return this.#load(width);
    const low = this.#load(16);
    return (low | (this.#load(width - 16) << 16)) >>> 0;
  }

  #load(width: number): number {
    const bytes = this.#bytes;
    const byte = this.#position >>> 3;
    const word = bytes[byte]! | (bytes[byte + 1]! << 8) | (bytes[byte + 2]! << 16) | (bytes[byte + 3]! << 24);
    const bits = (word >>> (this.#position & 7)) & ((1 << width) - 1);
    this.#position += width;
    return bits;
  }
}
