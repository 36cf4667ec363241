import { invariant, WafersyncError } from '../../errors.ts';
import type { Intake } from '../../wafer/intake.ts';
import { type RunId, streamRunId } from '../../wafer/run.ts';
import type { World } from '../../world.ts';
import { checkResult } from './result-checks.ts';
import { STREAM_BOUNDS, type StreamBounds } from './stream-bounds.ts';
import type { StreamHistory } from './stream-history.ts';
import { StreamIdentity } from './stream-identity.ts';
import type { StreamOwner, StreamOwners } from './stream-owners.ts';
import type { StreamReceipt } from './stream-receipt.ts';
import type { StreamResult } from './stream-result.ts';
import { StreamRun } from './stream-run.ts';
import type { GrowingProgram } from './test-index.ts';

/** What all streams of a node share. */
export interface StreamParts {
  readonly fab: string;
  readonly world: World;
  readonly intake: Intake;
  readonly history: StreamHistory;
  readonly owners: StreamOwners;
  /** An empty program for one stream to fill. */
  readonly newProgram: () => GrowingProgram;
}

/**
 * One tester's stream, from its first result to its end.
 *
 * Call {@link take} for one result after the other, awaiting each; then {@link finish} where the tester ended the
 * stream, or {@link abort} where it was cut. When `take` or `finish` rejects, whole attempts that came before are
 * durable, {@link progress} tells how far, and the stream is over.
 *
 * An attempt also ends where the stream ends in good order. A tester that goes on with the same die in a later
 * stream of the same id thereby begins a new attempt of it, from that result's own sequence.
 */
export class StreamIntake implements StreamOwner {
  readonly #parts: StreamParts;
  readonly #bounds: StreamBounds;
  readonly #identity: StreamIdentity;
  #runId: RunId | null = null;
  #run: StreamRun | null = null;
  /** Whether a result is being taken: they come one by one. */
  #busy = false;
  /** Set when the stream is over; resolves when nothing of it is on its way any more. */
  #ended: Promise<void> | null = null;
  /** Why it broke off; null where it did not. */
  #error: WafersyncError | null = null;

  constructor(parts: StreamParts, bounds: Partial<StreamBounds> = {}) {
    this.#parts = parts;
    this.#bounds = { ...STREAM_BOUNDS, ...bounds };
    this.#identity = new StreamIdentity(() => mintStreamId(parts.world));
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
  async take(result: StreamResult): Promise<void> {
    this.#checkOpen();
    invariant(!this.#busy, 'results of a stream are taken one by one');
    this.#busy = true;
    try {
      await this.#accept(result);
    } catch (error) {
      throw await this.#fail(WafersyncError.from(error, 'internal', 'a result could not be taken'));
    } finally {
      this.#busy = false;
    }
  }

  /** The tester ended the stream: resolves once all of it is durable and the run is recorded. @throws as take */
  async finish(): Promise<StreamReceipt> {
    this.#checkOpen();
    invariant(!this.#busy, 'a stream is finished after its last result was taken');
    this.#ended = this.#close();
    await this.#ended;
    if (this.#error !== null) throw this.#error;
    return this.#receipt(this.#run === null ? 'the stream held no results' : '');
  }

  /**
   * The stream was cut: attempts that have not ended are left out, whole ones become durable. Resolves when that is
   * done; it does not reject: what could not be made durable is told in the message and not counted.
   */
  async abort(reason: string): Promise<StreamReceipt> {
    this.#ended ??= this.#breakOff(new WafersyncError('cancelled', `the stream ended early: ${reason}`));
    await this.#ended;
    return this.#receipt([this.#error?.message ?? '', this.#leftOut()].filter(Boolean).join('; '));
  }

  async #accept(result: StreamResult): Promise<void> {
    const sequence = this.#identity.next(result);
    checkResult(result, () => this.#identity.where(sequence));
    const run = this.#run ?? (await this.#open(result));
    await run.take(result, sequence);
  }

  async #open(first: StreamResult): Promise<StreamRun> {
    const { fab, world, intake, history, owners } = this.#parts;
    const identity = this.#identity;
    const id = streamRunId(fab, identity.equipmentId, identity.streamId);
    await owners.claim(id, this);
    this.#runId = id;
    if (this.#ended !== null) owners.release(id, this);
    this.#checkOpen();
    const past = await history.past(id);
    this.#checkOpen();
    const startedAtUs = intake.runStart(id) ?? (first.timestampUs || Math.floor(world.nowMs() * 1000));
    const run = { id, startedAtUs };
    const program = this.#parts.newProgram();
    const { lot } = first;
    const bounds = this.#bounds;
    this.#run = new StreamRun({ run, identity, past, lot, intake, history, world, program, bounds });
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
      await this.#run?.end();
      this.#release();
    } catch (error) {
      await this.#breakOff(WafersyncError.from(error, 'internal', 'the stream could not be ended'));
    }
  }

  async #breakOff(error: WafersyncError): Promise<void> {
    this.#error = error;
    try {
      await this.#run?.stop();
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
    if (this.#run === null) return error;
    const through = this.#run.through;
    const durable = `Results up to sequence ${through} of stream ${JSON.stringify(this.#identity.streamId)} are durable; send again what follows.`;
    const hint = [error.hint, durable].filter(Boolean).join(' ');
    return new WafersyncError(error.code, error.message, { hint, cause: error.cause });
  }

  #leftOut(): string {
    const { attempts, results } = this.#run?.open ?? { attempts: 0, results: 0 };
    return attempts === 0 ? '' : `left out: ${results} results of ${attempts} attempts that had not ended`;
  }

  #receipt(message: string): StreamReceipt {
    const { accepted = 0, duplicates = 0, passed = 0 } = this.#run?.tally ?? {};
    return {
      runId: this.#runId,
      streamId: this.#identity.streamId,
      accepted,
      duplicates,
      throughSequence: this.#run?.through ?? 0,
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
