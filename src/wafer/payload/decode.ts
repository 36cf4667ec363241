import type { Attempt, AttemptSummary, Results } from '../attempt.ts';
import { readAttemptTable } from './attempt-table.ts';
import { ExecutionOrder } from './execution-order.ts';
import { type OpenPayload, openPayload, openResults } from './open.ts';
import { requireResults } from './stub.ts';

export { decodeTestColumns, type TestColumn } from './test-columns.ts';

/**
 * Attempts of a payload, in growing order of index. Their arrays are views of buffers that all of them share: who
 * keeps one attempt for long copies it.
 *
 * @throws WafersyncError `damaged` where the bytes are no payload; `precondition` where a newer version made them;
 * `not-found` where the values were purged
 */
export function decodeAttempts(payload: Uint8Array): Attempt[] {
  const opened = openPayload(payload);
  requireResults(opened);
  const summaries = readAttemptTable(opened.table, opened.resultCounts);
  const results = readResults(opened);
  return summaries.map(({ resultCount: _, ...facts }, i) => ({ ...facts, results: results[i]! }));
}

/** Attempts of a payload without their results; nothing behind the table is looked at. @throws WafersyncError as {@link decodeAttempts} */
export function decodeAttemptTable(payload: Uint8Array): AttemptSummary[] {
  const { table, resultCounts } = openPayload(payload);
  return readAttemptTable(table, resultCounts);
}

function readResults(opened: OpenPayload): Results[] {
  if (opened.resultCounts.length === 0) {
    opened.rest.end();
    return [];
  }
  const order = new ExecutionOrder(openResults(opened));
  return Array.from(opened.resultCounts, (length, attempt) => order.next(attempt, length));
}
