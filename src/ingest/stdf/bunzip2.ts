import bitIterator, { type BitReader } from 'unbzip2-stream/lib/bit_iterator.js';
import bzip2 from 'unbzip2-stream/lib/bzip2.js';
import type { UnpackFault } from './unpack.ts';

const BLOCK_UNIT = 100_000;
const PIECE_BYTES = 256 * 1024;

/** Thrown where the input ends within a stream. */
class InputEnd extends Error {}

/**
 * Decompresses bzip2, one stream after the other, without pause. What follows the last one is padding or garbage and is
 * left alone. A block is given out once its checksum was found right, so nothing that is damaged is.
 * Invariant: at most one block is held; by the format it has 47 MB at most.
 * @param next gives input, null at its end
 * @returns what is wrong; null if nothing is
 */
export function bunzip2(
  next: () => Uint8Array | null,
  give: (bytes: Uint8Array) => void,
): UnpackFault | null {
  let streams = 0;
  try {
    const bits = bitIterator(() => {
      const input = next();
      if (!input) throw new InputEnd('the input ended');
      return input;
    });
    for (;;) {
      const level = headerOf(bits, streams++ === 0);
      if (level === null) return null;
      readBlocks(bits, new Int32Array(BLOCK_UNIT * level), give);
    }
  } catch (error) {
    return faultOf(error as Error);
  }
}

/** Size of a stream's blocks; null where no stream follows those before. */
function headerOf(bits: BitReader, isFirst: boolean): number | null {
  try {
    return bzip2.header(bits);
  } catch (error) {
    if (isFirst) throw error;
    return null;
  }
}

function readBlocks(bits: BitReader, scratch: Int32Array, give: (bytes: Uint8Array) => void): void {
  const block = new Pieces();
  for (let crc: number | null = 0; crc !== null; ) {
    crc = bzip2.decompress(bits, block.add, scratch, scratch.length, crc);
    block.give(give);
  }
}

/** Bytes that come one by one, kept until they are given out. */
class Pieces {
  #full: Uint8Array[] = [];
  #piece = new Uint8Array(PIECE_BYTES);
  #length = 0;

  readonly add = (byte: number): void => {
    if (this.#length === PIECE_BYTES) {
      this.#full.push(this.#piece);
      this.#piece = new Uint8Array(PIECE_BYTES);
      this.#length = 0;
    }
    this.#piece[this.#length++] = byte;
  };

  give(to: (bytes: Uint8Array) => void): void {
    for (const piece of this.#full) to(piece);
    if (this.#length > 0) to(this.#piece.subarray(0, this.#length));
    this.#full = [];
    this.#length = 0;
  }
}

function faultOf(error: Error): UnpackFault {
  if (error instanceof InputEnd) return { kind: 'cut' };
  if (error.name !== 'Bzip2Error') throw error;
  return { kind: 'damaged', detail: error.message.includes('crc32') ? 'its checksum does not match' : '' };
}
