import { constants, crc32, createInflateRaw, type InflateRaw } from 'node:zlib';
import type { ByteReader } from './byte-reader.ts';
import type { Damage } from './decompress.ts';

const OUTPUT_CHUNK_BYTES = 128 * 1024;
const MAGIC = Buffer.of(0x1f, 0x8b, 0x08);

/** What the header of a member may carry (RFC 1952). */
const FLAG_HEADER_CRC = 0x02;
const FLAG_EXTRA = 0x04;
const FLAG_NAME = 0x08;
const FLAG_COMMENT = 0x10;

const CUT = 'the gzip stream is cut short';

/**
 * Inflates gzip (RFC 1952), one member after the other. What follows the last member is padding or garbage and is
 * left alone. A stream that is cut or damaged gives what could be inflated, then returns what is wrong with it.
 * Invariant: at most one chunk of input and a few of output are held.
 */
export async function* gunzip(input: ByteReader): AsyncGenerator<Buffer, Damage | null> {
  let bytes = 0;
  do {
    if (!(await passHeader(input))) return { at: bytes, reason: CUT };
    const reason = yield* inflateMember(input, (size) => {
      bytes += size;
    });
    if (reason) return { at: bytes, reason };
  } while ((await input.peek(MAGIC.length)).equals(MAGIC));
  return null;
}

/** Returns false if the input ends within the header. */
async function passHeader(input: ByteReader): Promise<boolean> {
  const fixed = await input.take(10);
  if (fixed.length < 10) return false;
  const flags = fixed[3]!;
  if (flags & FLAG_EXTRA) {
    const length = await input.take(2);
    if (length.length < 2) return false;
    const extra = length.readUInt16LE();
    if ((await input.take(extra)).length < extra) return false;
  }
  if (flags & FLAG_NAME && !(await passZeroEnded(input))) return false;
  if (flags & FLAG_COMMENT && !(await passZeroEnded(input))) return false;
  return !(flags & FLAG_HEADER_CRC) || (await input.take(2)).length === 2;
}

async function passZeroEnded(input: ByteReader): Promise<boolean> {
  for (;;) {
    const chunk = await input.next();
    if (!chunk) return false;
    const zero = chunk.indexOf(0);
    if (zero < 0) continue;
    input.unread(chunk.subarray(zero + 1));
    return true;
  }
}

/** Yields what the member holds; returns what is wrong with it, empty if nothing. */
async function* inflateMember(
  input: ByteReader,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer, string> {
  // Z_SYNC_FLUSH at the end gives out all that a cut stream holds, where Z_FINISH would throw.
  const inflate = createInflateRaw({ chunkSize: OUTPUT_CHUNK_BYTES, finishFlush: constants.Z_SYNC_FLUSH });
  const feeding = feed(input, inflate);
  let sum = 0;
  let size = 0;
  try {
    for await (const chunk of inflate as AsyncIterable<Buffer>) {
      sum = crc32(chunk, sum);
      size += chunk.length;
      count(chunk.length);
      yield chunk;
    }
  } catch (error) {
    if (!isZlibError(error)) throw error;
    return `the gzip stream is damaged (${error.message})`;
  } finally {
    inflate.destroy();
  }
  await feeding;
  return checkTrailer(await input.take(8), sum, size);
}

function checkTrailer(trailer: Buffer, sum: number, size: number): string {
  if (trailer.length < 8) return CUT;
  const same = trailer.readUInt32LE(0) === sum && trailer.readUInt32LE(4) === size % 2 ** 32;
  return same ? '' : 'the gzip stream is damaged (its checksum does not match)';
}

/** Feeds input until the member has ended, and puts back what lies behind it. Errors of the input reach the reader. */
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
      // The member takes every byte until it has ended.
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
