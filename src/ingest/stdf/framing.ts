import { WafersyncError } from '../../errors.ts';
import type { NumberFormat } from './body.ts';
import { recordCode, recordName } from './record-names.ts';

/** Where a file was cut: the bytes that remained of a record. Offsets count decompressed bytes from 0. */
export interface Truncation {
  readonly at: number;
  /** Bytes of the record that are there. */
  readonly bytes: number;
  readonly kind: 'partial header' | 'partial record';
  /** Name of the record, for a partial record. */
  readonly type?: string;
  /** REC_LEN, for a partial record. */
  readonly rec_len?: number;
}

/** FAR: how the file is written. */
export interface FarFacts extends NumberFormat {
  readonly cpuType: number;
  readonly version: number;
}

/** Takes each whole record: its code, and its fields as the bytes `start` to `end` of `buffer`. */
export type RecordSink = (code: number, buffer: Buffer, start: number, end: number) => void;

const HEADER_BYTES = 4;
/** FAR with its header; without it nothing can be told. */
const FAR_BYTES = 6;
const FAR_CODE = recordCode(0, 10);

/**
 * Cuts a stream of bytes into records, whatever chunks it comes in. A record within a chunk is passed on where it stands; of one
 * that spans chunks the bytes so far are kept.
 *
 * Invariant: fewer bytes are kept than one record has, at most 65,539.
 */
export class RecordFramer {
  readonly #name: string;
  readonly #begin: (far: FarFacts) => RecordSink;
  readonly #kept = Buffer.allocUnsafe(HEADER_BYTES + 0xffff);
  #keptBytes = 0;
  /** Offset in the file of the first byte not passed on yet. */
  #offset = 0;
  #far: FarFacts | null = null;
  #sink: RecordSink = () => {};

  /** `begin` is called once the byte order is known and gives the sink of the records, FAR the first. */
  constructor(name: string, begin: (far: FarFacts) => RecordSink) {
    this.#name = name;
    this.#begin = begin;
  }

  /** Bytes seen. */
  get bytes(): number {
    return this.#offset + this.#keptBytes;
  }

  /** Passes on the records that are whole with this chunk. @throws WafersyncError `invalid` if it is not STDF */
  push(chunk: Buffer): void {
    let at = this.#completeKept(chunk);
    if (at < 0) return;
    if (!this.#far) {
      if (chunk.length < FAR_BYTES) {
        this.#keep(chunk, at);
        return;
      }
      this.#detect(chunk);
    }
    at = this.#passOn(chunk, at);
    this.#keep(chunk, at);
  }

  /** Ends the stream: where it was cut, or null. @throws WafersyncError `invalid` if it is not STDF */
  end(): Truncation | null {
    const bytes = this.#keptBytes;
    if (!this.#far) throw notStdf(this.#name, this.#kept.subarray(0, bytes));
    if (bytes === 0) return null;
    if (bytes < HEADER_BYTES) return { at: this.#offset, bytes, kind: 'partial header' };
    return {
      at: this.#offset,
      bytes,
      kind: 'partial record',
      type: recordName(recordCode(this.#kept[2]!, this.#kept[3]!)),
      rec_len: this.#length(this.#kept, 0),
    };
  }

  /** Fills the kept bytes up to a whole record. Returns where the chunk goes on, or −1 if it is used up. */
  #completeKept(chunk: Buffer): number {
    let at = 0;
    while (this.#keptBytes > 0) {
      const needed = this.#needed();
      at = this.#fill(chunk, at, needed);
      if (this.#keptBytes < needed) return -1;
      this.#takeKept();
    }
    return at;
  }

  /** Bytes to keep until the next step can be taken: FAR, the header, the record. */
  #needed(): number {
    if (!this.#far) return FAR_BYTES;
    return this.#keptBytes < HEADER_BYTES ? HEADER_BYTES : HEADER_BYTES + this.#length(this.#kept, 0);
  }

  #takeKept(): void {
    if (!this.#far) {
      this.#detect(this.#kept.subarray(0, this.#keptBytes));
      return;
    }
    const used = this.#passOn(this.#kept.subarray(0, this.#keptBytes), 0);
    // FAR may be shorter than the bytes that it took to tell what it is; those stay for the next record.
    this.#kept.copyWithin(0, used, this.#keptBytes);
    this.#keptBytes -= used;
  }

  #fill(chunk: Buffer, at: number, upTo: number): number {
    const missing = Math.min(upTo - this.#keptBytes, chunk.length - at);
    if (missing <= 0) return at;
    chunk.copy(this.#kept, this.#keptBytes, at, at + missing);
    this.#keptBytes += missing;
    return at + missing;
  }

  #passOn(buffer: Buffer, from: number): number {
    const { length } = buffer;
    let at = from;
    while (at + HEADER_BYTES <= length) {
      const start = at + HEADER_BYTES;
      const end = start + this.#length(buffer, at);
      if (end > length) break;
      this.#sink(recordCode(buffer[at + 2]!, buffer[at + 3]!), buffer, start, end);
      at = end;
    }
    this.#offset += at - from;
    return at;
  }

  #keep(chunk: Buffer, at: number): void {
    chunk.copy(this.#kept, 0, at);
    this.#keptBytes = chunk.length - at;
  }

  #length(buffer: Buffer, at: number): number {
    return this.#far!.bigEndian ? (buffer[at]! << 8) | buffer[at + 1]! : buffer[at]! | (buffer[at + 1]! << 8);
  }

  #detect(head: Buffer): void {
    this.#far = readFar(head);
    if (!this.#far) throw notStdf(this.#name, head);
    this.#sink = this.#begin(this.#far);
  }
}

/**
 * How a file is written, by its first 6 bytes or more; null if it does not begin with FAR. The byte order is that in
 * which FAR's REC_LEN is 2; CPU_TYPE is often wrong, and asked only if neither is.
 */
export function readFar(head: Buffer): FarFacts | null {
  if (recordCode(head[2]!, head[3]!) !== FAR_CODE) return null;
  const cpuType = head[4]!;
  const littleEndian = head.readUInt16LE(0) === 2;
  const bigEndian = !littleEndian && (head.readUInt16BE(0) === 2 || cpuType === 1);
  return { bigEndian, vax: cpuType === 0, cpuType, version: head[5]! };
}

/** Whether the header of a FAR, in either byte order, stands at an offset. */
export function isFarHeader(buffer: Buffer, at: number): boolean {
  if (recordCode(buffer[at + 2]!, buffer[at + 3]!) !== FAR_CODE) return false;
  const [a, b] = [buffer[at]!, buffer[at + 1]!];
  return (a === 2 && b === 0) || (a === 0 && b === 2);
}

function notStdf(name: string, head: Buffer): WafersyncError {
  const [what, hint] = describe(head);
  return new WafersyncError('invalid', `${name} is not STDF: ${what}`, { hint });
}

function describe(head: Buffer): [what: string, hint: string] {
  if (head.length === 0) return ['it is empty', 'Copy the file again from the tester.'];
  const text = head.subarray(0, 64).toString('latin1');
  if (text.startsWith('FAR:A')) return ['it is ATDF text', 'Convert it to STDF V4 first.'];
  if (/^[\t\r\n\x20-\x7e]+$/.test(text)) {
    return ['it is text, such as CSV', 'Give an STDF V4 file; its first record is FAR.'];
  }
  if (head.length < FAR_BYTES) {
    return [`it has only ${head.length} bytes`, 'Copy the file again from the tester.'];
  }
  return ['its first record is not FAR', 'Give an STDF V4 file.'];
}
