import { type Attempt, countResults, passed } from '../../wafer/attempt.ts';
import type { IntakeReceipt } from '../../wafer/intake.ts';
import type { RunId } from '../../wafer/run.ts';

/** How far a stream has come. It never claims more than is durable. */
export interface StreamReceipt {
  /** Run of the stream; null before the first message. */
  readonly runId: RunId | null;
  /** Stream id, as given or minted; empty before the first message. */
  readonly streamId: string;
  /** Results that are durable because of this stream. */
  readonly accepted: number;
  /** Results that were durable before, with the same content. */
  readonly duplicates: number;
  /** Every result up to this sequence belongs to a durable attempt; resume after it. */
  readonly throughSequence: number;
  /** Attempts that ended in this stream, are durable and passed, whether new or known before. */
  readonly passed: number;
  /** What a person should know; empty where there is nothing to tell. */
  readonly message: string;
}

/** Counts of one stream. Everything counted is durable. */
export class StreamTally {
  accepted = 0;
  duplicates = 0;
  passed = 0;
  /** Attempts of the run that this stream handed in and the past did not have. */
  attempts = 0;
  /** Results in those attempts. */
  results = 0;

  /** Counts a batch that became durable. */
  batch(attempts: readonly Attempt[], receipt: IntakeReceipt): void {
    const results = countResults(attempts);
    this.accepted += receipt.addedResults;
    this.duplicates += results - receipt.addedResults;
    this.passed += attempts.filter((attempt) => passed(attempt) === true).length;
    this.attempts += attempts.length;
    this.results += results;
  }

  /** Counts results that were sent again; `ended`: the stored attempt that ended with them, if one did. */
  resent(results: number, ended: Attempt | null): void {
    this.duplicates += results;
    if (ended !== null && passed(ended) === true) this.passed++;
  }
}
