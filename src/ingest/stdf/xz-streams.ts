const NOTHING = Buffer.alloc(0);

const MAGIC = Buffer.from('\xfd7zXZ\0', 'latin1');
const HEADER_BYTES = 12;
/** CRC of the index, and the footer. */
const TAIL_BYTES = 4 + 12;
/** Bytes of a block's checksum, by its id. */
const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];

/** First bytes of an LZMA2 chunk: its kind. */
const LAST_CHUNK = 0;
const LZMA = 0x80;
const LZMA_WITH_PROPERTIES = 0xc0;

/** Thrown where the input ends within a stream. */
class InputEnd extends Error {}

/**
 * Tells where xz streams end, without decompressing them: the library does not say, and loses what it has decompressed
 * when something else follows. Source: The .xz File Format 1.2; for LZMA2, xz-embedded's xz_dec_lzma2.c.
 */
export class XzStreams {
  readonly #next: () => Uint8Array | null;
  #data: Buffer = NOTHING;
  #isCut = false;

  /** `next` gives input, null at its end. */
  constructor(next: () => Uint8Array | null) {
    this.#next = next;
  }

  /** Whether the input ended within a stream. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Passes padding by; whether a stream follows. What else follows is left alone. */
  begin(): boolean {
    while (this.#need(1) && this.#data[0] === 0) this.#data = this.#data.subarray(1);
    this.#need(MAGIC.length);
    return this.#data.subarray(0, MAGIC.length).equals(MAGIC);
  }

  /** The bytes of the stream that begins here. */
  *read(): Generator<Uint8Array> {
    try {
      const header = this.#take(HEADER_BYTES);
      yield header;
      yield* this.#blocks(CHECK_BYTES[header[7]! & 0x0f]!);
      yield* this.#index();
    } catch (error) {
      if (!(error instanceof InputEnd)) throw error;
      this.#isCut = true;
    }
  }

  /** Blocks, and the 0 that begins the index. */
  *#blocks(checkBytes: number): Generator<Uint8Array> {
    for (;;) {
      const size = this.#take(1);
      yield size;
      if (size[0] === 0) return;
      yield* this.#pass((size[0]! + 1) * 4 - 1);
      const bytes = yield* this.#chunks();
      yield* this.#pass(-bytes & 3);
      yield* this.#pass(checkBytes);
    }
  }

  /** The LZMA2 chunks of a block; returns how many bytes they take. */
  *#chunks(): Generator<Uint8Array, number> {
    for (let bytes = 1; ; bytes++) {
      const kind = this.#take(1);
      yield kind;
      if (kind[0] === LAST_CHUNK) return bytes;
      const head = this.#take(headBytes(kind[0]!));
      yield head;
      const data = head.readUInt16BE(kind[0]! >= LZMA ? 2 : 0);
      yield* this.#pass(data + 1);
      bytes += head.length + data + 1;
    }
  }

  /** The index, behind its first byte, and the footer. */
  *#index(): Generator<Uint8Array> {
    const blocks = yield* this.#number();
    let bytes = 1 + blocks.bytes;
    for (let left = 2 * blocks.value; left > 0; left--) bytes += (yield* this.#number()).bytes;
    yield* this.#pass((-bytes & 3) + TAIL_BYTES);
  }

  /** A number, 7 bits to a byte, low ones first, and how many bytes it takes. */
  *#number(): Generator<Uint8Array, { value: number; bytes: number }> {
    let value = 0;
    for (let bytes = 1; ; bytes++) {
      const byte = this.#take(1);
      yield byte;
      value += (byte[0]! & 0x7f) * 2 ** (7 * bytes - 7);
      if (byte[0]! < 0x80) return { value, bytes };
    }
  }

  /** Passes bytes on as they come. */
  *#pass(count: number): Generator<Uint8Array> {
    for (let left = count; left > 0; ) {
      if (!this.#need(1)) throw new InputEnd();
      const piece = this.#data.subarray(0, left);
      this.#data = this.#data.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  /** A few bytes at once. */
  #take(count: number): Buffer {
    if (!this.#need(count)) throw new InputEnd();
    const taken = this.#data.subarray(0, count);
    this.#data = this.#data.subarray(count);
    return taken;
  }

  /** Reads until that many bytes are there; false if the input ends before. */
  #need(count: number): boolean {
    while (this.#data.length < count) {
      const input = this.#next();
      if (!input) return false;
      this.#data = Buffer.concat([this.#data, input]);
    }
    return true;
  }
}

/** Bytes behind the kind of a chunk, before its data. A damaged kind is taken for one of them: the library finds it. */
function headBytes(kind: number): number {
  if (kind >= LZMA_WITH_PROPERTIES) return 5;
  return kind >= LZMA ? 4 : 2;
}
