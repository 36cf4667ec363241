import { crc32 } from 'node:zlib';
import { WafersyncError } from '../../errors.ts';
import { ByteReader } from './byte-reader.ts';
import type { Damage } from './decompress.ts';
import { inflateRaw } from './inflate.ts';
import { readFile } from './read-file.ts';
import type { ZipMember } from './zip-member.ts';

const STORED = 0;
const DEFLATED = 8;

/** The bytes of one file of a zip archive. What is cut or damaged ends early and is marked so, as for gzip. */
export class ZipData implements AsyncIterable<Buffer> {
  readonly #path: string;
  readonly #name: string;
  readonly #member: ZipMember;
  #damage: Damage | null = null;

  /** `name` is for messages. */
  constructor(path: string, name: string, member: ZipMember) {
    this.#path = path;
    this.#name = name;
    this.#member = member;
  }

  /** What is wrong; known once all has been read, null if nothing is. */
  get damage(): Damage | null {
    return this.#damage;
  }

  /** @throws WafersyncError `invalid` where it is encrypted, or compressed otherwise than by deflate */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    const { start, compressedSize, method, encrypted, crc } = this.#member;
    if (encrypted || (method !== STORED && method !== DEFLATED)) throw unreadable(this.#name, this.#member);
    this.#damage = null;
    const bytes = readFile(this.#path, { start, end: start + compressedSize - 1 });
    const found = yield* method === STORED ? stored(bytes) : inflateRaw(new ByteReader(bytes));
    const reason = reasonOf(found, crc);
    if (reason) this.#damage = { at: found.size, reason };
  }
}

interface Found {
  readonly crc: number;
  readonly size: number;
  readonly error?: string | null;
}

async function* stored(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, Found> {
  let crc = 0;
  let size = 0;
  for await (const chunk of bytes) {
    crc = crc32(chunk, crc);
    size += chunk.length;
    yield chunk;
  }
  return { crc, size };
}

function reasonOf({ crc, error }: Found, expected: number | null): string | null {
  if (error) return `the zip archive is damaged (${error})`;
  if (expected === null) return 'the zip archive is cut short';
  return crc === expected ? null : 'the zip archive is damaged (a checksum does not match)';
}

function unreadable(name: string, { encrypted, method }: ZipMember): WafersyncError {
  const what = encrypted ? 'it is encrypted' : `it is packed by method ${method}`;
  return new WafersyncError('invalid', `${name} cannot be read: ${what}`, {
    hint: 'Pack it again without a password, with deflate.',
  });
}
