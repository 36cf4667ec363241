import { WafersyncError } from '../../errors.ts';
import type { Attempt, Results } from '../attempt.ts';
import { ByteReader } from '../bytes.ts';
import { readAttemptTable } from './attempt-table.ts';
import { type OpenPayload, openPayload } from './open.ts';
import { skipSection } from './section.ts';

/**
 * Stub of a payload: its bytes up to the end of the attempt table, so that attempts, bins, verdicts and numbers of results
 * stay and everything behind them goes. The same bytes whoever makes it; the stub of a stub is itself.
 *
 * @throws WafersyncError `damaged` where the bytes are no payload; `precondition` where a newer version made them
 */
export function stubPayload(payload: Uint8Array): Uint8Array {
  // Of bytes that are none, no part is kept.
  openPayload(payload);
  const reader = new ByteReader(payload, 'payload');
  reader.u8();
  skipSection(reader);
  return payload.slice(0, payload.length - reader.remaining);
}

/** Whether a payload has attempts, and nothing of their results: its values were purged. @throws as {@link stubPayload} */
export function isStubPayload(payload: Uint8Array): boolean {
  return isStub(openPayload(payload));
}

/** Whether an opened payload is a stub. */
export function isStub({ resultCounts, rest }: OpenPayload): boolean {
  return resultCounts.length > 0 && rest.remaining === 0;
}

/** Attempts of a stub, each with as many results as it had, all of them blank. @throws as {@link stubPayload} */
export function blankAttempts(stub: Uint8Array): Attempt[] {
  const { table, resultCounts } = openPayload(stub);
  return readAttemptTable(table, resultCounts).map(({ resultCount, ...facts }) => ({
    ...facts,
    results: blankResults(resultCount),
  }));
}

function blankResults(length: number): Results {
  return {
    length,
    tests: new Uint32Array(length),
    testFlags: new Int16Array(length),
    parmFlags: new Int16Array(length),
    valueCounts: new Uint32Array(length),
    values: new Float32Array(),
    timesUs: null,
  };
}

/** Passes where there are results to read. @throws WafersyncError `not-found` where they were purged */
export function requireResults(opened: OpenPayload): void {
  if (!isStub(opened)) return;
  throw new WafersyncError('not-found', 'the values of these results were purged', {
    hint: 'What is known of the attempts stays. `wafersync purges` tells when and why the values went.',
  });
}
