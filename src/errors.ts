/**
 * What kind of failure it is. Each maps to one gRPC status (src/wire/status.ts).
 *
 * - `invalid`: the input is wrong, and stays wrong when sent again.
 * - `not-found`: what was named does not exist here.
 * - `conflict`: the input contradicts what is stored (other content under the same identity).
 * - `exhausted`: a stated bound or the disk is full; trying later may work.
 * - `unavailable`: the other side or this node cannot serve now; trying again may work.
 * - `precondition`: the system is not in the state that the call needs.
 * - `damaged`: stored or received bytes are not what was written.
 * - `cancelled`: the caller went away or time ran out.
 * - `internal`: a law of wafersync was broken; a bug.
 */
export type ErrorCode =
  | 'invalid'
  | 'not-found'
  | 'conflict'
  | 'exhausted'
  | 'unavailable'
  | 'precondition'
  | 'damaged'
  | 'cancelled'
  | 'internal';

/** Extra facts of an error. */
export interface ErrorOptions {
  /** What a person can do about it, as a sentence. */
  readonly hint?: string;
  /** What failed underneath. */
  readonly cause?: unknown;
}

/** The one error family: a code for programs, a message that says what and where, a hint for people. */
export class WafersyncError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'WafersyncError';
    this.code = code;
    this.hint = options.hint ?? '';
  }

  /** Wraps anything that was thrown; a WafersyncError stays as it is. */
  static from(thrown: unknown, code: ErrorCode = 'internal', context = ''): WafersyncError {
    if (thrown instanceof WafersyncError) return thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return new WafersyncError(code, context ? `${context}: ${reason}` : reason, { cause: thrown });
  }

  /** Message and hint in one line, for a terminal. */
  get line(): string {
    return this.hint ? `${this.message}. ${this.hint}` : this.message;
  }
}

/** Throws an `internal` error where a law of wafersync does not hold. */
export function invariant(holds: unknown, law: string): asserts holds {
  if (!holds) throw new WafersyncError('internal', `invariant broken: ${law}`);
}

/** Does something with each, whichever of them it throws for. @throws what it threw first, once all are done */
export function forEachThenThrow<T>(items: Iterable<T>, act: (item: T) => void): void {
  const failures: unknown[] = [];
  for (const item of items) {
    try {
      act(item);
    } catch (thrown) {
      failures.push(thrown);
    }
  }
  if (failures.length > 0) throw failures[0];
}
