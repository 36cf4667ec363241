import { type ErrorCode, WafersyncError } from '../../src/errors.ts';

/** What calls fail with while a node is down, ends, or has no room. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['unavailable', 'cancelled', 'exhausted', 'internal']);

/** Whether what a call failed with passes: it may be made again. */
export function passes(error: unknown): boolean {
  return PASSING.has(WafersyncError.from(error).code);
}

/** What a node answers, or `otherwise` where it does not know of what was asked for. */
export async function foundOr<T, Other>(otherwise: Other, answer: Promise<T>): Promise<T | Other> {
  try {
    return await answer;
  } catch (error) {
    if (WafersyncError.from(error).code === 'not-found') return otherwise;
    throw error;
  }
}

/** Something acknowledged that is not there. */
export interface Loss {
  /** Number of the fault under which it was acknowledged; see {@link Ledger.fault}. */
  readonly fault: number;
  /** What, and where it is missing. */
  readonly what: string;
}

/** Counts what was acknowledged, and under which fault. */
export class Ledger {
  /** The fault under way, or the next one to come. */
  fault = 0;
  readonly losses: Loss[] = [];
  readonly #acknowledged = new Map<number, number>();

  /** So many writes were acknowledged just now: results, edits, files. */
  acknowledged(writes: number): void {
    this.#acknowledged.set(this.fault, this.acknowledgedUnder(this.fault) + writes);
  }

  acknowledgedUnder(fault: number): number {
    return this.#acknowledged.get(fault) ?? 0;
  }

  get total(): number {
    return [...this.#acknowledged.values()].reduce((sum, count) => sum + count, 0);
  }

  lost(fault: number, what: string): void {
    this.losses.push({ fault, what });
  }
}
