import { type FileHandle, open } from 'node:fs/promises';
import { ByteReader } from './byte-reader.ts';
import { inflateRaw } from './inflate.ts';
import { readFailure, readFile } from './read-file.ts';
import { MAX_MEMBERS, type ZipMember } from './zip-member.ts';

/** Signatures of the records in an archive, and lengths of what is read of them. Source: APPNOTE 6.3, 4.3. */
const LOCAL_HEADER = 0x04034b50;
const LOCAL_HEADER_BYTES = 30;
const DIRECTORY_HEADER = 0x02014b50;
const DATA_DESCRIPTOR = 0x08074b50;
/** Lengths that a data descriptor may have: with its signature or without, with sizes of 4 bytes or of 8. */
const DESCRIPTOR_BYTES = [16, 12, 24, 20];

const ENCRYPTED = 0x01;
/** Sizes and CRC stand behind the data. */
const HAS_DESCRIPTOR = 0x08;
const UTF8_NAME = 0x0800;
const ZIP64_FIELD = 1;
const IN_ZIP64 = 0xffffffff;

/**
 * Goes through an archive from the front, header by header, as far as they follow one another; for an archive without
 * its directory. The last file may be cut. One more than {@link MAX_MEMBERS} files are told at most.
 */
export async function salvageZip(path: string): Promise<ZipMember[]> {
  const file = await open(path).catch((error) => {
    throw readFailure(path, error);
  });
  const members: ZipMember[] = [];
  try {
    const { size } = await file.stat();
    for (let at: number | null = 0; at !== null && members.length <= MAX_MEMBERS; ) {
      const header = await readHeader(file, at);
      if (!header) break;
      const end = await endOf(path, size, header);
      const crc = header.crc ?? (await descriptorCrc(file, end));
      const compressedSize = Math.min(end, size) - header.start;
      members.push({ ...header, compressedSize, crc: end > size ? null : crc });
      at = await nextHeader(file, end, header.hasDescriptor);
    }
  } finally {
    await file.close();
  }
  return members;
}

interface Header extends Omit<ZipMember, 'compressedSize'> {
  /** Null where it stands behind the data. */
  readonly compressedSize: number | null;
  readonly hasDescriptor: boolean;
}

async function readHeader(file: FileHandle, at: number): Promise<Header | null> {
  const fixed = await readAt(file, at, LOCAL_HEADER_BYTES);
  if (fixed.length < LOCAL_HEADER_BYTES || fixed.readUInt32LE(0) !== LOCAL_HEADER) return null;
  const flags = fixed.readUInt16LE(6);
  const nameBytes = fixed.readUInt16LE(26);
  const extraBytes = fixed.readUInt16LE(28);
  const texts = await readAt(file, at + LOCAL_HEADER_BYTES, nameBytes + extraBytes);
  if (texts.length < nameBytes + extraBytes) return null;
  const size = fixed.readUInt32LE(18);
  const hasDescriptor = (flags & HAS_DESCRIPTOR) !== 0;
  return {
    name: texts.toString(flags & UTF8_NAME ? 'utf8' : 'latin1', 0, nameBytes),
    start: at + LOCAL_HEADER_BYTES + nameBytes + extraBytes,
    method: fixed.readUInt16LE(8),
    encrypted: (flags & ENCRYPTED) !== 0,
    compressedSize: hasDescriptor ? null : size === IN_ZIP64 ? zip64Size(texts.subarray(nameBytes)) : size,
    crc: hasDescriptor ? null : fixed.readUInt32LE(14),
    hasDescriptor,
  };
}

/** Compressed size of the extra fields: the second number of the zip64 one; null without it. */
function zip64Size(extra: Buffer): number | null {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === ZIP64_FIELD && at + 20 <= extra.length)
      return Number(extra.readBigUInt64LE(at + 12));
  }
  return null;
}

/** Where the compressed bytes of a file end; beyond the size of the archive where they are cut. */
async function endOf(path: string, size: number, header: Header): Promise<number> {
  const { start, compressedSize, method } = header;
  if (compressedSize !== null) return start + compressedSize;
  if (method !== 8 || start >= size) return size + 1;
  const inflating = inflateRaw(new ByteReader(readFile(path, { start, end: size - 1 })));
  for (;;) {
    const { done, value } = await inflating.next();
    if (done) return start + value.compressedSize;
  }
}

/** CRC of the data descriptor at a place; null where there is none. */
async function descriptorCrc(file: FileHandle, at: number): Promise<number | null> {
  const bytes = await readAt(file, at, 8);
  if (bytes.length < 8) return null;
  return bytes.readUInt32LE(bytes.readUInt32LE(0) === DATA_DESCRIPTOR ? 4 : 0);
}

/** Where the next header begins; null where none follows. */
async function nextHeader(file: FileHandle, end: number, hasDescriptor: boolean): Promise<number | null> {
  for (const bytes of hasDescriptor ? DESCRIPTOR_BYTES : [0]) {
    const head = await readAt(file, end + bytes, 4);
    if (head.length === 4 && [LOCAL_HEADER, DIRECTORY_HEADER].includes(head.readUInt32LE(0)))
      return end + bytes;
  }
  return null;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
