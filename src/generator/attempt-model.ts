import type { Die } from './die-map.ts';
import type { Limits } from './distribution.ts';
import type { TestModel } from './test-model.ts';

/** STDF TEST_FLG: a bit each. */
export const TEST_FLAG = {
  alarm: 0x01,
  unreliable: 0x02,
  timeout: 0x08,
  notExecuted: 0x10,
  noVerdict: 0x40,
  failed: 0x80,
} as const;

/** STDF PARM_FLG: a bit each. */
export const PARM_FLAG = { above: 0x08, below: 0x10, atLowPasses: 0x40, atHighPasses: 0x80 } as const;

/** STDF PART_FLG: a bit each. */
export const PART_FLAG = {
  replacesSameId: 0x01,
  replacesSameCoordinates: 0x02,
  abnormalEnd: 0x04,
  failed: 0x08,
  noVerdict: 0x10,
} as const;

/** One execution of a test. */
export interface ResultModel {
  readonly test: TestModel;
  /** TEST_FLG. */
  readonly flags: number;
  /** PARM_FLG; −1 for FTR, which has none. */
  readonly parmFlags: number;
  /** Float32 values: one for PTR, none for FTR, any number for MPR. */
  readonly values: readonly number[];
  /** Limits, where they are no longer those of the test. */
  readonly changedLimits: Limits | null;
}

/** One touchdown of one die. */
export interface AttemptModel {
  readonly die: Die;
  readonly head: number;
  readonly site: number;
  readonly partId: string;
  readonly hardBin: number;
  /** Null where the tester gave none (65535 in the file). */
  readonly softBin: number | null;
  readonly partFlags: number;
  /** TEST_T, milliseconds. */
  readonly timeMs: number;
  /** Index of the first test that failed, or that testing broke off at; −1 if the die passed. */
  readonly firstFail: number;
  /** NUM_TEST: executed tests, whether their results are in the file or not. */
  readonly testCount: number;
  /** In order of execution. */
  readonly results: readonly ResultModel[];
}

/** Dies tested at the same time, in order of their sites. */
export interface Touchdown {
  /** Position in its wafer, from 0. */
  readonly index: number;
  /** Milliseconds from the start of the lot. */
  readonly startMs: number;
  readonly attempts: readonly AttemptModel[];
}

/** Results of a touchdown as a tester writes them: test after test, each for all sites that still test. */
export function* resultsInFileOrder(
  touchdown: Touchdown,
): Generator<readonly [attempt: AttemptModel, result: ResultModel]> {
  const most = Math.max(...touchdown.attempts.map((attempt) => attempt.results.length));
  for (let step = 0; step < most; step++) {
    for (const attempt of touchdown.attempts) {
      const result = attempt.results[step];
      if (result) yield [attempt, result];
    }
  }
}
