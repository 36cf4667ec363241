import type { OpenTesterCall } from '../api/tester-call.ts';
import type { IncomingAck } from '../api/tester-messages.ts';
import { WafersyncError } from '../errors.ts';
import type { BackoffBounds } from '../sync/backoff.ts';
import type { Cancel, World } from '../world.ts';
import { BatchBuilder, type Rows } from './batch-builder.ts';
import { OpenDies } from './open-dies.ts';
import { RETRY } from './retry.ts';
import { dieToRows, resultToRows } from './rows.ts';
import { Signal } from './signal.ts';
import { TestTable } from './test-table.ts';
import type { TesterDie, TesterPlace, TesterResult } from './tester-result.ts';
import { Uplink } from './uplink.ts';

/** Bounds of a client. */
export interface TesterBounds {
  /** Results that wait to become durable before a caller waits; one call more may be taken. */
  readonly bufferedResults: number;
  /** The same of dies that have not ended: these cannot become durable yet, so that nobody waits for them. */
  readonly openResults: number;
  /** Results of one message. */
  readonly batchResults: number;
  /** Dies of one message. */
  readonly batchDies: number;
  /** How long a result waits for others to share its message, milliseconds. */
  readonly flushMs: number;
}

/** What a client uses. Results take some 30 bytes each while they wait. */
export const TESTER_BOUNDS: TesterBounds = {
  bufferedResults: 131_072,
  openResults: 1_048_576,
  batchResults: 4_096,
  batchDies: 1_024,
  flushMs: 2,
};

/** Something that happened to a client. */
export type TesterEvent =
  | { readonly type: 'opened'; readonly through: number }
  | { readonly type: 'durable'; readonly through: number }
  | { readonly type: 'lost'; readonly error: WafersyncError; readonly retryInMs: number };

/** What a client is made of. */
export interface TesterParts {
  readonly world: World;
  readonly openCall: OpenTesterCall;
  readonly bounds?: Partial<TesterBounds>;
  readonly retry?: BackoffBounds;
  /** How long nothing may become durable, while calls are lost, before the client gives up, milliseconds; absent: it never does. */
  readonly giveUpMs?: number;
  readonly on?: (event: TesterEvent) => void;
}

/** What became of a stream. Everything that was handed in is durable. */
export interface TesterReceipt {
  readonly runId: string;
  readonly streamId: string;
  /** Results that were handed in. */
  readonly results: number;
  /** Of these, durable before the client began. */
  readonly durableBefore: number;
  /** Calls that were lost on the way. */
  readonly lostCalls: number;
  /** What a person should know; empty where there is nothing to tell. */
  readonly message: string;
}

const DONE = Promise.resolve();

/**
 * Streams a tester's results to a node and loses none: what is not known to be durable is kept, within bounds, and sent
 * again after every cut. Await each call: it takes as long as there is no room.
 *
 * Results are numbered as they are handed in. A client of the same stream id that is given the same results again, after
 * a crash, sends what the node does not have. Only whole attempts become durable: say where a die ends.
 */
export class TesterClient {
  readonly #parts: TesterParts;
  readonly #bounds: TesterBounds;
  readonly #tests = new TestTable();
  readonly #openDies = new OpenDies();
  readonly #uplink: Uplink;
  /** Results that wait for others; null where none does. */
  #builder: BatchBuilder | null = null;
  #flushTimer: Cancel | null = null;
  /** Results handed in so far: the position of the last. */
  #position = 0;
  /** Calls that wait for room, in their order. */
  #queued = 0;
  #turn = DONE;
  readonly #news = new Signal();
  #opened: number | null = null;
  #lostCalls = 0;
  /** World.steadyMs() when the first call was lost since something became durable; null while none was. */
  #lostSinceMs: number | null = null;
  #finishing = false;
  #receipt: TesterReceipt | null = null;
  #failure: WafersyncError | null = null;

  constructor(parts: TesterParts) {
    this.#parts = parts;
    this.#bounds = { ...TESTER_BOUNDS, ...parts.bounds };
    this.#uplink = new Uplink({
      ...{ world: parts.world, openCall: parts.openCall, tests: this.#tests },
      retry: parts.retry ?? RETRY,
      opened: (through) => this.#tellOpened(through),
      durable: (through) => this.#tellDurable(through),
      lost: (error, retryInMs) => this.#tellLost(error, retryInMs),
      finished: (ack) => this.#finished(ack),
      failed: (error) => this.#fail(error),
    });
  }

  /** Results handed in, and how many of them are known to be durable. */
  get progress(): { readonly handedIn: number; readonly durable: number } {
    return { handedIn: this.#position, durable: Math.min(this.#uplink.through, this.#position) };
  }

  /** Hands in one result; resolves when there is room for another. @throws WafersyncError where the stream has failed */
  add(result: TesterResult): Promise<void> {
    return this.#hand(() => resultToRows(result, this.#tests));
  }

  /** Hands in a die's results at once, or a part of them; as {@link add}. @throws WafersyncError `invalid` where columns differ in length */
  addDie(die: TesterDie): Promise<void> {
    return this.#hand(() => dieToRows(die, this.#tests));
  }

  /**
   * Position up to which the stream was durable when the client first reached the node: what is handed in up to there is
   * not sent. @throws WafersyncError where the stream failed before
   */
  async opened(): Promise<number> {
    this.#uplink.open();
    while (this.#opened === null) await this.#change();
    return this.#opened;
  }

  /** Ends the stream; resolves once all of it is durable. @throws WafersyncError where the stream has failed */
  async finish(): Promise<TesterReceipt> {
    this.#checkOpen();
    this.#finishing = true;
    await this.#turn;
    this.#flush();
    this.#uplink.end();
    while (this.#receipt === null) await this.#change();
    return this.#receipt;
  }

  /** Gives up. What is not durable by now may be or not. */
  close(): void {
    if (this.#receipt === null) this.#fail(new WafersyncError('cancelled', 'the tester client was closed'));
  }

  #hand(rows: () => Rows): Promise<void> {
    if (this.#queued > 0 || this.#failure !== null || this.#finishing) return this.#wait(rows);
    try {
      if (!this.#hasRoom()) return this.#wait(rows);
      this.#take(rows());
      return DONE;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Waits for its turn and for room. */
  async #wait(rows: () => Rows): Promise<void> {
    this.#checkOpen();
    this.#queued++;
    const turn = this.#turn.then(async () => {
      while (!this.#hasRoom()) await this.#change();
      this.#take(rows());
    });
    this.#turn = turn.then(
      () => this.#left(),
      () => this.#left(),
    );
    await turn;
  }

  #left(): void {
    this.#queued--;
  }

  /** @throws WafersyncError `exhausted` where dies that have not ended take all there is */
  #hasRoom(): boolean {
    const waiting = this.#uplink.results + (this.#builder?.length ?? 0);
    if (waiting < this.#bounds.bufferedResults) return true;
    this.#flush();
    // Nothing becomes durable from the first die on that has not ended: where all before it is, waiting would never end.
    if (this.#openDies.first - 1 > this.#uplink.through) return false;
    if (waiting < this.#bounds.openResults) return true;
    throw new WafersyncError(
      'exhausted',
      `${waiting} results are of dies that have not ended, or came after them`,
      {
        hint: 'Set lastOfDie on the last result of each die.',
      },
    );
  }

  #take(rows: Rows): void {
    const { place, values, lastOfDie } = rows;
    this.#openDies.take(place, this.#position + 1, lastOfDie);
    for (let from = 0; from < values.length; ) {
      const builder = this.#builderFor(place);
      const to = Math.min(values.length, from + this.#bounds.batchResults - builder.length);
      builder.add(rows, from, to);
      this.#position += to - from;
      from = to;
      if (builder.length >= this.#bounds.batchResults || builder.dies >= this.#bounds.batchDies)
        this.#flush();
    }
  }

  #builderFor(place: TesterPlace): BatchBuilder {
    if (this.#builder !== null && !this.#builder.takes(place)) this.#flush();
    this.#builder ??= new BatchBuilder(this.#position + 1, place);
    this.#flushTimer ??= this.#parts.world.after('stream-flush', this.#bounds.flushMs, () => this.#flush());
    return this.#builder;
  }

  #flush(): void {
    this.#flushTimer?.();
    this.#flushTimer = null;
    const builder = this.#builder;
    this.#builder = null;
    if (builder !== null) this.#uplink.send(builder.batch());
  }

  #checkOpen(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#finishing)
      throw new WafersyncError('precondition', 'the stream was ended: nothing more can be added');
  }

  /** Waits until something has changed. @throws WafersyncError where the stream has failed */
  async #change(): Promise<void> {
    if (this.#failure === null) await this.#news.next();
    if (this.#failure !== null) throw this.#failure;
  }

  #tellOpened(through: number): void {
    this.#opened ??= through;
    this.#parts.on?.({ type: 'opened', through });
    this.#news.fire();
  }

  #tellDurable(through: number): void {
    this.#lostSinceMs = null;
    this.#parts.on?.({ type: 'durable', through });
    this.#news.fire();
  }

  #tellLost(error: WafersyncError, retryInMs: number): void {
    const nowMs = this.#parts.world.steadyMs();
    this.#lostSinceMs ??= nowMs;
    this.#lostCalls++;
    if (nowMs - this.#lostSinceMs >= (this.#parts.giveUpMs ?? Number.POSITIVE_INFINITY)) this.#fail(error);
    else this.#parts.on?.({ type: 'lost', error, retryInMs });
  }

  #finished({ runId, streamId, message }: IncomingAck): void {
    const durableBefore = Math.min(this.#opened ?? 0, this.#position);
    this.#receipt = {
      ...{ runId, streamId, message },
      results: this.#position,
      durableBefore,
      lostCalls: this.#lostCalls,
    };
    this.#news.fire();
  }

  #fail(error: WafersyncError): void {
    this.#failure ??= error;
    this.#flushTimer?.();
    this.#flushTimer = null;
    this.#uplink.close();
    this.#news.fire();
  }
}
