import { type ErrorCode, invariant, WafersyncError } from '../../errors.ts';
import type { Intake, SpanRef } from '../../wafer/intake.ts';
import { type RunId, streamRunId } from '../../wafer/run.ts';
import type { World } from '../../world.ts';
import { checkBatch } from './batch-checks.ts';
import { DefinedTests } from './defined-tests.ts';
import { checkResult } from './result-checks.ts';
import { dieRows, type StreamBatch, timeOf } from './stream-batch.ts';
import { STREAM_BOUNDS, type StreamBounds } from './stream-bounds.ts';
import type { StreamHistory, StreamPast } from './stream-history.ts';
import { StreamIdentity } from './stream-identity.ts';
import type { StreamOwner, StreamOwners } from './stream-owners.ts';
import type { StreamReceipt } from './stream-receipt.ts';
import type { StreamResult } from './stream-result.ts';
import { StreamRun } from './stream-run.ts';
import { type GrowingProgram, TestIndex } from './test-index.ts';

/** What all streams of a node share. */
export interface StreamParts {
  readonly fab: string;
  readonly world: World;
  readonly intake: Intake;
  readonly history: StreamHistory;
  readonly owners: StreamOwners;
  /** An empty program for one stream to fill. */
  readonly newProgram: () => GrowingProgram;
  /** Told how many results came again and were found equal. */
  readonly resent?: (results: number) => void;
  /** Whether batches are to say how they came; false where absent. */
  readonly traced?: boolean;
}

/** What may be said of one stream's intake. */
export interface StreamOptions {
  readonly bounds?: Partial<StreamBounds>;
  /** Called when {@link StreamIntake.progress} may have changed. */
  readonly progressed?: () => void;
  /** Span that the tester named for its call. */
  readonly caller?: SpanRef | null;
}

/** The run of a stream, and what was durable of it before. */
interface Claim {
  readonly id: RunId;
  readonly past: StreamPast;
}

/**
 * One tester's stream, from its first message to its end.
 *
 * Call {@link take} or {@link takeBatch} for one message after the other, awaiting each; then {@link finish} where the tester ended the
 * stream, or {@link abort} where it was cut. When one of them rejects, whole attempts that came before are
 * durable, {@link progress} tells how far, and the stream is over.
 *
 * An attempt also ends where the stream ends in good order. A tester that goes on with the same die in a later
 * stream of the same id thereby begins a new attempt of it, from that result's own sequence.
 */
export class StreamIntake implements StreamOwner {
  readonly #parts: StreamParts;
  readonly #bounds: StreamBounds;
  readonly #identity: StreamIdentity;
  readonly #progressed: () => void;
  readonly #caller: SpanRef | null;
  readonly #tests: TestIndex;
  readonly #defined: DefinedTests;
  #runId: RunId | null = null;
  #claimed: Claim | null = null;
  #run: StreamRun | null = null;
  /** What the past has from 1 on, where the tester asked for it; it will not send that again. */
  #resumeAfter = 0;
  /** Whether a result is being taken: they come one by one. */
  #busy = false;
  /** Set when the stream is over; resolves when nothing of it is on its way any more. */
  #ended: Promise<void> | null = null;
  /** Why it broke off; null where it did not. */
  #error: WafersyncError | null = null;
  #failed: (error: WafersyncError) => void = () => {};

  constructor(parts: StreamParts, { bounds = {}, progressed = () => {}, caller = null }: StreamOptions = {}) {
    this.#caller = caller;
    this.#parts = parts;
    this.#bounds = { ...STREAM_BOUNDS, ...bounds };
    this.#progressed = progressed;
    this.#tests = new TestIndex(parts.newProgram(), this.#bounds);
    this.#defined = new DefinedTests(this.#tests, this.#bounds);
    this.#identity = new StreamIdentity(() => mintStreamId(parts.world));
  }

  /**
   * Calls a listener when something could not be made durable, maybe while nobody calls {@link take}: the stream is to be
   * ended then, by {@link fail}, for nothing more of it will be durable.
   */
  onFailure(listener: (error: WafersyncError) => void): void {
    this.#failed = listener;
  }

  /** How far the stream has come by now. */
  get progress(): StreamReceipt {
    return this.#receipt('');
  }

  /**
   * Takes the next result; resolves when there is room for another.
   * @throws WafersyncError `invalid` for bad input, `conflict` for other content under a known sequence, `cancelled`
   *   after {@link abort}, `precondition` after {@link finish}, and whatever the intake fails with
   */
  take(result: StreamResult): Promise<void> {
    return this.#one(() => this.#accept(result));
  }

  /**
   * Takes the next results, a die's or several dies', as {@link take} does. A batch without results opens the stream,
   * if nothing has: {@link progress} tells then how far it is durable since earlier.
   */
  takeBatch(batch: StreamBatch): Promise<void> {
    return this.#one(() => this.#acceptBatch(batch));
  }

  /** The tester ended the stream: resolves once all of it is durable and the run is recorded. @throws as take */
  async finish(): Promise<StreamReceipt> {
    this.#checkOpen();
    invariant(!this.#busy, 'a stream is finished after its last result was taken');
    this.#ended = this.#close();
    await this.#ended;
    if (this.#error !== null) throw this.#error;
    return this.#receipt(this.#identity.last === 0 ? 'the stream held no results' : '');
  }

  /**
   * The stream was cut: attempts that have not ended are left out, whole ones become durable. Resolves when that is
   * done; it does not reject: what could not be made durable is told in the message and not counted.
   */
  async abort(reason: string, code: ErrorCode = 'cancelled'): Promise<StreamReceipt> {
    this.#ended ??= this.#breakOff(new WafersyncError(code, `the stream ended early: ${reason}`));
    await this.#ended;
    return this.#receipt([this.#error?.message ?? '', this.#leftOut()].filter(Boolean).join('; '));
  }

  /**
   * Ends the stream because of anything that was thrown, by it or around it, as {@link abort} does; returns what to tell
   * the tester: the error, and how far the stream is durable.
   */
  async fail(thrown: unknown): Promise<WafersyncError> {
    return this.#fail(WafersyncError.from(thrown, 'cancelled'));
  }

  async #one(accept: () => Promise<void>): Promise<void> {
    this.#checkOpen();
    invariant(!this.#busy, 'messages of a stream are taken one by one');
    this.#busy = true;
    try {
      await accept();
    } catch (error) {
      throw await this.#fail(WafersyncError.from(error, 'internal', 'a result could not be taken'));
    } finally {
      this.#busy = false;
    }
  }

  /** Called for every single result: it makes no promise of its own. */
  #accept(result: StreamResult): Promise<void> {
    const sequence = this.#identity.next(result);
    checkResult(result, () => this.#identity.where(sequence));
    if (this.#run !== null) return this.#run.take(result, sequence);
    return this.#begin(result.lot, result.timestampUs).then((run) => run.take(result, sequence));
  }

  async #acceptBatch(batch: StreamBatch): Promise<void> {
    const { length } = batch.columns;
    if (length === 0) this.#identity.greet(batch);
    const first = length === 0 ? this.#identity.last + 1 : this.#identity.next(batch, length);
    const where = () => this.#identity.where(first);
    checkBatch(batch, this.#defined.size, where);
    for (const test of batch.define) this.#defined.define(test, where);
    if (length === 0) return this.#greet();
    const run = this.#run ?? (await this.#begin(batch.lot, timeOf(batch.columns, 0)));
    for (const rows of dieRows(batch)) await run.takeRows(rows, first + rows.from);
  }

  async #greet(): Promise<void> {
    if (this.#run === null) this.#resumeAfter = (await this.#claim()).past.through;
    this.#progressed();
  }

  /** Claims the run, so that no other stream writes it, and looks up what is durable of it. */
  async #claim(): Promise<Claim> {
    if (this.#claimed !== null) return this.#claimed;
    const { fab, history, owners } = this.#parts;
    const id = streamRunId(fab, this.#identity.equipmentId, this.#identity.streamId);
    await owners.claim(id, this);
    this.#runId = id;
    if (this.#ended !== null) owners.release(id, this);
    this.#checkOpen();
    const past = await history.past(id);
    this.#checkOpen();
    this.#claimed = { id, past };
    return this.#claimed;
  }

  /** @param firstUs time of the first result; 0 if not known */
  async #begin(lot: string, firstUs: number): Promise<StreamRun> {
    const { id, past } = await this.#claim();
    const { world, intake, history } = this.#parts;
    const startedAtUs = intake.runStart(id) ?? (firstUs || Math.floor(world.nowMs() * 1000));
    this.#run = new StreamRun({
      run: { id, startedAtUs },
      ...{ past, lot, intake, history, world },
      ...{ identity: this.#identity, tests: this.#tests, defined: this.#defined },
      ...{ progressed: this.#progressed, bounds: this.#bounds },
      resent: this.#parts.resent ?? (() => {}),
      ...{ traced: this.#parts.traced ?? false, caller: this.#caller },
      failed: (error) => this.#failed(error),
    });
    return this.#run;
  }

  /** Ends the stream because of an error, unless it is over already; returns what to tell the tester. */
  async #fail(error: WafersyncError): Promise<WafersyncError> {
    this.#ended ??= this.#breakOff(error);
    await this.#ended;
    return this.#error ?? error;
  }

  async #close(): Promise<void> {
    try {
      // Where all was durable before, only the record may be missing.
      const past = this.#claimed?.past;
      if (this.#run === null && past && past.attempts > 0) await this.#begin(past.lot ?? '', 0);
      await this.#run?.end();
      this.#release();
    } catch (error) {
      await this.#breakOff(WafersyncError.from(error, 'internal', 'the stream could not be ended'));
    }
  }

  async #breakOff(error: WafersyncError): Promise<void> {
    this.#error = error;
    try {
      await this.#run?.stop(error.message);
    } catch (failure) {
      if (failure !== error) this.#error = withFailure(error, WafersyncError.from(failure));
    }
    this.#error = this.#withProgress(this.#error);
    this.#release();
  }

  #release(): void {
    if (this.#runId !== null) this.#parts.owners.release(this.#runId, this);
  }

  #checkOpen(): void {
    if (this.#ended === null) return;
    throw this.#error ?? new WafersyncError('precondition', 'the stream has ended');
  }

  #withProgress(error: WafersyncError): WafersyncError {
    if (this.#run === null && this.#resumeAfter === 0) return error;
    const durable = `Results up to sequence ${this.#through} of stream ${JSON.stringify(this.#identity.streamId)} are durable; send again what follows.`;
    const hint = [error.hint, durable].filter(Boolean).join(' ');
    return new WafersyncError(error.code, error.message, { hint, cause: error.cause });
  }

  #leftOut(): string {
    const { attempts, results } = this.#run?.open ?? { attempts: 0, results: 0 };
    return attempts === 0 ? '' : `left out: ${results} results of ${attempts} attempts that had not ended`;
  }

  get #through(): number {
    return Math.max(this.#resumeAfter, this.#run?.through ?? 0);
  }

  #receipt(message: string): StreamReceipt {
    const { accepted = 0, duplicates = 0, passed = 0 } = this.#run?.tally ?? {};
    return {
      runId: this.#runId,
      streamId: this.#identity.streamId,
      accepted,
      duplicates,
      throughSequence: this.#through,
      passed,
      message,
    };
  }
}

function withFailure(error: WafersyncError, failure: WafersyncError): WafersyncError {
  const message = `${error.message}; and what came before could not be made durable: ${failure.message}`;
  return new WafersyncError(error.code, message, { hint: error.hint, cause: failure });
}

/** A random stream id in the form of a UUID, version 4 (RFC 9562). */
function mintStreamId(world: World): string {
  const bytes = Uint8Array.from(world.random(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
