import type { AttemptModel, ResultModel, Touchdown } from './attempt-model.ts';
import type { LotModel } from './model.ts';
import { lastingMs, touchdowns } from './touchdowns.ts';
import type { WaferModel } from './wafer-model.ts';

/** A result at the moment at which a tester has it. */
export interface TimedResult {
  readonly attempt: AttemptModel;
  readonly result: ResultModel;
  /** When the test had run, milliseconds from the start of the lot. */
  readonly atMs: number;
  /** No other result of the attempt follows. */
  readonly isLast: boolean;
}

/** A touchdown with the times of its results. */
export interface TimedTouchdown {
  /** Position in its wafer, from 0. */
  readonly index: number;
  /** Milliseconds from the start of the lot. */
  readonly startMs: number;
  readonly endMs: number;
  /** All dies; those without any results are there too. */
  readonly attempts: readonly AttemptModel[];
  /** In the order in which a tester has them. Those of one attempt are in order of execution. */
  readonly results: readonly TimedResult[];
}

/** What a tester streams while it tests a wafer. Memory is bounded by one touchdown and a few bytes a die. */
export function* timedTouchdowns(lot: LotModel, wafer: WaferModel): Generator<TimedTouchdown> {
  for (const touchdown of touchdowns(lot, wafer)) yield timed(touchdown);
}

function timed(touchdown: Touchdown): TimedTouchdown {
  const { index, startMs, attempts } = touchdown;
  const results = attempts.flatMap((attempt) => timedResults(attempt, startMs));
  return {
    index,
    startMs,
    endMs: startMs + lastingMs(touchdown),
    attempts,
    results: results.sort((a, b) => a.atMs - b.atMs),
  };
}

/** The sites work beside each other, each test after the one before it. */
function timedResults(attempt: AttemptModel, startMs: number): TimedResult[] {
  let atMs = startMs;
  return attempt.results.map((result, i) => {
    atMs += result.test.timeMs;
    return { attempt, result, atMs, isLast: i === attempt.results.length - 1 };
  });
}
