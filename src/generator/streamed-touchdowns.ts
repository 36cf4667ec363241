import { type AttemptModel, PART_FLAG, type ResultModel, TEST_FLAG } from './attempt-model.ts';
import type { LotModel } from './model.ts';
import { type TimedResult, timedTouchdowns } from './timed-touchdowns.ts';
import type { WaferModel } from './wafer-model.ts';

/** A touchdown as a tester streams it. */
export interface StreamedTouchdown {
  /** Position in its wafer, from 0. */
  readonly index: number;
  /** Milliseconds from the start of the lot. */
  readonly startMs: number;
  /** What a store must give back, in the order of their first results. Dies without results are not among them. */
  readonly attempts: readonly AttemptModel[];
  /** In the order in which a tester has them. */
  readonly results: readonly TimedResult[];
}

/** What a tester streams while it tests a wafer. */
export function* streamedTouchdowns(lot: LotModel, wafer: WaferModel): Generator<StreamedTouchdown> {
  for (const { index, startMs, results } of timedTouchdowns(lot, wafer)) {
    const attempts = new Set(results.map(({ attempt }) => attempt));
    yield { index, startMs, results, attempts: [...attempts].map(asStreamed) };
  }
}

/** A streamed attempt has the part flags and the count of tests that follow from its results, and no kinds of tests. */
function asStreamed(attempt: AttemptModel): AttemptModel {
  return {
    ...attempt,
    partFlags: attempt.results.some(hasFailed) ? PART_FLAG.failed : 0,
    testCount: attempt.results.length,
    results: attempt.results.map((result) => ({ ...result, test: { ...result.test, kind: 'PTR' } })),
  };
}

/** Whether a result says of itself that it failed. */
export function hasFailed({ flags }: ResultModel): boolean {
  return (flags & (TEST_FLAG.failed | TEST_FLAG.noVerdict)) === TEST_FLAG.failed;
}
