import type { ByteReader } from './byte-reader.ts';
import type { Damage } from './decompress.ts';
import { type Inflated, inflateRaw } from './inflate.ts';

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
    const member = yield* inflateRaw(input);
    bytes += member.size;
    const reason = await faultOf(member, input);
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

/** What is wrong with a member, whose trailer is read; empty if nothing. */
async function faultOf({ crc, size, error }: Inflated, input: ByteReader): Promise<string> {
  if (error !== null) return `the gzip stream is damaged (${error})`;
  const trailer = await input.take(8);
  if (trailer.length < 8) return CUT;
  const same = trailer.readUInt32LE(0) === crc && trailer.readUInt32LE(4) === size % 2 ** 32;
  return same ? '' : 'the gzip stream is damaged (its checksum does not match)';
}
