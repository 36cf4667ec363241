import { WafersyncError } from '../errors.ts';
import { type ByteReader, ByteWriter } from './bytes.ts';
import type { TestDefinition, TestKind } from './program.ts';

/** Bytes of a test's name, and of its units, in UTF-8. */
export const MAX_TEST_TEXT_BYTES = 4096;

const KINDS: readonly TestKind[] = ['PTR', 'MPR', 'FTR'];
const LIMITS = ['lowLimit', 'highLimit', 'lowSpec', 'highSpec'] as const;

/** Bit of a definition's first byte: RES_SCAL is given. */
const HAS_SCALE = 4;
/** What two bits say of a limit. */
const NO_LIMIT = 0;
const FLOAT32 = 1;
const FLOAT64 = 2;

/** Bits of the NaN that stands for all of them, so that equal definitions have equal bytes. */
const NAN_BITS = 0x7fc00000;
const scratch = new DataView(new ArrayBuffer(8));

/** Canonical bytes of a definition, see docs/PAYLOAD.md. @throws WafersyncError `invalid` */
export function encodeDefinition(definition: TestDefinition): Uint8Array {
  check(definition);
  const writer = new ByteWriter();
  const { kind, resultScale } = definition;
  const limits = LIMITS.map((name) => definition[name]);
  writer.u8(KINDS.indexOf(kind) + (resultScale === null ? 0 : HAS_SCALE));
  let tags = 0;
  limits.forEach((limit, i) => {
    tags |= limitTag(limit) << (2 * i);
  });
  writer.u8(tags);
  writer.varint(definition.number);
  writer.text(definition.name);
  writer.text(definition.units);
  for (const limit of limits) if (limit !== null) writeLimit(writer, limit);
  if (resultScale !== null) writer.signed(resultScale);
  return writer.take();
}

/** Reads the next definition. @throws WafersyncError `damaged` */
export function readDefinition(reader: ByteReader): TestDefinition {
  const head = reader.u8();
  const tags = reader.u8();
  const kind = KINDS[head & 3];
  if (kind === undefined || head > 7) throw reader.damaged(`a definition begins with ${head}`);
  const number = reader.varint(2 ** 32 - 1);
  const name = reader.text(MAX_TEST_TEXT_BYTES);
  const units = reader.text(MAX_TEST_TEXT_BYTES);
  const [lowLimit, highLimit, lowSpec, highSpec] = LIMITS.map((_, i) =>
    readLimit(reader, (tags >>> (2 * i)) & 3),
  );
  return {
    kind,
    number,
    name,
    units,
    lowLimit: lowLimit!,
    highLimit: highLimit!,
    lowSpec: lowSpec!,
    highSpec: highSpec!,
    resultScale: head & HAS_SCALE ? readScale(reader) : null,
  };
}

function readScale(reader: ByteReader): number {
  const scale = reader.signed();
  if (scale < -128 || scale > 127) throw reader.damaged(`a scale of ${scale} is not within −128 to 127`);
  return scale;
}

function check(definition: TestDefinition): void {
  const { kind, number, name, units, resultScale } = definition;
  const scale = resultScale ?? 0;
  if (!KINDS.includes(kind)) throw refusal(definition, `kind ${JSON.stringify(kind)} is not one of ${KINDS}`);
  if (!Number.isInteger(number) || number < 0 || number >= 2 ** 32) {
    throw refusal(definition, 'its number is not an integer of 0 to 2^32 − 1');
  }
  if (!Number.isInteger(scale) || scale < -128 || scale > 127) {
    throw refusal(definition, `its scale ${scale} is not an integer of −128 to 127`);
  }
  for (const text of [name, units]) {
    if (!text.isWellFormed()) throw refusal(definition, 'its name or units have half a surrogate pair');
    if (text.length * 3 > MAX_TEST_TEXT_BYTES && Buffer.byteLength(text) > MAX_TEST_TEXT_BYTES) {
      throw refusal(definition, `its name or units have more than ${MAX_TEST_TEXT_BYTES} bytes`);
    }
  }
}

function refusal({ number, name }: TestDefinition, what: string): WafersyncError {
  return new WafersyncError('invalid', `test ${number} ${JSON.stringify(name.slice(0, 64))}: ${what}`);
}

function limitTag(limit: number | null): number {
  if (limit === null) return NO_LIMIT;
  return Object.is(Math.fround(limit), limit) ? FLOAT32 : FLOAT64;
}

function writeLimit(writer: ByteWriter, limit: number): void {
  const narrow = limitTag(limit) === FLOAT32;
  if (Number.isNaN(limit)) scratch.setUint32(0, NAN_BITS, true);
  else if (narrow) scratch.setFloat32(0, limit, true);
  else scratch.setFloat64(0, limit, true);
  writer.bytes(new Uint8Array(scratch.buffer, 0, narrow ? 4 : 8));
}

function readLimit(reader: ByteReader, tag: number): number | null {
  if (tag === NO_LIMIT) return null;
  if (tag > FLOAT64) throw reader.damaged(`a limit of form ${tag} is not known here`);
  const size = tag === FLOAT32 ? 4 : 8;
  new Uint8Array(scratch.buffer).set(reader.bytes(size));
  return tag === FLOAT32 ? scratch.getFloat32(0, true) : scratch.getFloat64(0, true);
}
