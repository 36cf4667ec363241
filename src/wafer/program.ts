/** STDF record that a test's results come in. A stream's tests are `PTR`. */
export type TestKind = 'PTR' | 'MPR' | 'FTR';

/**
 * Definition of a test. Its identity is (kind, number, name); definitions that differ only in the rest are
 * variants of one test (limits that changed within a file).
 */
export interface TestDefinition {
  readonly kind: TestKind;
  /** STDF TEST_NUM, 0 to 2^32 − 1. */
  readonly number: number;
  /** STDF TEST_TXT; an empty one took the first name seen for its kind and number. */
  readonly name: string;
  /** Units of the values; empty if none. */
  readonly units: string;
  /** Low limit; null if none. */
  readonly lowLimit: number | null;
  /** High limit; null if none. */
  readonly highLimit: number | null;
  /** Low specification limit; null if none. */
  readonly lowSpec: number | null;
  /** High specification limit; null if none. */
  readonly highSpec: number | null;
  /** STDF RES_SCAL: display exponent of the values; null if not valid. */
  readonly resultScale: number | null;
}

declare const brand: unique symbol;

/** SHA-256 of a program's canonical bytes, 64 hex digits. */
export type ProgramDigest = string & { readonly [brand]: 'ProgramDigest' };

/** An ordered list of test definitions under the digest of its canonical bytes. */
export interface TestProgram {
  readonly digest: ProgramDigest;
  /** Canonical bytes, as sent and stored. */
  readonly body: Uint8Array;
  readonly tests: readonly TestDefinition[];
}
