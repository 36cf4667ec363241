import type { ErrorCode, WafersyncError } from '../errors.ts';
import type { BackoffBounds } from '../sync/backoff.ts';

/** How long a client waits before it tries again. */
export const RETRY: BackoffBounds = { minMs: 100, maxMs: 10_000 };

/** Errors that the same results may not meet again. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['unavailable', 'exhausted', 'cancelled']);

/** Whether trying again may help. */
export function mayPass({ code }: WafersyncError): boolean {
  return PASSING.has(code);
}
