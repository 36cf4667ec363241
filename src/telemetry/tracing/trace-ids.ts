import { createHash } from 'node:crypto';
import { type Dot, formatDot } from '../../clocks/dot.ts';

/** The trace of one update, which every fab works out alike. */
export interface UpdateTrace {
  /** 32 hex digits. */
  readonly traceId: string;
  /** Id of the span at the fab where the update was born, on which those of all fabs hang; 16 hex digits. */
  readonly rootId: string;
}

/** What goes before the dot, so that nothing else makes the same ids. */
const PREFIX = 'wafersync trace ';

/** Ids of an update's trace: the first 24 bytes of a SHA-256 over its dot as text. No word of it goes over the wire. */
export function traceOf(dot: Dot): UpdateTrace {
  const digits = createHash('sha256')
    .update(PREFIX + formatDot(dot))
    .digest('hex');
  return { traceId: digits.slice(0, 32), rootId: digits.slice(32, 48) };
}
