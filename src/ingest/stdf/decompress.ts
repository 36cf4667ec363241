import { WafersyncError } from '../../errors.ts';
import { ByteReader } from './byte-reader.ts';
import { gunzip } from './gunzip.ts';
import { readFile } from './read-file.ts';
import { unpack } from './unpack.ts';

/** Bytes of a file, by its path or as they come. */
export type ByteSource = string | AsyncIterable<Uint8Array>;

/** Why a compressed stream could not be decompressed to its end. */
export interface Damage {
  /** Bytes that could be decompressed. */
  readonly at: number;
  readonly reason: string;
}

/** How a file is compressed; `zip` for a file of a zip archive. */
export type Compression = 'none' | 'gzip' | 'bzip2' | 'xz' | 'zip';

/** Compressions told by their first bytes, never by the name of the file. */
const SIGNATURES: readonly (readonly [compression: Compression | 'zstd', magic: string])[] = [
  ['gzip', '\x1f\x8b'],
  ['bzip2', 'BZh'],
  ['xz', '\xfd7zXZ\0'],
  ['zip', 'PK\x03\x04'],
  // An archive that holds nothing.
  ['zip', 'PK\x05\x06'],
  ['zstd', '\x28\xb5\x2f\xfd'],
];
/** Bytes that tell a compression. */
export const MAGIC_BYTES = 6;

/** Compression that a file of these first bytes has. */
export function compressionOf(head: Buffer): Compression | 'zstd' {
  const text = head.toString('latin1', 0, MAGIC_BYTES);
  return SIGNATURES.find(([, magic]) => text.startsWith(magic))?.[0] ?? 'none';
}

/**
 * The decompressed bytes of a source, in chunks; may be iterated once. A compressed stream that is cut short or
 * damaged ends early and is marked so, it does not throw.
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
    const source = this.#source;
    const input = new ByteReader(typeof source === 'string' ? readFile(source) : source);
    try {
      const compression = compressionOf(await input.peek(MAGIC_BYTES));
      switch (compression) {
        case 'none':
          for (let chunk = await input.next(); chunk; chunk = await input.next()) yield chunk;
          return;
        case 'gzip':
          this.#compression = compression;
          this.#damage = yield* gunzip(input);
          return;
        case 'bzip2':
        case 'xz':
          this.#compression = compression;
          this.#damage = yield* unpack(compression, input, this.#name);
          return;
        default:
          throw foreign(this.#name, compression);
      }
    } finally {
      await input.close();
    }
  }
}

function foreign(name: string, compression: 'zip' | 'zstd'): WafersyncError {
  if (compression === 'zstd') {
    return new WafersyncError('invalid', `${name} is compressed with zstd, which is not read here`, {
      hint: 'Decompress it first (unzstd), or compress it with gzip.',
    });
  }
  return new WafersyncError('invalid', `${name} is a zip archive that is not a file of its own`, {
    hint: 'Take it out of what it is packed in, and hand it in as a file.',
  });
}
