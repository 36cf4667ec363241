import type { Attempt } from '../attempt.ts';

/** First byte of a payload: the layout that docs/PAYLOAD.md describes. */
export const PAYLOAD_VERSION = 1;

/** Attempts in one payload. A decoded one with results takes 2 KiB beside them. */
export const MAX_ATTEMPTS = 65_536;

/** Results in one payload. */
export const MAX_RESULTS = 2_097_152;

/** Values in one payload. With the bounds above, a decoder needs at most some 400 MiB, whatever it is given. */
export const MAX_VALUES = 2_097_152;

/** One more than the greatest index of a test, and the most definitions that a program has. */
export const MAX_TESTS = 65_535;

/** Bytes of a part id in UTF-8. */
export const MAX_PART_ID_BYTES = 1024;

/** Bytes of one section after inflating. */
export const MAX_SECTION_BYTES = 64 * 1024 * 1024;

/** Whether attempts are few enough for one payload. Says nothing of its size in bytes. */
export function fitsOnePayload(attempts: readonly Attempt[]): boolean {
  if (attempts.length > MAX_ATTEMPTS) return false;
  let results = 0;
  let values = 0;
  for (const attempt of attempts) {
    results += attempt.results.length;
    values += attempt.results.values.length;
  }
  return results <= MAX_RESULTS && values <= MAX_VALUES;
}
