import { crc32, deflateRawSync } from 'node:zlib';

/** What an xz stream is to be like. */
export interface XzOptions {
  /** Dictionary size as the format writes it: 22 is 8 MiB, 28 is 64 MiB, 30 is 128 MiB. */
  readonly dictionary?: number;
  /** 0 none, 1 CRC-32, 10 SHA-256. */
  readonly check?: 0 | 1 | 10;
  /** Another filter before LZMA2, by its id: 3 is delta. */
  readonly filter?: number;
}

const CHECK_BYTES = { 0: 0, 1: 4, 10: 32 } as const;

/** An xz stream of one block whose LZMA2 chunks are not compressed. Source: The .xz File Format 1.2. */
export function storedXz(data: Buffer, { dictionary = 22, check = 1, filter }: XzOptions = {}): Buffer {
  const flags = Buffer.of(0, check);
  const filters = [...(filter === undefined ? [] : [filter, 1, 0]), 0x21, 1, dictionary];
  const header = withCrc(sized(padded(Buffer.of(0, filter === undefined ? 0 : 1, ...filters))));
  const chunks: Buffer[] = [];
  for (let at = 0; at < data.length; at += 65_536) {
    const chunk = data.subarray(at, at + 65_536);
    chunks.push(Buffer.of(at === 0 ? 1 : 2, (chunk.length - 1) >> 8, (chunk.length - 1) & 0xff), chunk);
  }
  const body = Buffer.concat([...chunks, Buffer.of(0)]);
  const sum = check === 1 ? u4(crc32(data)) : Buffer.alloc(CHECK_BYTES[check]);
  const unpadded = header.length + body.length + sum.length;
  const index = withCrc(padded(Buffer.concat([Buffer.of(0, 1), varint(unpadded), varint(data.length)])));
  const footer = Buffer.concat([u4(index.length / 4 - 1), flags]);
  return Buffer.concat([
    ...[Buffer.from('\xfd7zXZ\0', 'latin1'), flags, u4(crc32(flags))],
    ...[header, padded(body), sum, index],
    ...[u4(crc32(footer)), footer, Buffer.from('YZ')],
  ]);
}

/** A file in a zip archive. */
export interface ZipEntry {
  readonly name: string;
  readonly data: Buffer;
  /** Default: deflate. */
  readonly method?: 'stored' | 'deflate' | number;
  /** Whether sizes and CRC stand behind the data; 8 for sizes of 8 bytes. */
  readonly descriptor?: boolean | 8;
  /** Whether the sizes stand in a zip64 field of the header. */
  readonly zip64?: boolean;
  readonly encrypted?: boolean;
  /** Another CRC than that of the data. */
  readonly crc?: number;
}

/** A zip archive, its directory at the end. Source: APPNOTE 6.3. */
export function zipOf(...entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const part = localPart(entry);
    directory.push(directoryEntry(entry, at));
    parts.push(part);
    at += part.length;
  }
  const entriesBytes = Buffer.concat(directory);
  const counts = [u2(0), u2(0), u2(entries.length), u2(entries.length)];
  const end = [Buffer.from('PK\x05\x06'), ...counts, u4(entriesBytes.length), u4(at), u2(0)];
  return Buffer.concat([...parts, entriesBytes, ...end]);
}

function localPart(entry: ZipEntry): Buffer {
  const { name, descriptor = false, zip64 = false } = entry;
  const { crc, packed, size } = factsOf(entry);
  const shown = descriptor ? [0, 0, 0] : zip64 ? [crc, 0xffffffff, 0xffffffff] : [crc, packed.length, size];
  const extra = zip64 ? Buffer.concat([u2(1), u2(16), u8(size), u8(packed.length)]) : Buffer.alloc(0);
  const lengths = [u2(Buffer.byteLength(name)), u2(extra.length)];
  const header = [Buffer.from('PK\x03\x04'), ...versionAndFlags(entry), ...shown.map(u4), ...lengths];
  const wide = descriptor === 8 ? u8 : u4;
  const behind = [Buffer.from('PK\x07\x08'), u4(crc), wide(packed.length), wide(size)];
  return Buffer.concat([...header, Buffer.from(name), extra, packed, ...(descriptor ? behind : [])]);
}

function directoryEntry(entry: ZipEntry, at: number): Buffer {
  const { crc, packed, size } = factsOf(entry);
  const sizes = [crc, packed.length, size].map(u4);
  const lengths = [Buffer.byteLength(entry.name), 0, 0, 0, 0].map(u2);
  const header = [Buffer.from('PK\x01\x02'), u2(20), ...versionAndFlags(entry), ...sizes, ...lengths];
  return Buffer.concat([...header, u4(0), u4(at), Buffer.from(entry.name)]);
}

function factsOf({ data, method = 'deflate', crc = crc32(data) }: ZipEntry) {
  return { crc, packed: method === 'deflate' ? deflateRawSync(data) : data, size: data.length };
}

function versionAndFlags({ descriptor, encrypted, method = 'deflate' }: ZipEntry): Buffer[] {
  const flags = 0x0800 | (descriptor ? 8 : 0) | (encrypted ? 1 : 0);
  const number = method === 'deflate' ? 8 : method === 'stored' ? 0 : method;
  return [u2(20), u2(flags), u2(number), u2(0), u2(0)];
}

/** Writes the length of a block header, its CRC included, into its first byte. */
function sized(header: Buffer): Buffer {
  header[0] = (header.length + 4) / 4 - 1;
  return header;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

function withCrc(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, u4(crc32(bytes))]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.of(...bytes, rest);
}

function u2(value: number): Buffer {
  return Buffer.of(value & 0xff, value >> 8);
}

function u4(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u8(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
