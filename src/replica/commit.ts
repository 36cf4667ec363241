import type { Dot } from '../clocks/dot.ts';
import type { WafersyncError } from '../errors.ts';
import { DamagedUpdate } from '../store/sealed.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import type { Update } from '../wafer/update.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';

/** What became of a received update: `known` before, `held` back, `forked` (other content under its dot: refused), `repaired` (it was damaged here). */
export type Outcome = 'applied' | 'held' | 'known' | 'forked' | 'repaired';

/** A received update and who waits for it. */
export interface Received<Token> {
  readonly update: Update;
  readonly token: Token;
}

/** What one commit did; told after it is on disk. */
export interface Commit<Token> {
  /** Updates that are new in the log, in order; `token` is null for those born here. */
  readonly added: readonly {
    readonly update: Update;
    readonly token: Token | null;
    readonly applied: boolean;
  }[];
  /** Updates that were held and are applied now. */
  readonly released: readonly Update[];
  /** Received updates that were dealt with, in order. */
  readonly received: readonly { readonly update: Update; readonly token: Token; readonly outcome: Outcome }[];
  /** Programs that are new here. */
  readonly programs: readonly ProgramDigest[];
  /** Wafers of which the tables were wrong, and are folded again. */
  readonly refolded: readonly WaferKey[];
  /** One for each other small write, such as a mark that an update is damaged. */
  readonly housekept: readonly true[];
}

/** Received updates that could not be stored. */
export interface ReceiveFailure<Token> {
  readonly failed: readonly Received<Token>[];
  readonly error: WafersyncError;
}

/** What became of a group's commit; told before those who wait for it. */
export interface CommitOutcome {
  /** Why nothing of it is stored; null where it is on disk. */
  readonly error: WafersyncError | null;
  /** Jobs of the group. */
  readonly jobs: number;
  /** Size of the updates that it wrote; of a failed one the jobs' bytes, which may be more. */
  readonly bytes: number;
  /** How long it took; null where it was but a try for room. */
  readonly timing: CommitTiming | null;
}

/** When a commit was made. */
export interface CommitTiming {
  /** Wall clock when it began, milliseconds since 1970-01-01T00:00:00Z. */
  readonly beganMs: number;
  /** From there until it was on disk, or had failed, milliseconds. */
  readonly tookMs: number;
}

/** What became of an edit. */
export interface EditReceipt {
  /** The edit; null where there was nothing to write. */
  readonly dot: Dot | null;
}

/** A commit that is being made. */
export type Undertaking<Token> = { readonly [K in keyof Commit<Token>]: Commit<Token>[K][number][] };

/** A commit that has done nothing yet. */
export function nothingDone<Token>(): Undertaking<Token> {
  return { added: [], released: [], received: [], programs: [], refolded: [], housekept: [] };
}

/** Failures that end a whole commit: what is behind them is the disk, not the job. */
const FATAL: ReadonlySet<string> = new Set(['exhausted', 'unavailable', 'damaged']);

/** Whether a failure of one job ends its whole commit. One damaged update is no damaged disk. */
export function isFatal(error: WafersyncError): boolean {
  return FATAL.has(error.code) && !(error instanceof DamagedUpdate);
}

/** Remembers how much is done by now; what is given back forgets all that was done since. */
export function bookmark(done: Commit<unknown>): () => void {
  const lists: { length: number }[] = Object.values(done);
  const lengths = lists.map(({ length }) => length);
  return () => {
    for (const [i, list] of lists.entries()) list.length = lengths[i]!;
  };
}
