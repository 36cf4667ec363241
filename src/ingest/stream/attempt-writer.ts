import { WafersyncError } from '../../errors.ts';
import type { BatchArrival, IntakeReceipt, ResultsBatch } from '../../wafer/intake.ts';
import type { TestProgram } from '../../wafer/program.ts';
import type { RunRef } from '../../wafer/run.ts';
import type { WaferKey } from '../../wafer/wafer-key.ts';
import type { Cancel, World } from '../../world.ts';
import type { WholeAttempt } from './open-attempt.ts';
import { PendingAttempts, type WaferAttempts } from './pending-attempts.ts';
import type { StreamBounds } from './stream-bounds.ts';

/** What a writer needs. */
export interface WriterParts {
  /** Resolves once a batch is durable. */
  readonly write: (batch: ResultsBatch) => Promise<IntakeReceipt>;
  readonly world: World;
  readonly run: RunRef;
  /** Key of a wafer that the tester may have left unnamed. */
  readonly wafer: (given: WaferKey) => WaferKey;
  /** The program with every test of the attempts handed in so far. */
  readonly program: () => TestProgram;
  /** What to say of a batch whose first result came in then; absent where nobody asks. */
  readonly arrival?: ((arrivedMs: number) => BatchArrival) | undefined;
  /** Told of each batch that became durable; where it rejects, the batch does not count as written. */
  readonly durable: (batch: ResultsBatch, receipt: IntakeReceipt) => Promise<void>;
  /** Called when a batch has been dealt with: {@link AttemptWriter.firstPending} has changed. */
  readonly settled: () => void;
  /** Called when the first write has failed: nothing more goes out. */
  readonly failed: (error: WafersyncError) => void;
  readonly bounds: StreamBounds;
}

/**
 * Hands whole attempts to the intake in batches of one wafer. A batch goes out when enough waits, when the first
 * attempt has waited `flushMs`, or on {@link drain}; at most `writesInFlight` are on their way. After the first
 * failure nothing more goes out.
 */
export class AttemptWriter {
  readonly #parts: WriterParts;
  readonly #pending: PendingAttempts;
  /** Writes on their way. Their promises never reject. Invariant: at most `bounds.writesInFlight`. */
  readonly #inFlight = new Map<Promise<void>, WaferAttempts>();
  /** Whether all that waits is to go out as soon as there is room. */
  #due = false;
  #timer: Cancel | null = null;
  #failure: WafersyncError | null = null;
  /** Least index in a batch that failed. */
  #failedFrom = Number.POSITIVE_INFINITY;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#pending = new PendingAttempts(parts.bounds);
  }

  /** Least sequence handed in that is not known to be durable; Infinity without one. */
  get firstPending(): number {
    const inFlight = [...this.#inFlight.values()].map(({ attempts }) => attempts[0]!.index);
    return Math.min(this.#pending.first, this.#failedFrom, ...inFlight);
  }

  /** Hands in attempts; follow it by {@link room} before handing in more. */
  add(attempts: readonly WholeAttempt[]): void {
    if (attempts.length === 0) return;
    for (const whole of attempts) this.#pending.add(this.#parts.wafer(whole.wafer), whole);
    if (this.#pending.isFull) this.#flush();
    else if (!this.#due) this.#startTimer();
  }

  /** Whether {@link room} has nothing to wait for and nothing to throw. */
  get hasRoom(): boolean {
    return this.#failure === null && !this.#pending.isFull;
  }

  /** Waits until there is room for more. @throws WafersyncError what a write failed with */
  async room(): Promise<void> {
    while (this.#failure === null && this.#pending.isFull) await Promise.race(this.#inFlight.keys());
    if (this.#failure !== null) throw this.#failure;
  }

  /** Writes all that waits; resolves once it is durable. @throws WafersyncError what a write failed with */
  async drain(): Promise<void> {
    this.#flush();
    while (this.#inFlight.size > 0) await Promise.race(this.#inFlight.keys());
    this.#stopTimer();
    if (this.#failure !== null) throw this.#failure;
  }

  #startTimer(): void {
    const { world, bounds } = this.#parts;
    this.#timer ??= world.after('stream-flush', bounds.flushMs, () => this.#flush());
  }

  #stopTimer(): void {
    this.#timer?.();
    this.#timer = null;
  }

  #flush(): void {
    this.#stopTimer();
    this.#due = true;
    this.#pump();
  }

  #pump(): void {
    while (this.#due && this.#failure === null && this.#inFlight.size < this.#parts.bounds.writesInFlight) {
      const next = this.#pending.take();
      if (next === null) this.#due = false;
      else this.#send(next);
    }
  }

  #send(next: WaferAttempts): void {
    const write = this.#write(next).finally(() => {
      this.#inFlight.delete(write);
      this.#pump();
      this.#parts.settled();
    });
    this.#inFlight.set(write, next);
  }

  async #write(next: WaferAttempts): Promise<void> {
    try {
      const { wafer, attempts, arrivedMs } = next;
      const { run, program, arrival } = this.#parts;
      const came = arrival && { arrival: arrival(arrivedMs) };
      const batch = { wafer, attempts, run, program: program(), ...came };
      await this.#parts.durable(batch, await this.#parts.write(batch));
    } catch (error) {
      const first = this.#failure === null;
      this.#failure ??= WafersyncError.from(error, 'internal', 'results could not be written');
      this.#failedFrom = Math.min(this.#failedFrom, next.attempts[0]!.index);
      if (first) this.#parts.failed(this.#failure);
    }
  }
}
