import type { Results } from '../../wafer/attempt.ts';
import type { TestDefinition } from '../../wafer/program.ts';
import { sameWafer, type WaferKey } from '../../wafer/wafer-key.ts';
import type { StoredAttempt } from './stream-history.ts';

/** Which die something is about. */
export interface Die {
  readonly x: number | null;
  readonly y: number | null;
  readonly partId: string;
}

/** Whether a stored attempt is about this wafer and die. */
export function sameDie({ wafer, attempt }: StoredAttempt, otherWafer: WaferKey, die: Die): boolean {
  return (
    attempt.x === die.x &&
    attempt.y === die.y &&
    attempt.partId === die.partId &&
    sameWafer(wafer, otherWafer)
  );
}

/**
 * Whether rows of a stored attempt, beginning at row `offset`, are these results: the same tests with the same
 * flags and value bits in the same order. Times are not compared, since a tester may stamp a result when sending it. Of
 * a stored attempt whose values were purged only the number of its rows can be compared.
 *
 * @param results rows with at most one value each, as streams make them
 */
export function sameRows(
  stored: StoredAttempt,
  offset: number,
  results: Results,
  definition: (index: number) => TestDefinition,
): boolean {
  const { attempt, tests } = stored;
  if (offset < 0 || offset + results.length > attempt.results.length) return false;
  if (stored.purged) return true;
  let storedValue = sumBefore(attempt.results.valueCounts, offset);
  let value = 0;
  for (let row = 0; row < results.length; row++) {
    const count = results.valueCounts[row]!;
    if (!sameRow(attempt.results, offset + row, results, row)) return false;
    if (!sameTest(tests[attempt.results.tests[offset + row]!], definition(results.tests[row]!))) return false;
    // Object.is tells −0 from 0. A float32 widens to the very double that was given: both forms compare.
    if (count === 1 && !Object.is(attempt.results.values[storedValue], results.values[value])) return false;
    storedValue += count;
    value += count;
  }
  return true;
}

function sameRow(a: Results, i: number, b: Results, j: number): boolean {
  return a.valueCounts[i] === b.valueCounts[j] && a.testFlags[i] === b.testFlags[j];
}

function sameTest(a: TestDefinition | undefined, b: TestDefinition): boolean {
  return (
    a !== undefined &&
    a.kind === b.kind &&
    a.number === b.number &&
    a.name === b.name &&
    a.units === b.units &&
    Object.is(a.lowLimit, b.lowLimit) &&
    Object.is(a.highLimit, b.highLimit)
  );
}

function sumBefore(counts: Uint32Array, end: number): number {
  let sum = 0;
  for (let i = 0; i < end; i++) sum += counts[i]!;
  return sum;
}
