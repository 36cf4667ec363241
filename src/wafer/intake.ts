import type { Dot } from '../clocks/dot.ts';
import type { Attempt } from './attempt.ts';
import type { TestProgram } from './program.ts';
import type { RunId, RunRecord, RunRef } from './run.ts';
import type { WaferKey } from './wafer-key.ts';

/** A span of somebody's trace (W3C Trace Context). */
export interface SpanRef {
  /** 32 hex digits, in small letters. */
  readonly traceId: string;
  /** 16 hex digits, in small letters. */
  readonly spanId: string;
  /** Whether its maker records it. */
  readonly sampled: boolean;
}

/** How streamed attempts came here. Told to observers; nothing of it is stored. */
export interface BatchArrival {
  /** Wall clock when the first result of the batch came in, milliseconds since 1970-01-01T00:00:00Z. */
  readonly arrivedMs: number;
  readonly equipmentId: string;
  readonly streamId: string;
  /** Span that the tester named for its call; null where it named none. */
  readonly caller: SpanRef | null;
}

/** Attempts of one wafer in one run, to be taken in together. */
export interface ResultsBatch {
  readonly wafer: WaferKey;
  readonly run: RunRef;
  /** Program whose definitions the attempts' results name. */
  readonly program: TestProgram;
  /** In growing order of index. May hold attempts that are known already. */
  readonly attempts: readonly Attempt[];
  /** Present where a tester streamed it and the node traces. */
  readonly arrival?: BatchArrival;
}

/** What became of a batch. Given only once it is durable. */
export interface IntakeReceipt {
  /** Attempts that are durable because of this batch. */
  readonly added: number;
  /** Results in those attempts. */
  readonly addedResults: number;
  /** Attempts that were known before. */
  readonly known: number;
  /** Updates that hold those that were not. */
  readonly dots: readonly Dot[];
}

/**
 * Where results are handed in. Promises resolve after the commit is on disk; they reject with a WafersyncError
 * (`exhausted` when the disk is full, `invalid` when an attempt is over the size bound). Callers await each promise,
 * or keep a few in flight: the queue behind it is bounded, and `write` waits while it is full.
 */
export interface Intake {
  write(batch: ResultsBatch): Promise<IntakeReceipt>;
  /**
   * Records what is known of a run: all of it once it has ended, and before that who makes it. The same record again
   * adds nothing; of several the one with the most attempts counts, of these a complete one.
   */
  recordRun(run: RunRef, record: RunRecord): Promise<void>;
  /** The start of a run known here, so that a resumed stream keeps it; null for a new run. */
  runStart(run: RunId): number | null;
}
