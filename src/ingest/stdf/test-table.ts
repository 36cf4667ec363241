import { WafersyncError } from '../../errors.ts';
import type { TestDefinition, TestKind } from '../../wafer/program.ts';
import { MAX_DEFINITIONS } from '../../wafer/program-codec.ts';
import { ABSENT } from './body.ts';
import { float32Value } from './float32.ts';
import type { ResultRecord } from './result-record.ts';
import { decodeText } from './text.ts';

/** Most variants of one test, the default not counted. */
export const MAX_VARIANTS_OF_A_TEST = 64;
/** Most variants of all tests, so that changing limits leave room for tests. */
export const MAX_VARIANTS = 32_767;

/** STDF OPT_FLAG bits of a PTR or MPR. */
const NO_SCALE = 0x01;
const NO_LOW_SPEC = 0x04;
const NO_HIGH_SPEC = 0x08;
const DEFAULT_LOW = 0x10;
const DEFAULT_HIGH = 0x20;
const NO_LOW = 0x40;
const NO_HIGH = 0x80;

/** One test, and its defaults as the bytes that gave them, so that a repetition of them is told at once. */
interface Test {
  readonly index: number;
  /** TEST_TXT as it stood. */
  readonly nameBytes: Buffer;
  /** ABSENT until a record carried OPT_FLAG. */
  optFlags: number;
  lowBits: number;
  highBits: number;
  /** Index of each variant by its limits. */
  variants: Map<string, number> | null;
}

/** The tests of one kind and number. */
interface Group {
  /** First test with a name; a record without TEST_TXT belongs to it. */
  firstNamed: Test | null;
  unnamed: Test | null;
  /** The test met last. */
  recent: Test | null;
  readonly byName: Map<string, Test>;
}

/**
 * The test program as it comes to light, record by record. The same records always give the same indexes, so that
 * two passes over a file agree.
 *
 * Default limits, units and scale stand in the first record of a test that carries OPT_FLAG. A later record with
 * other limits refers to a variant, for itself alone. Scale and units of later records are for display and ignored.
 */
export class TestTable {
  readonly #definitions: TestDefinition[] = [];
  readonly #groups = { PTR: new Map(), MPR: new Map(), FTR: new Map() } as Record<
    TestKind,
    Map<number, Group>
  >;
  #variantCount = 0;
  #dropped = 0;

  /** In order of first appearance. Grows; a definition gets its limits with the first record that has them. */
  get definitions(): readonly TestDefinition[] {
    return this.#definitions;
  }

  /** Records with limits of their own that refer to the default because there were too many variants. */
  get limitOverridesDropped(): number {
    return this.#dropped;
  }

  /** Index of the definition of a record. @throws WafersyncError `invalid` beyond {@link MAX_DEFINITIONS} tests */
  index(record: ResultRecord): number {
    const test = this.#test(record);
    if (record.optFlags === ABSENT) return test.index;
    if (test.optFlags === ABSENT) {
      this.#setDefaults(test, record);
      return test.index;
    }
    const repeated =
      record.optFlags === test.optFlags &&
      record.lowBits === test.lowBits &&
      record.highBits === test.highBits;
    return repeated ? test.index : this.#variant(test, record);
  }

  #test(record: ResultRecord): Test {
    const group = this.#group(record);
    if (record.nameStart === record.nameEnd) {
      if (group.firstNamed) return group.firstNamed;
      group.unnamed ??= this.#add(record, '');
      return group.unnamed;
    }
    if (group.recent && isNamed(record, group.recent.nameBytes)) return group.recent;
    const name = decodeText(record.buffer, record.nameStart, record.nameEnd);
    let test = group.byName.get(name);
    if (!test) {
      test = this.#add(record, name);
      group.byName.set(name, test);
      group.firstNamed ??= test;
    }
    group.recent = test;
    return test;
  }

  #group(record: ResultRecord): Group {
    const groups = this.#groups[record.type];
    const number = Math.max(0, record.number);
    let group = groups.get(number);
    if (!group) {
      group = { firstNamed: null, unnamed: null, recent: null, byName: new Map() };
      groups.set(number, group);
    }
    return group;
  }

  #add(record: ResultRecord, name: string): Test {
    const index = this.#define({
      kind: record.type,
      number: Math.max(0, record.number),
      name,
      units: '',
      lowLimit: null,
      highLimit: null,
      lowSpec: null,
      highSpec: null,
      resultScale: null,
    });
    const nameBytes = Buffer.from(record.buffer.subarray(record.nameStart, record.nameEnd));
    return { index, nameBytes, optFlags: ABSENT, lowBits: ABSENT, highBits: ABSENT, variants: null };
  }

  #define(definition: TestDefinition): number {
    if (this.#definitions.length === MAX_DEFINITIONS) {
      throw new WafersyncError('invalid', `the file has more than ${MAX_DEFINITIONS} tests`, {
        hint: 'Keep what changes from part to part out of TEST_TXT, or split the file.',
      });
    }
    return this.#definitions.push(definition) - 1;
  }

  #setDefaults(test: Test, record: ResultRecord): void {
    test.optFlags = record.optFlags;
    test.lowBits = record.lowBits;
    test.highBits = record.highBits;
    const { optFlags, resultScale } = record;
    const { units, lowSpecBits, highSpecBits } = record.details();
    this.#definitions[test.index] = {
      ...this.#definitions[test.index]!,
      units,
      lowLimit: optFlags & (DEFAULT_LOW | NO_LOW) ? null : limit(record.lowBits),
      highLimit: optFlags & (DEFAULT_HIGH | NO_HIGH) ? null : limit(record.highBits),
      lowSpec: optFlags & NO_LOW_SPEC ? null : limit(lowSpecBits),
      highSpec: optFlags & NO_HIGH_SPEC ? null : limit(highSpecBits),
      resultScale: optFlags & NO_SCALE || resultScale < 0 ? null : (resultScale << 24) >> 24,
    };
  }

  #variant(test: Test, record: ResultRecord): number {
    const standard = this.#definitions[test.index]!;
    const low = override(record.optFlags, DEFAULT_LOW, NO_LOW, record.lowBits, standard.lowLimit);
    const high = override(record.optFlags, DEFAULT_HIGH, NO_HIGH, record.highBits, standard.highLimit);
    if (low === standard.lowLimit && high === standard.highLimit) return test.index;
    test.variants ??= new Map();
    const key = `${low} ${high}`;
    const known = test.variants.get(key);
    if (known !== undefined) return known;
    if (test.variants.size === MAX_VARIANTS_OF_A_TEST || this.#variantCount === MAX_VARIANTS) {
      this.#dropped++;
      return test.index;
    }
    const index = this.#define({ ...standard, lowLimit: low, highLimit: high });
    this.#variantCount++;
    test.variants.set(key, index);
    return index;
  }
}

function isNamed(record: ResultRecord, name: Buffer): boolean {
  const { buffer, nameStart } = record;
  const length = record.nameEnd - nameStart;
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) {
    if (buffer[nameStart + i] !== name[i]) return false;
  }
  return true;
}

/** Limit that a later record goes by: the default, none, or its own. */
function override(
  optFlags: number,
  byDefault: number,
  none: number,
  bits: number,
  standard: number | null,
): number | null {
  if (optFlags & byDefault) return standard;
  if (optFlags & none) return null;
  return bits === ABSENT ? standard : limit(bits);
}

/** A NaN limits nothing, and is none. */
function limit(bits: number): number | null {
  const value = bits === ABSENT ? Number.NaN : float32Value(bits);
  return Number.isNaN(value) ? null : value;
}
