import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { ByteReader, type ByteWriter } from '../bytes.ts';
import { MAX_SECTION_BYTES } from './limits.ts';

/** Deflate yields less than this many bytes from one. */
const MAX_INFLATION = 1032;

/**
 * Writes a section: its length and its bytes, deflated where that saves a sixteenth or more.
 *
 * @param tryDeflate whether to try at all: it costs about 10 µs, the time of a hundred results
 */
export function writeSection(writer: ByteWriter, bytes: Uint8Array, tryDeflate: boolean): void {
  const deflated = tryDeflate ? deflateRawSync(bytes, { level: 1 }) : bytes;
  if (deflated.length > bytes.length - (bytes.length >>> 4) || !tryDeflate) {
    writer.varint(bytes.length * 2);
    writer.bytes(bytes);
    return;
  }
  writer.varint(deflated.length * 2 + 1);
  writer.varint(bytes.length);
  writer.bytes(deflated);
}

/** Opens the next section, inflated. @throws WafersyncError `damaged` */
export function readSection(reader: ByteReader, subject: string): ByteReader {
  const header = reader.varint();
  const stored = Math.floor(header / 2);
  if (header % 2 === 0) return new ByteReader(reader.bytes(stored), subject);
  const length = reader.varint(MAX_SECTION_BYTES);
  const deflated = reader.bytes(stored);
  if (length > stored * MAX_INFLATION) throw reader.damaged(`${stored} bytes cannot inflate to ${length}`);
  return new ByteReader(inflate(reader, deflated, length), subject);
}

/** Passes over the next section. @throws WafersyncError `damaged` */
export function skipSection(reader: ByteReader): void {
  const header = reader.varint();
  if (header % 2 === 1) reader.varint(MAX_SECTION_BYTES);
  reader.bytes(Math.floor(header / 2));
}

function inflate(reader: ByteReader, deflated: Uint8Array, length: number): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = inflateRawSync(deflated, {
      maxOutputLength: Math.max(1, length),
      chunkSize: Math.max(64, length),
    });
  } catch (cause) {
    throw reader.damaged('a section does not inflate', cause);
  }
  if (bytes.length !== length)
    throw reader.damaged(`a section has ${bytes.length} bytes instead of ${length}`);
  return bytes;
}
