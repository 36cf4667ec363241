import { ByteReader } from './byte-reader.ts';
import {
  type ByteSource,
  type Compression,
  compressionOf,
  type Damage,
  Decompressed,
  MAGIC_BYTES,
} from './decompress.ts';
import { readFile } from './read-file.ts';
import { splitStreams } from './split-streams.ts';
import { ZipData } from './zip-data.ts';
import type { ZipMember } from './zip-member.ts';
import { readZip } from './zip-members.ts';

/** One STDF stream: what stands from a FAR record to the next, or to the end. Each is a run of its own. */
export interface StdfStream {
  /** For messages and the run's record: `lot.stdf`, `lots.zip/w01.stdf`; of the second in a file `lot.stdf#2`. */
  readonly name: string;
  /** Its bytes, once. */
  readonly chunks: AsyncIterable<Buffer>;
  /** Known once the first chunk has been read. */
  readonly compression: Compression;
  /** What is wrong with the compressed stream; known once all has been read, null if nothing is. */
  readonly damage: Damage | null;
}

/** A file, or one of those in a zip archive. */
export interface StdfMember {
  readonly name: string;
  /** Its STDF streams, each to be read before the next is asked for. Every call reads them again. */
  streams(): AsyncGenerator<StdfStream>;
}

/** What a file is made of. */
export interface StdfFile {
  /** Whether it is an archive: what is no STDF in it is no error. */
  readonly isArchive: boolean;
  readonly members: readonly StdfMember[];
  /** What is wrong with the archive as a whole; null if nothing is. */
  readonly fault: string | null;
}

/** Longest name of a file in an archive that is told; of a longer one its end. */
const MAX_NAME = 255;

/**
 * Opens a file, which may be a zip archive. Bytes that come as a stream can be read once, and cannot be an archive.
 * @param name the file's, for messages
 * @throws WafersyncError `not-found`, `unavailable`; `invalid` for an archive of too many files
 */
export async function openStdf(source: ByteSource, name: string): Promise<StdfFile> {
  if (typeof source !== 'string' || !(await isZip(source))) {
    return { isArchive: false, members: [plainMember(source, name)], fault: null };
  }
  const { members, fault } = await readZip(source, name);
  return { isArchive: true, members: members.map((member) => zipMember(source, name, member)), fault };
}

async function isZip(path: string): Promise<boolean> {
  const reader = new ByteReader(readFile(path, { start: 0, end: MAGIC_BYTES - 1 }));
  try {
    return compressionOf(await reader.peek(MAGIC_BYTES)) === 'zip';
  } finally {
    await reader.close();
  }
}

function plainMember(source: ByteSource, name: string): StdfMember {
  return {
    name,
    streams: () => {
      const bytes = new Decompressed(source, name);
      return streamsOf(name, bytes, () => bytes);
    },
  };
}

function zipMember(path: string, archive: string, member: ZipMember): StdfMember {
  const name = `${archive}/${member.name.replace(/\p{Cc}/gu, '?').slice(-MAX_NAME)}`;
  return {
    name,
    streams: () => {
      const packed = new ZipData(path, name, member);
      // Files in an archive may be compressed themselves.
      const bytes = new Decompressed(packed, name);
      return streamsOf(name, bytes, () => ({
        compression: 'zip',
        damage: bytes.damage ?? packed.damage,
      }));
    },
  };
}

async function* streamsOf(
  name: string,
  bytes: Decompressed,
  facts: () => Pick<StdfStream, 'compression' | 'damage'>,
): AsyncGenerator<StdfStream> {
  let number = 0;
  let begin = 0;
  for await (const chunks of splitStreams(bytes)) {
    number++;
    const start = begin;
    yield {
      name: number === 1 ? name : `${name}#${number}`,
      chunks: counted(chunks, (length) => {
        begin += length;
      }),
      get compression() {
        return facts().compression;
      },
      get damage() {
        const { damage } = facts();
        return damage && { ...damage, at: damage.at - start };
      },
    };
  }
}

async function* counted(
  chunks: AsyncIterable<Buffer>,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    count(chunk.length);
    yield chunk;
  }
}
