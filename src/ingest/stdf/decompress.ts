import { createReadStream } from 'node:fs';
import { WafersyncError } from '../../errors.ts';
import { ByteReader } from './byte-reader.ts';
import { gunzip } from './gunzip.ts';

/** Bytes of a file, by its path or as they come. */
export type ByteSource = string | AsyncIterable<Uint8Array>;

/** Why a compressed stream could not be inflated to its end. */
export interface Damage {
  /** Bytes that could be inflated. */
  readonly at: number;
  readonly reason: string;
}

/** How a file is compressed. */
export type Compression = 'none' | 'gzip';

const INPUT_CHUNK_BYTES = 128 * 1024;

/** Compressions told by their first bytes, never by the name of the file, and how to undo them elsewhere. */
const FOREIGN: readonly (readonly [name: string, magic: Buffer, command: string])[] = [
  ['bzip2', Buffer.from('BZh'), 'bunzip2'],
  ['xz', Buffer.from('\xfd7zXZ\0', 'latin1'), 'unxz'],
  ['zip', Buffer.from('PK\x03\x04'), 'unzip'],
  ['zstd', Buffer.of(0x28, 0xb5, 0x2f, 0xfd), 'unzstd'],
];
const GZIP_MAGIC = Buffer.of(0x1f, 0x8b);
const LONGEST_MAGIC = 6;

/**
 * The decompressed bytes of a source, in chunks; may be iterated once. A gzip stream that is cut short or damaged
 * ends early and is marked so, it does not throw.
 */
export class Decompressed implements AsyncIterable<Buffer> {
  readonly #source: ByteSource;
  readonly #name: string;
  #compression: Compression = 'none';
  #damage: Damage | null = null;

  /** `name` is the file's, for messages. */
  constructor(source: ByteSource, name: string) {
    this.#source = source;
    this.#name = name;
  }

  /** Known once the first chunk has been read. */
  get compression(): Compression {
    return this.#compression;
  }

  /** What is wrong with the compressed stream; known once all has been read, null if nothing is. */
  get damage(): Damage | null {
    return this.#damage;
  }

  /**
   * @throws WafersyncError `invalid` for a compression that is not read here, `not-found` for a missing file,
   * `unavailable` for one that cannot be read
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    const input = new ByteReader(typeof this.#source === 'string' ? readFile(this.#source) : this.#source);
    try {
      const head = await input.peek(LONGEST_MAGIC);
      refuseForeign(head, this.#name);
      if (startsWith(head, GZIP_MAGIC)) {
        this.#compression = 'gzip';
        this.#damage = yield* gunzip(input);
      } else {
        for (let chunk = await input.next(); chunk; chunk = await input.next()) yield chunk;
      }
    } finally {
      await input.close();
    }
  }
}

async function* readFile(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path, { highWaterMark: INPUT_CHUNK_BYTES }) as AsyncIterable<Buffer>;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new WafersyncError(
      missing ? 'not-found' : 'unavailable',
      missing ? `${path} does not exist` : `${path} cannot be read: ${(error as Error).message}`,
      {
        hint: missing ? 'Check the path.' : 'Check that it is a file and that it may be read.',
        cause: error,
      },
    );
  }
}

function refuseForeign(head: Buffer, name: string): void {
  for (const [compression, magic, command] of FOREIGN) {
    if (startsWith(head, magic)) {
      throw new WafersyncError(
        'invalid',
        `${name} is compressed with ${compression}, which is not read here`,
        {
          hint: `Decompress it first (${command}), or compress it with gzip.`,
        },
      );
    }
  }
}

function startsWith(head: Buffer, magic: Buffer): boolean {
  return head.subarray(0, magic.length).equals(magic);
}
