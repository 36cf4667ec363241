import type { Attempt, AttemptSummary, Results } from './attempt.ts';
import type { TestDefinition } from './program.ts';
import { TextDigest } from './text-digest.ts';

/** Fields of an attempt that its line tells; a row of a store has them as well. */
export type PartRow = Omit<
  AttemptSummary,
  'index' | 'resultCount' | 'testTimeMs' | 'startedAtUs' | 'sequenceSpan'
>;

/**
 * SHA-256 over one line per attempt: position, head, site, x, y, hard bin, soft bin, part flags, test count and part id,
 * decimal, parted by tabs; what is missing is empty. Two sources with equal digests hold the same parts.
 *
 * Part ids count as UTF-8. For ASCII and for files in UTF-8 these are the bytes of the file; an id that a file holds in Latin-1
 * counts as the UTF-8 of the same characters, since a store keeps characters, not bytes.
 */
export class PartsDigest {
  readonly #text = new TextDigest();

  /** `position` counts the attempts from 0, in order of index. */
  add(attempt: PartRow, position: number): void {
    this.#text.add(partLine(attempt, position));
  }

  /** 64 hex digits; ends the digest. */
  hex(): string {
    return this.#text.hex();
  }
}

/**
 * SHA-256 over each attempt's line as in {@link PartsDigest}, followed by a line per result in execution order: kind, test number, name
 * without its non-ASCII characters, test flags (`None` if absent) and the values as float32 bits in hex, `nan` for any
 * NaN, parted by commas. It is what a store must give back.
 */
export class AttemptsDigest {
  readonly #text = new TextDigest();
  #tests: readonly TestDefinition[] = [];
  /** What a result's line begins with, by the index of its definition. */
  #beginnings: (string | undefined)[] = [];

  /** `position` counts the attempts from 0, in order of index; `tests` is the program that the results name. */
  add(attempt: Attempt, position: number, tests: readonly TestDefinition[]): void {
    if (tests !== this.#tests) {
      this.#tests = tests;
      this.#beginnings = [];
    }
    this.#text.add(partLine(attempt, position) + this.#resultLines(attempt.results));
  }

  /** 64 hex digits; ends the digest. */
  hex(): string {
    return this.#text.hex();
  }

  #resultLines(results: Results): string {
    const hex = valueHex(results.values);
    let lines = '';
    let offset = 0;
    for (let i = 0; i < results.length; i++) {
      lines += this.#beginning(results.tests[i]!) + flagsText(results.testFlags[i]!);
      const end = offset + results.valueCounts[i]!;
      for (let separator = '\t'; offset < end; separator = ',') lines += separator + hex(offset++);
      lines += results.valueCounts[i] === 0 ? '\t\n' : '\n';
    }
    return lines;
  }

  #beginning(test: number): string {
    const known = this.#beginnings[test];
    if (known !== undefined) return known;
    const { kind, number, name } = this.#tests[test]!;
    const beginning = `${kind}\t${number}\t${asciiOnly(name)}\t`;
    this.#beginnings[test] = beginning;
    return beginning;
  }
}

/** A byte as two hex digits; `toString` would take most of the time of a digest. */
const BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Hex form of a float32 by its bits, 8 digits; `nan` for any NaN. */
export function float32Hex(bits: number): string {
  if ((bits & 0x7fffffff) > 0x7f800000) return 'nan';
  return BYTES[bits >>> 24]! + BYTES[(bits >>> 16) & 0xff] + BYTES[(bits >>> 8) & 0xff] + BYTES[bits & 0xff];
}

/** `None` where a record has no TEST_FLG. */
export function flagsText(testFlags: number): string {
  return testFlags < 0 ? 'None' : String(testFlags);
}

function partLine(part: PartRow, position: number): string {
  const { head, site, x, y, hardBin, softBin, partFlags, testCount, partId } = part;
  return `${[position, head, site, x, y, hardBin, softBin, partFlags, testCount, partId].join('\t')}\n`;
}

/** Hex of each value; a double that does not survive float32, as streams may hold, has 16 digits. */
function valueHex(values: Float32Array | Float64Array): (index: number) => string {
  if (values instanceof Float32Array) {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    return (index) => float32Hex(bits[index]!);
  }
  const scratch = new DataView(new ArrayBuffer(8));
  return (index) => {
    const value = values[index]!;
    if (Number.isNaN(value)) return 'nan';
    if (Math.fround(value) === value) {
      scratch.setFloat32(0, value);
      return float32Hex(scratch.getUint32(0));
    }
    scratch.setFloat64(0, value);
    return scratch.getBigUint64(0).toString(16).padStart(16, '0');
  };
}

function asciiOnly(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: every ASCII character stays, control characters too.
  return text.replace(/[^\x00-\x7f]/g, '');
}
