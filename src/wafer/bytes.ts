import { WafersyncError } from '../errors.ts';

const SAFE = Number.MAX_SAFE_INTEGER;
const encoder = new TextEncoder();
/** The byte order mark is text like any other, and stays. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Writes bytes, integers and text into a buffer that grows. Integers are LEB128: seven bits a byte, the lowest
 * first, bit 7 set where more follow. Signed ones are zigzag: 0, −1, 1, −2, … are 0, 1, 2, 3, …
 */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  /** Invariant: ≤ #bytes.length. */
  #length = 0;

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** One byte, 0 to 255. */
  u8(value: number): void {
    if (this.#length === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** An integer of 0 to 2^53 − 1 in 1 to 8 bytes. */
  varint(value: number): void {
    let rest = value;
    while (rest > 0x7fffffff) {
      this.u8((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.u8(rest);
  }

  /** An integer of −(2^53 − 1) to 2^53 − 1 in 1 to 8 bytes. −0 becomes 0. */
  signed(value: number): void {
    // Twice the value would not be exact near 2^53, so the lowest six bits and the sign go first.
    const magnitude = value < 0 ? -value - 1 : value;
    const first = ((magnitude % 64) << 1) | (value < 0 ? 1 : 0);
    if (magnitude < 64) {
      this.u8(first);
      return;
    }
    this.u8(first | 0x80);
    this.varint(Math.floor(magnitude / 64));
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Its length in UTF-8 as varint, then the text in UTF-8. The text must be well formed. */
  text(text: string): void {
    const utf8 = encoder.encode(text);
    this.varint(utf8.length);
    this.bytes(utf8);
  }

  /** What was written, until more is. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/**
 * Reads what a {@link ByteWriter} wrote, from bytes that anyone may have made.
 * Every method throws a WafersyncError `damaged` where the bytes do not hold what is asked for.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  /** What is read, for messages: `payload`, `test program`. */
  readonly #subject: string;
  /** Invariant: ≤ #bytes.length. */
  #position = 0;

  constructor(bytes: Uint8Array, subject: string) {
    this.#bytes = bytes;
    this.#subject = subject;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  u8(): number {
    const byte = this.#bytes[this.#position];
    if (byte === undefined) throw this.damaged('it ends too early');
    this.#position++;
    return byte;
  }

  /** An integer of 0 to `max`. */
  varint(max = SAFE): number {
    let byte = this.u8();
    if (byte < 0x80 && byte <= max) return byte;
    let value = byte & 0x7f;
    for (let scale = 128; byte >= 0x80; scale *= 128) {
      if (scale > SAFE) throw this.damaged('an integer has more than 8 bytes');
      byte = this.u8();
      value += (byte & 0x7f) * scale;
    }
    if (value > max) throw this.damaged(`${value} is over the bound of ${max}`);
    return value;
  }

  /** An integer of −(2^53 − 1) to 2^53 − 1. */
  signed(): number {
    const first = this.u8();
    const rest = first < 0x80 ? 0 : this.varint((SAFE + 1) / 64 - 1);
    const magnitude = rest * 64 + ((first >>> 1) & 0x3f);
    if ((first & 1) === 0) return magnitude;
    if (magnitude === SAFE) throw this.damaged('an integer is under −(2^53 − 1)');
    return -magnitude - 1;
  }

  /** A view of the next `count` bytes. */
  bytes(count: number): Uint8Array {
    if (count > this.remaining)
      throw this.damaged(`${count} bytes are announced and ${this.remaining} follow`);
    this.#position += count;
    return this.#bytes.subarray(this.#position - count, this.#position);
  }

  /** A text of at most `maxBytes` bytes of UTF-8. */
  text(maxBytes: number): string {
    return this.utf8(this.bytes(this.varint(maxBytes)));
  }

  /** The text that bytes are the UTF-8 of. */
  utf8(bytes: Uint8Array): string {
    try {
      return decoder.decode(bytes);
    } catch (cause) {
      throw this.damaged('a text is not UTF-8', cause);
    }
  }

  /** Checks that all was read. */
  end(): void {
    if (this.remaining > 0) throw this.damaged(`${this.remaining} bytes follow its end`);
  }

  /** The error for a law of the layout that the bytes break. */
  damaged(law: string, cause?: unknown): WafersyncError {
    return new WafersyncError('damaged', `the ${this.#subject} cannot be read: ${law}`, {
      hint: 'The bytes are not what was written. Fetch them again from another fab.',
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/** Bytes that {@link ByteWriter.signed} takes for a value. */
export function signedSize(value: number): number {
  let size = 1;
  for (let rest = Math.floor((value < 0 ? -value - 1 : value) / 64); rest > 0; rest = Math.floor(rest / 128))
    size++;
  return size;
}

/** Bytes that {@link ByteWriter.varint} takes for a value. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) size++;
  return size;
}
