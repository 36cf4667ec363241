/** A test, as the tester names it. */
export interface TesterTest {
  /** Name; not empty. */
  readonly name: string;
  /** Number, 0 to 2^32 − 1; 0 where it is absent. */
  readonly number?: number;
  /** Units of the values. */
  readonly units?: string;
  readonly lowLimit?: number | null;
  readonly highLimit?: number | null;
}

/** Where results come from: wafer, die and site. What is absent is empty, and the die then has no coordinates. */
export interface TesterPlace {
  /** Wafer within the lot. */
  readonly waferId?: string;
  readonly lot?: string;
  /** Insertion: the test step. */
  readonly insertion?: string;
  /** Column of the die; absent or null, together with y, where it has no coordinates. */
  readonly x?: number | null;
  /** Row of the die. */
  readonly y?: number | null;
  readonly partId?: string;
  /** Test head, 0 to 255; 0 where it is absent. */
  readonly head?: number;
  /** Test site, 0 to 255; 0 where it is absent. */
  readonly site?: number;
  /** Hard bin of the die, 0 to 65535. */
  readonly hardBin?: number | null;
  /** Soft bin of the die, 0 to 65534. */
  readonly softBin?: number | null;
}

/** One result. */
export interface TesterResult extends TesterPlace {
  readonly test: TesterTest;
  /** Measured value, NaN and infinities included; null where the test gave none. */
  readonly value: number | null;
  readonly passed: boolean;
  /** STDF TEST_FLG, where it says more than `passed`. */
  readonly testFlags?: number | null;
  /** When it was measured, microseconds since 1970-01-01T00:00:00Z; absent where that is not known. */
  readonly timestampUs?: number;
  /** Whether the attempt ends with this result. Only attempts that have ended become durable. */
  readonly lastOfDie?: boolean;
}

/** The results of one die, or a part of them, in execution order; result i is entry i of each column. */
export interface TesterDie extends TesterPlace {
  /** Test of each result. Handing in the same array for each die saves looking them up. */
  readonly tests: readonly TesterTest[];
  /** Measured values; null where a test gave none. */
  readonly values: ArrayLike<number | null>;
  /** Whether each test passed; absent where testFlags says it. */
  readonly passed?: ArrayLike<boolean>;
  /** STDF TEST_FLG of each; absent where `passed` says it all. */
  readonly testFlags?: ArrayLike<number>;
  /** When each was measured, microseconds since 1970-01-01T00:00:00Z, or one time for all; absent: not known. */
  readonly timestampUs?: number | ArrayLike<number>;
  /** Whether the attempt ends with these results; true where it is absent. */
  readonly lastOfDie?: boolean;
}
