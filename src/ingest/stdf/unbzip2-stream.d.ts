/** The decoder under unbzip2-stream 1.4.3, which has no types of its own. */
declare module 'unbzip2-stream/lib/bzip2.js' {
  import type { BitReader } from 'unbzip2-stream/lib/bit_iterator.js';

  const bzip2: {
    /** Reads the header of a stream: the size of its blocks, 1 to 9. @throws Bzip2Error */
    header(bits: BitReader): number;
    /**
     * Reads a block, or the end of a stream.
     * @param give takes the bytes one by one, before the block's checksum has been compared
     * @param scratch room for a block
     * @param crc checksum of the stream so far, 0 at its begin
     * @returns the checksum with this block; null at the end of the stream
     * @throws Bzip2Error where the block is damaged
     */
    decompress(
      bits: BitReader,
      give: (byte: number) => void,
      scratch: Int32Array,
      scratchLength: number,
      crc: number,
    ): number | null;
  };
  export default bzip2;
}

declare module 'unbzip2-stream/lib/bit_iterator.js' {
  /** Reads bits, high ones first; null goes on at the next whole byte. */
  export type BitReader = (bits: number | null) => number;

  /** `next` gives bytes, never none. */
  export default function bitIterator(next: () => Uint8Array): BitReader;
}
