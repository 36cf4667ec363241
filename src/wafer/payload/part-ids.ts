import type { ByteReader, ByteWriter } from '../bytes.ts';
import { readNullableInts, writeNullableInts } from './int-column.ts';
import { MAX_PART_ID_BYTES } from './limits.ts';

/** Every id is empty or a decimal number: a column of integers, null for an empty one. */
const NUMBERS = 0;
/** Any text: how many bytes are those of the id before, how many follow, and those. */
const TEXTS = 1;

/** Largest number of which every text form is exact. */
const MAX_NUMBER = 999_999_999_999_999;
const encoder = new TextEncoder();

/** Writes part ids; they must be well formed and within {@link MAX_PART_ID_BYTES}. */
export function writePartIds(writer: ByteWriter, ids: readonly string[]): void {
  const numbers = ids.map(toNumber);
  if (numbers.every((number) => number !== undefined)) {
    writer.u8(NUMBERS);
    writeNullableInts(writer, numbers);
    return;
  }
  writer.u8(TEXTS);
  let previous = new Uint8Array();
  for (const id of ids) {
    const utf8 = encoder.encode(id);
    const shared = sharedPrefix(previous, utf8);
    writer.varint(shared);
    writer.varint(utf8.length - shared);
    writer.bytes(utf8.subarray(shared));
    previous = utf8;
  }
}

/** Reads the part ids of `count` attempts. @throws WafersyncError `damaged` */
export function readPartIds(reader: ByteReader, count: number): string[] {
  const form = reader.u8();
  if (form === NUMBERS) {
    const numbers = readNullableInts(reader, new Float64Array(count), { min: 0, max: MAX_NUMBER });
    return Array.from(numbers, (number) => (Number.isNaN(number) ? '' : String(number)));
  }
  if (form !== TEXTS) throw reader.damaged(`part ids of form ${form} are not known here`);
  return readTexts(reader, count);
}

function readTexts(reader: ByteReader, count: number): string[] {
  const id = new Uint8Array(MAX_PART_ID_BYTES);
  const ids: string[] = [];
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const shared = reader.varint(previous);
    const suffix = reader.bytes(reader.varint(MAX_PART_ID_BYTES - shared));
    id.set(suffix, shared);
    previous = shared + suffix.length;
    ids.push(reader.utf8(id.subarray(0, previous)));
  }
  return ids;
}

/** The number that an id is the usual decimal form of; null for an empty id, undefined for any other. */
function toNumber(id: string): number | null | undefined {
  if (id === '') return null;
  if (!/^(0|[1-9]\d{0,14})$/.test(id)) return undefined;
  return Number(id);
}

function sharedPrefix(a: Uint8Array, b: Uint8Array): number {
  let shared = 0;
  while (shared < a.length && shared < b.length && a[shared] === b[shared]) shared++;
  return shared;
}
