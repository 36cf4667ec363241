import type { Metadata } from '@grpc/grpc-js';
import type { SpanRef } from '../wafer/intake.ts';

/** Metadata by which a client names its span (https://www.w3.org/TR/trace-context/#traceparent-header). */
const TRACE_PARENT = 'traceparent';

/** Version, trace, span and flags. Later versions may say more behind; version 00 may not, and ff is none. */
const FORM = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;
/** The flag of a span that is recorded. */
const SAMPLED = 0x01;
/** Longest value that is looked at; those of version 00 have 55 characters. */
const MAX_LENGTH = 256;

/** Span that a client named; null where it named none, or what no tracer may write. */
export function callerOf(metadata: Metadata): SpanRef | null {
  const values = metadata.get(TRACE_PARENT);
  const [value] = values;
  if (values.length !== 1 || typeof value !== 'string' || value.length > MAX_LENGTH) return null;
  const [, version, traceId = '', spanId = '', flags = '', more] = FORM.exec(value) ?? [];
  if (version === undefined || (version === '00' && more !== undefined)) return null;
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}
