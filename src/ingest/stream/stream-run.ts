import { WafersyncError } from '../../errors.ts';
import type { BatchArrival, Intake, IntakeReceipt, ResultsBatch, SpanRef } from '../../wafer/intake.ts';
import { type RunRecord, type RunRef, unnamedWaferId } from '../../wafer/run.ts';
import type { WaferKey } from '../../wafer/wafer-key.ts';
import type { World } from '../../world.ts';
import { AttemptAssembler } from './attempt-assembler.ts';
import { AttemptWriter } from './attempt-writer.ts';
import type { DefinedTests } from './defined-tests.ts';
import type { WholeAttempt } from './open-attempt.ts';
import { contentConflict, ResentResults } from './resent-results.ts';
import { sameDie, sameRows } from './same-content.ts';
import { type DieRows, rowResult, testNumber } from './stream-batch.ts';
import type { StreamBounds } from './stream-bounds.ts';
import type { StreamHistory, StreamPast } from './stream-history.ts';
import type { StreamIdentity } from './stream-identity.ts';
import { StreamTally } from './stream-receipt.ts';
import type { StreamResult } from './stream-result.ts';
import type { TestIndex } from './test-index.ts';

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
  readonly tests: TestIndex;
  /** Tests that batches name by number. */
  readonly defined: DefinedTests;
  /** Called when {@link StreamRun.through} or {@link StreamRun.tally} may have changed. */
  readonly progressed: () => void;
  /** Called when something could not be made durable: nothing more of the stream will be. */
  readonly failed: (error: WafersyncError) => void;
  /** Told how many results came again and were found equal. */
  readonly resent: (results: number) => void;
  /** Whether batches are to say how they came. */
  readonly traced: boolean;
  /** Span that the tester named for its call. */
  readonly caller: SpanRef | null;
  readonly bounds: StreamBounds;
}

const DONE = Promise.resolve();

/** What the first record of a run says. */
const NOT_ENDED = 'the stream has not ended';

/** The part of a run that one stream brings: from checked results to durable attempts. */
export class StreamRun {
  readonly tally = new StreamTally();
  readonly #parts: StreamRunParts;
  readonly #assembler: AttemptAssembler;
  readonly #resent: ResentResults;
  readonly #writer: AttemptWriter;
  /** Greatest sequence that is in an attempt, open or whole, or was found durable. */
  #taken = 0;
  #stopped = false;
  /** Whether results that were sent again were found equal, and nobody was told yet. */
  #compared = false;
  /** Settles when the run has a record; null before its first batch goes out. */
  #recorded: Promise<void> | null = null;

  constructor(parts: StreamRunParts) {
    const { run, identity, past, history, world, tests, bounds, traced } = parts;
    const nowMs = traced ? () => world.nowMs() : undefined;
    this.#parts = parts;
    this.#assembler = new AttemptAssembler(tests, (sequence) => identity.where(sequence), bounds, nowMs);
    const wafer = (given: WaferKey) => this.#wafer(given);
    this.#resent = new ResentResults({
      ...{ run: run.id, past, history, tests, identity, wafer, bounds },
      equal: (results, ended) => {
        this.tally.resent(results, ended);
        parts.resent(results);
        this.#compared = true;
      },
    });
    this.#writer = new AttemptWriter({
      ...{ world, run, wafer, bounds },
      write: (batch) => this.#write(batch),
      program: () => tests.program(),
      arrival: traced ? (arrivedMs) => this.#arrival(arrivedMs) : undefined,
      durable: (batch, receipt) => this.#durable(batch, receipt),
      settled: parts.progressed,
      failed: parts.failed,
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
  take(result: StreamResult, sequence: number): Promise<void> {
    this.#checkGoing();
    if (this.#resent.concerns(result, sequence)) return this.#takeKnown(result, sequence);
    return this.#handIn(this.#assembler.take(result, sequence), sequence);
  }

  /** Takes checked results of one die in a row; resolves when there is room for more. @throws WafersyncError */
  takeRows(rows: DieRows, first: number): Promise<void> {
    this.#checkGoing();
    const { from, to, die } = rows;
    if (this.#resent.concerns(die, first)) return this.#takeEach(rows, first);
    const whole = this.#assembler.takeRows(rows, this.#parts.defined.indexes, first);
    return this.#handIn(whole, first + to - from - 1);
  }

  /** The stream is over: all attempts end, become durable, and the run is recorded. @throws WafersyncError */
  async end(): Promise<void> {
    this.#resent.end();
    this.#writer.add(this.#assembler.end());
    await this.#writer.drain();
    await this.#parts.intake.recordRun(this.#parts.run, this.#record(null));
  }

  /** The stream broke off: whole attempts become durable and are recorded, others are left out. @throws WafersyncError */
  async stop(reason: string): Promise<void> {
    this.#stopped = true;
    await this.#writer.drain();
    if (this.tally.attempts > 0) await this.#parts.intake.recordRun(this.#parts.run, this.#record(reason));
  }

  async #takeEach(rows: DieRows, first: number): Promise<void> {
    const { from, to, columns } = rows;
    for (let row = from; row < to; row++) {
      const test = this.#parts.defined.test(testNumber(columns, row));
      await this.take(rowResult(rows, row, test), first + row - from);
    }
  }

  /** Takes a result that may be durable already. */
  async #takeKnown(result: StreamResult, sequence: number): Promise<void> {
    const known = await this.#resent.take(result, sequence);
    this.#checkGoing();
    const { head, site } = result;
    const whole = known ? this.#assembler.endSite(head, site) : this.#assembler.take(result, sequence);
    const room = this.#handIn(whole, sequence);
    if (this.#compared) this.#parts.progressed();
    this.#compared = false;
    await room;
  }

  #handIn(whole: readonly WholeAttempt[], last: number): Promise<void> {
    this.#writer.add(whole);
    this.#taken = last;
    return this.#writer.hasRoom ? DONE : this.#writer.room();
  }

  /** A stopped stream may be another session's already: nothing more may go to the writer. */
  #checkGoing(): void {
    if (this.#stopped) throw new WafersyncError('cancelled', 'the stream was stopped');
  }

  /** Ahead of the first results goes a record, so that every fab knows whose they are. */
  async #write(batch: ResultsBatch): Promise<IntakeReceipt> {
    const { intake } = this.#parts;
    const [, receipt] = await Promise.all([this.#open(), intake.write(batch)]);
    return receipt;
  }

  #open(): Promise<void> {
    const { past, intake, run } = this.#parts;
    if (past.recorded) return DONE;
    this.#recorded ??= intake.recordRun(run, { ...this.#record(NOT_ENDED), attempts: 0, results: 0 });
    return this.#recorded;
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
        sameRows(stored, 0, results, (test) => this.#parts.tests.definition(test));
      if (!same) throw contentConflict(this.#parts.identity.where(index), 'other content');
    }
    this.tally.batch(attempts, receipt);
  }

  #arrival(arrivedMs: number): BatchArrival {
    const { identity, caller } = this.#parts;
    return { arrivedMs, equipmentId: identity.equipmentId, streamId: identity.streamId, caller };
  }

  #wafer({ lot, waferId, insertion }: WaferKey): WaferKey {
    return { lot, waferId: waferId || unnamedWaferId(this.#parts.run.id, 0), insertion };
  }

  /** @param reason why the stream did not end as it should; null where it did */
  #record(reason: string | null): RunRecord {
    const { past, lot, identity } = this.#parts;
    return {
      source: 'stream',
      lot: past.lot ?? lot,
      attempts: past.attempts + this.tally.attempts,
      results: past.results + this.tally.results,
      complete: reason === null,
      incompleteReason: reason ?? '',
      orphanResults: 0,
      fileName: '',
      contentDigest: '',
      equipmentId: identity.equipmentId,
      streamId: identity.streamId,
      product: '',
      jobName: '',
      jobRevision: '',
      records: [],
      final: identity.final,
    };
  }
}
