import type { RunId } from './run.ts';

/** What is here of a run, beside what its record says. */
export interface RunFacts {
  readonly id: RunId;
  /** Where its attempts come from; null before a record of it has come. */
  readonly source: 'file' | 'stream' | null;
  /** Attempts as the record says, over all wafers; null before one has come. */
  readonly recorded: number | null;
  /** Whether it ended as it should, as the record says. */
  readonly ended: boolean;
  /** Attempts that are here, over all wafers. */
  readonly received: number;
}

/**
 * `complete`: it ended as it should, and all of it is here. `arriving`: it has ended, and attempts that its record counts are
 * not here yet. `open`: no end of it is known. `cut`: it ended before its end.
 */
export type RunState = 'complete' | 'arriving' | 'open' | 'cut';

/** State of a run, as far as it is known here. */
export function runStateOf({ source, recorded, ended, received }: RunFacts): RunState {
  if (recorded === null) return 'open';
  // The record of a stream that has begun counts nothing; one that was cut and goes on has more than it had.
  const goesOn = source === 'stream' && (recorded === 0 || received > recorded);
  if (!ended && goesOn) return 'open';
  if (received < recorded) return 'arriving';
  return ended ? 'complete' : 'cut';
}

/** Attempts that the records of some runs promise, all wafers together; null while one is open. */
export function expectedAttempts(runs: readonly RunFacts[]): number | null {
  if (runs.some((run) => runStateOf(run) === 'open')) return null;
  return runs.reduce((sum, { recorded, received }) => sum + Math.max(recorded!, received), 0);
}

/**
 * Attempts of one wafer that the records of its runs promise; null while a run is open, or lacks attempts. A record counts
 * the whole run, so that what a run lacks may be of any wafer, one that has not come yet included.
 * @param runs with the attempts of the wafer in each
 */
export function expectedOfWafer(runs: readonly (RunFacts & { readonly ofWafer: number })[]): number | null {
  const here = runs.every((run) => ['complete', 'cut'].includes(runStateOf(run)));
  return here ? runs.reduce((sum, { ofWafer }) => sum + ofWafer, 0) : null;
}

/** What gross dies and dies that have an attempt leave. More tested than there are leaves none. */
export function neverTested(gross: number | null, tested: number): number | null {
  return gross === null ? null : Math.max(0, gross - tested);
}

/** Sum of numbers; null where one is not known. */
export function sumOrNull(numbers: Iterable<number | null>): number | null {
  let sum = 0;
  for (const number of numbers) {
    if (number === null) return null;
    sum += number;
  }
  return sum;
}
