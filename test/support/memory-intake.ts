import { setImmediate } from 'node:timers/promises';
import type { WafersyncError } from '../../src/errors.ts';
import { type Attempt, countResults } from '../../src/wafer/attempt.ts';
import type { Intake, IntakeReceipt, ResultsBatch } from '../../src/wafer/intake.ts';
import type { RunId, RunRecord, RunRef } from '../../src/wafer/run.ts';

/** What a batch is refused for; null where it is taken. */
export type Refusal = (batch: ResultsBatch, number: number) => WafersyncError | null;

/** An intake that keeps what it is given in memory, each attempt once, and remembers how it was given. */
export class MemoryIntake implements Intake {
  readonly batches: ResultsBatch[] = [];
  readonly closed: { run: RunRef; record: RunRecord }[] = [];
  /** Start of a run that is known already. */
  knownStartUs: number | null = null;
  /** Most writes under way at once. */
  mostInFlight = 0;
  /** Writes under way when a run was closed. */
  inFlightAtClose = 0;
  /** Writes under way. */
  inFlight = 0;
  readonly #refuse: Refusal;
  readonly #attempts = new Map<string, Attempt>();
  #calls = 0;

  constructor(refuse: Refusal = () => null) {
    this.#refuse = refuse;
  }

  async write(batch: ResultsBatch): Promise<IntakeReceipt> {
    const refusal = this.#refuse(batch, this.#calls++);
    this.inFlight++;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    for (let turn = 0; turn < 3; turn++) await setImmediate();
    this.inFlight--;
    if (refusal) throw refusal;
    this.batches.push(batch);
    const fresh = batch.attempts.filter(({ index }) => !this.#attempts.has(`${batch.run.id} ${index}`));
    for (const attempt of fresh) this.#attempts.set(`${batch.run.id} ${attempt.index}`, attempt);
    const known = batch.attempts.length - fresh.length;
    return { added: fresh.length, addedResults: countResults(fresh), known, dots: [] };
  }

  async recordRun(run: RunRef, record: RunRecord): Promise<void> {
    this.inFlightAtClose = Math.max(this.inFlightAtClose, this.inFlight);
    this.closed.push({ run, record });
  }

  runStart(_run: RunId): number | null {
    return this.knownStartUs;
  }

  /** Attempts that were taken, in order of index. */
  get attempts(): Attempt[] {
    return [...this.#attempts.values()].sort((a, b) => a.index - b.index);
  }
}
