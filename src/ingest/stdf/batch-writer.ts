import { WafersyncError } from '../../errors.ts';
import { type Attempt, countResults } from '../../wafer/attempt.ts';
import type { Intake } from '../../wafer/intake.ts';
import type { TestProgram } from '../../wafer/program.ts';
import type { RunRef } from '../../wafer/run.ts';
import type { WaferKey } from '../../wafer/wafer-key.ts';
import { InFlight } from './in-flight.ts';
import type { WaferBatch } from './wafer-batches.ts';

/** Most batches that are under way to the store at once. */
const MAX_IN_FLIGHT = 4;
/** Attempts refused, none taken, after which the rest is not tried. */
const MAX_REFUSED_IN_A_ROW = 100;

/** Attempts that a store did not take because of their size. */
export interface Refused {
  readonly attempts: number;
  readonly results: number;
  /** Message of the first refusal; empty without one. */
  readonly reason: string;
}

/** What every batch of a run says. */
export interface BatchTarget {
  readonly run: RunRef;
  readonly program: TestProgram;
  /** Keys of the wafers by the number that a batch names. */
  readonly wafers: readonly WaferKey[];
}

/**
 * Hands batches to an intake, a few at a time. A batch that is refused as invalid is split, until the attempt that is
 * too large stands alone and is left out: it does not lose the others.
 */
export class BatchWriter {
  readonly #intake: Intake;
  readonly #target: BatchTarget;
  readonly #inFlight = new InFlight(MAX_IN_FLIGHT);
  readonly #written = new Set<number>();
  #added = 0;
  #taken = 0;
  #refused: Refused = { attempts: 0, results: 0, reason: '' };

  constructor(intake: Intake, target: BatchTarget) {
    this.#intake = intake;
    this.#target = target;
  }

  /** Attempts that are durable because of this writer. */
  get added(): number {
    return this.#added;
  }

  /** Attempts that were left out. */
  get refused(): Refused {
    return this.#refused;
  }

  /** Numbers of the wafers that have attempts, in order of their first batch. */
  get written(): readonly number[] {
    return [...this.#written];
  }

  /** Begins to write; waits while too much is under way. @throws what an earlier batch failed with */
  write(batch: WaferBatch): Promise<void> {
    return this.#inFlight.begin(() => this.#write(batch));
  }

  /** Waits until nothing is under way, whether it went well or not. */
  settle(): Promise<void> {
    return this.#inFlight.settle();
  }

  /** Waits until all is durable. @throws what a batch failed with, or the refusal if nothing was taken */
  finish(): Promise<void> {
    return this.#inFlight.finish();
  }

  async #write({ wafer, attempts }: WaferBatch): Promise<void> {
    const { run, program, wafers } = this.#target;
    try {
      const receipt = await this.#intake.write({ wafer: wafers[wafer]!, run, program, attempts });
      this.#added += receipt.added;
      this.#taken += attempts.length;
      this.#written.add(wafer);
    } catch (error) {
      if (!(error instanceof WafersyncError && error.code === 'invalid')) throw error;
      if (attempts.length === 1) return this.#refuse(attempts[0]!, error);
      const half = attempts.length >>> 1;
      await this.#write({ wafer, attempts: attempts.slice(0, half) });
      await this.#write({ wafer, attempts: attempts.slice(half) });
    }
  }

  /** Refusals one after the other without a success are no matter of size. */
  #refuse(attempt: Attempt, error: WafersyncError): void {
    const { attempts, results, reason } = this.#refused;
    this.#refused = {
      attempts: attempts + 1,
      results: results + countResults([attempt]),
      reason: reason || error.message,
    };
    if (this.#taken === 0 && attempts >= MAX_REFUSED_IN_A_ROW) throw error;
  }
}
