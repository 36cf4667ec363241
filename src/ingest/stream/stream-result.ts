/** Test of one streamed result. Its kind is always `PTR`. */
export interface StreamTest {
  /** Test number, 0 to 2^32 − 1. */
  readonly number: number;
  /** Name of the test; not empty. */
  readonly name: string;
  /** Units of the value; empty if none. */
  readonly units: string;
  /** Low limit; null if none. */
  readonly lowLimit: number | null;
  /** High limit; null if none. */
  readonly highLimit: number | null;
}

/** Whose results they are, and where they stand in the stream. */
export interface StreamPlace {
  /** Tester; not empty, the same throughout a stream. */
  readonly equipmentId: string;
  /** The tester's name for the stream, the same throughout; empty: the node mints one. */
  readonly streamId: string;
  /** Position in the stream, from 1, growing; 0 throughout: the node counts. Of several results, the first one's. */
  readonly streamSequence: number;
  /** Whether the tester marks the run final; once it did, it stays so. */
  readonly final?: boolean;
}

/** The die of a result, and where it was touched down. */
export interface StreamDie {
  /** Wafer within the lot; empty where there is none. */
  readonly waferId: string;
  /** Lot; may be empty. */
  readonly lot: string;
  /** Insertion: the test step; may be empty. */
  readonly insertion: string;
  /** Column of the die; null, together with y, where the die has no coordinates. */
  readonly x: number | null;
  /** Row of the die. */
  readonly y: number | null;
  /** Part id; empty if none. */
  readonly partId: string;
  /** Test head, 0 to 255. */
  readonly head: number;
  /** Test site, 0 to 255. */
  readonly site: number;
}

/** One result as a tester streams it: the domain form of the proto's TestResult. */
export interface StreamResult extends StreamPlace, StreamDie {
  readonly test: StreamTest;
  /** Measured value, NaN and infinities included; null where the test gave none. */
  readonly value: number | null;
  readonly passed: boolean;
  /** STDF TEST_FLG, 0 to 255, where it says more than `passed`; null where it does not. */
  readonly testFlags: number | null;
  /** When it was measured, microseconds since 1970-01-01T00:00:00Z; 0 if not known. */
  readonly timestampUs: number;
  /** Hard bin of the die, 0 to 65535; null where this result says nothing about it. */
  readonly hardBin: number | null;
  /** Soft bin of the die, 0 to 65534; null where this result says nothing about it. */
  readonly softBin: number | null;
  /** Whether the attempt ends with this result. */
  readonly lastOfDie: boolean;
}

/** Map key of a (head, site) pair, each 0 to 255. */
export type SiteKey = number;

/** Key of a (head, site) pair. */
export function siteKey(head: number, site: number): SiteKey {
  return head * 256 + site;
}
