import type { Attempt } from '../../wafer/attempt.ts';
import type { TestDefinition } from '../../wafer/program.ts';
import type { RunId } from '../../wafer/run.ts';
import type { WaferKey } from '../../wafer/wafer-key.ts';
import type { SiteKey } from './stream-result.ts';

/** What is durable of a stream's run before a session of it begins. All 0, false and empty for a new run. */
export interface StreamPast {
  /** Attempts. */
  readonly attempts: number;
  /** Results in those attempts. */
  readonly results: number;
  /** Lot of the attempt with the least index; null without attempts. */
  readonly lot: string | null;
  /** Whether the run has a record. */
  readonly recorded: boolean;
  /** Greatest S such that every sequence from 1 to S belongs to one of those attempts, and none of these goes on behind S. */
  readonly through: number;
  /** Per (head, site), the greatest index + sequenceSpan of its attempts. */
  readonly lastSequences: ReadonlyMap<SiteKey, number>;
}

/** An attempt as it is stored. */
export interface StoredAttempt {
  readonly wafer: WaferKey;
  /** Where its values were purged, its results are as many as they were, and blank. */
  readonly attempt: Attempt;
  readonly purged: boolean;
  /** Definitions that the attempt's results name. */
  readonly tests: readonly TestDefinition[];
}

/** What the store knows of a stream's run. Answers include everything that `Intake.write` has confirmed. */
export interface StreamHistory {
  past(run: RunId): Promise<StreamPast>;
  /**
   * The attempt of (head, site) with index ≤ sequence ≤ index + sequenceSpan; null where there is none.
   * Attempts of one (head, site) in one run never overlap.
   */
  attemptAt(run: RunId, head: number, site: number, sequence: number): Promise<StoredAttempt | null>;
}
