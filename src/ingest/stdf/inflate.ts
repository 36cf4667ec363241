import { constants, crc32, createInflateRaw, type InflateRaw } from 'node:zlib';
import type { ByteReader } from './byte-reader.ts';

const OUTPUT_CHUNK_BYTES = 128 * 1024;

/** What came of a deflate stream. */
export interface Inflated {
  /** CRC-32 of what was inflated. */
  readonly crc: number;
  /** Bytes inflated. */
  readonly size: number;
  /** Bytes that the stream took. */
  readonly compressedSize: number;
  /** What zlib found wrong; null if nothing. A stream that ended early is not found wrong. */
  readonly error: string | null;
}

/**
 * Inflates one raw deflate stream (RFC 1951) and leaves what follows it unread. Yields what can be inflated, then
 * returns what it was. Invariant: at most one chunk of input and a few of output are held.
 */
export async function* inflateRaw(input: ByteReader): AsyncGenerator<Buffer, Inflated> {
  // Z_SYNC_FLUSH at the end gives out all that a cut stream holds, where Z_FINISH would throw.
  const inflate = createInflateRaw({ chunkSize: OUTPUT_CHUNK_BYTES, finishFlush: constants.Z_SYNC_FLUSH });
  const feeding = feed(input, inflate);
  let crc = 0;
  let size = 0;
  let error: string | null = null;
  try {
    for await (const chunk of inflate as AsyncIterable<Buffer>) {
      crc = crc32(chunk, crc);
      size += chunk.length;
      yield chunk;
    }
    await feeding;
  } catch (thrown) {
    if (!isZlibError(thrown)) throw thrown;
    error = thrown.message;
  } finally {
    inflate.destroy();
  }
  return { crc, size, compressedSize: inflate.bytesWritten, error };
}

/** Feeds input until the stream has ended, and puts back what lies behind it. Errors of the input reach the reader. */
async function feed(input: ByteReader, inflate: InflateRaw): Promise<void> {
  let fed = 0;
  try {
    for (;;) {
      const chunk = await input.next();
      if (!chunk) {
        inflate.end();
        return;
      }
      fed += chunk.length;
      if (!inflate.destroyed) await write(inflate, chunk);
      // The stream takes every byte until it has ended.
      const unused = fed - inflate.bytesWritten;
      if (unused > 0) {
        input.unread(chunk.subarray(chunk.length - unused));
        return;
      }
    }
  } catch (error) {
    inflate.destroy(error as Error);
  }
}

/** Writes a chunk; resolves once it was taken as far as it can be, or the stream has ended. */
function write(inflate: InflateRaw, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      inflate.off('end', settle).off('close', settle);
      resolve();
    };
    inflate.on('end', settle).on('close', settle);
    inflate.write(chunk, settle);
  });
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && String((error as NodeJS.ErrnoException).code).startsWith('Z_');
}
