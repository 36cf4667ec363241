import { WafersyncError } from '../../errors.ts';
import type { Intake, IntakeReceipt, ResultsBatch } from '../../wafer/intake.ts';
import { type RunRecord, type RunRef, unnamedWaferId } from '../../wafer/run.ts';
import type { WaferKey } from '../../wafer/wafer-key.ts';
import type { World } from '../../world.ts';
import { AttemptAssembler } from './attempt-assembler.ts';
import { AttemptWriter } from './attempt-writer.ts';
import { contentConflict, ResentResults } from './resent-results.ts';
import { sameDie, sameRows } from './same-content.ts';
import type { StreamBounds } from './stream-bounds.ts';
import type { StreamHistory, StreamPast } from './stream-history.ts';
import type { StreamIdentity } from './stream-identity.ts';
import { StreamTally } from './stream-receipt.ts';
import type { StreamResult } from './stream-result.ts';
import { type GrowingProgram, TestIndex } from './test-index.ts';

/** What a stream's run needs. */
export interface StreamRunParts {
  readonly run: RunRef;
  readonly identity: StreamIdentity;
  readonly past: StreamPast;
  /** Lot of the first result. */
  readonly lot: string;
  readonly intake: Intake;
  readonly history: StreamHistory;
  readonly world: World;
  readonly program: GrowingProgram;
  readonly bounds: StreamBounds;
}

/** The part of a run that one stream brings: from checked results to durable attempts. */
export class StreamRun {
  readonly tally = new StreamTally();
  readonly #parts: StreamRunParts;
  readonly #tests: TestIndex;
  readonly #assembler: AttemptAssembler;
  readonly #resent: ResentResults;
  readonly #writer: AttemptWriter;
  /** Greatest sequence that is in an attempt, open or whole, or was found durable. */
  #taken = 0;
  #stopped = false;

  constructor(parts: StreamRunParts) {
    const { run, identity, past, intake, history, world, bounds } = parts;
    this.#parts = parts;
    this.#tests = new TestIndex(parts.program, bounds);
    this.#assembler = new AttemptAssembler(this.#tests, (sequence) => identity.where(sequence), bounds);
    const wafer = (given: WaferKey) => this.#wafer(given);
    this.#resent = new ResentResults({
      ...{ run: run.id, past, history, tests: this.#tests, identity, wafer, bounds },
      equal: (results, ended) => this.tally.resent(results, ended),
    });
    this.#writer = new AttemptWriter({
      ...{ intake, world, run, wafer, bounds },
      program: () => this.#tests.program(),
      durable: (batch, receipt) => this.#durable(batch, receipt),
    });
  }

  /** Greatest S such that every result with sequence ≤ S belongs to a durable attempt. */
  get through(): number {
    const { firstOpen } = this.#assembler;
    return Math.min(this.#taken, firstOpen - 1, this.#resent.firstOpen - 1, this.#writer.firstPending - 1);
  }

  /** What belongs to attempts that have not ended. */
  get open(): { attempts: number; results: number } {
    return this.#assembler.open;
  }

  /** Takes a checked result; resolves when there is room for the next. @throws WafersyncError */
  async take(result: StreamResult, sequence: number): Promise<void> {
    this.#checkGoing();
    if (this.#resent.concerns(result, sequence) && (await this.#takeAgain(result, sequence))) return;
    this.#writer.add(this.#assembler.take(result, sequence));
    this.#taken = sequence;
    await this.#writer.room();
  }

  /** The stream is over: all attempts end, become durable, and the run is recorded. @throws WafersyncError */
  async end(): Promise<void> {
    this.#resent.end();
    this.#writer.add(this.#assembler.end());
    await this.#writer.drain();
    await this.#parts.intake.closeRun(this.#parts.run, this.#record());
  }

  /** The stream broke off: whole attempts become durable, others are left out. @throws WafersyncError */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#writer.drain();
  }

  async #takeAgain(result: StreamResult, sequence: number): Promise<boolean> {
    const again = await this.#resent.take(result, sequence);
    this.#checkGoing();
    if (!again) return false;
    this.#writer.add(this.#assembler.endSite(result.head, result.site));
    this.#taken = sequence;
    await this.#writer.room();
    return true;
  }

  /** A stopped stream may be another session's already: nothing more may go to the writer. */
  #checkGoing(): void {
    if (this.#stopped) throw new WafersyncError('cancelled', 'the stream was stopped');
  }

  async #durable({ attempts, wafer }: ResultsBatch, receipt: IntakeReceipt): Promise<void> {
    // The past had none of these. Should others have brought them since, they must be the same.
    for (const attempt of receipt.known > 0 ? attempts : []) {
      const { index, head, site, results } = attempt;
      const stored = await this.#parts.history.attemptAt(this.#parts.run.id, head, site, index);
      const same =
        stored !== null &&
        stored.attempt.index === index &&
        stored.attempt.results.length === results.length &&
        sameDie(stored, wafer, attempt) &&
        sameRows(stored, 0, results, (test) => this.#tests.definition(test));
      if (!same) throw contentConflict(this.#parts.identity.where(index), 'other content');
    }
    this.tally.batch(attempts, receipt);
  }

  #wafer({ lot, waferId, insertion }: WaferKey): WaferKey {
    return { lot, waferId: waferId || unnamedWaferId(this.#parts.run.id, 0), insertion };
  }

  #record(): RunRecord {
    const { past, lot, identity } = this.#parts;
    return {
      source: 'stream',
      lot: past.lot ?? lot,
      attempts: past.attempts + this.tally.attempts,
      results: past.results + this.tally.results,
      complete: true,
      incompleteReason: '',
      orphanResults: 0,
      fileName: '',
      contentDigest: '',
      equipmentId: identity.equipmentId,
      streamId: identity.streamId,
      product: '',
      jobName: '',
      jobRevision: '',
      records: [],
    };
  }
}
