import { WafersyncError } from '../../errors.ts';
import type { Attempt, Results } from '../attempt.ts';
import { FIELDS, type Field } from './attempt-table.ts';
import {
  fitsOnePayload,
  MAX_ATTEMPTS,
  MAX_PART_ID_BYTES,
  MAX_RESULTS,
  MAX_TESTS,
  MAX_VALUES,
} from './limits.ts';

/** Checks that attempts are as their types say, so that a payload gives back what went in. @throws WafersyncError `invalid` */
export function checkAttempts(attempts: readonly Attempt[]): void {
  if (!fitsOnePayload(attempts)) {
    throw new WafersyncError('invalid', `${attempts.length} attempts are too much for one payload`, {
      hint: `Hand in fewer at once: at most ${MAX_ATTEMPTS} attempts, ${MAX_RESULTS} results and ${MAX_VALUES} values.`,
    });
  }
  let previous = -1;
  for (const attempt of attempts) {
    for (const field of FIELDS) checkField(attempt, field);
    if (attempt.index <= previous) throw refusal(attempt, `index does not grow: it follows ${previous}`);
    previous = attempt.index;
    if ((attempt.x === null) !== (attempt.y === null)) throw refusal(attempt, 'has half a coordinate');
    checkPartId(attempt);
    checkResults(attempt, attempt.results);
  }
}

function checkField(attempt: Attempt, { name, min, max, nullable }: Field): void {
  const value = attempt[name];
  if (value === null ? nullable : Number.isInteger(value) && value >= min && value <= max) return;
  throw refusal(attempt, `${name} ${value} is not an integer of ${min} to ${max}`);
}

function checkPartId(attempt: Attempt): void {
  const { partId } = attempt;
  if (!partId.isWellFormed()) throw refusal(attempt, 'part id has half a surrogate pair');
  // UTF-8 takes at most three bytes for a UTF-16 unit, so that short ids need no counting.
  if (partId.length * 3 > MAX_PART_ID_BYTES && Buffer.byteLength(partId) > MAX_PART_ID_BYTES) {
    throw refusal(attempt, `part id has more than ${MAX_PART_ID_BYTES} bytes`);
  }
}

function checkResults(attempt: Attempt, results: Results): void {
  const { length, tests, testFlags, parmFlags, valueCounts, values, timesUs } = results;
  for (const column of [tests, testFlags, parmFlags, valueCounts, ...(timesUs ? [timesUs] : [])]) {
    if (column.length !== length)
      throw refusal(attempt, `has ${length} results and a column of ${column.length}`);
  }
  let counted = 0;
  for (let i = 0; i < length; i++) {
    if (tests[i]! >= MAX_TESTS)
      throw refusal(attempt, `has a test of index ${tests[i]}, over ${MAX_TESTS - 1}`);
    counted += valueCounts[i]!;
  }
  if (counted !== values.length) throw refusal(attempt, `has ${values.length} values and counts ${counted}`);
  for (const time of timesUs ?? []) {
    if (!Number.isSafeInteger(time))
      throw refusal(attempt, `has a time of ${time}, not an integer below 2^53`);
  }
}

function refusal(attempt: Attempt, what: string): WafersyncError {
  return new WafersyncError('invalid', `attempt ${attempt.index}: ${what}`, {
    hint: 'What made the attempt has to give values within the bounds of docs/PAYLOAD.md.',
  });
}
