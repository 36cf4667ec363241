import type { OpenTesterCall, TesterCall } from '../api/tester-call.ts';
import type { IncomingAck, OutgoingBatch } from '../api/tester-messages.ts';
import { WafersyncError } from '../errors.ts';
import { type BackoffBounds, backoffMs } from '../sync/backoff.ts';
import type { Cancel, World } from '../world.ts';
import { mayPass } from './retry.ts';
import type { TestTable } from './test-table.ts';
import { Unacknowledged } from './unacknowledged.ts';

/** What an uplink needs, and whom it tells. */
export interface UplinkParts {
  readonly world: World;
  readonly openCall: OpenTesterCall;
  readonly tests: TestTable;
  readonly retry: BackoffBounds;
  /** A call is open: everything up to this position is durable. */
  readonly opened: (through: number) => void;
  /** More is durable: everything up to this position. */
  readonly durable: (through: number) => void;
  /** The call was lost; another is tried after a while. */
  readonly lost: (error: WafersyncError, retryInMs: number) => void;
  /** The stream has ended, all of it durable. */
  readonly finished: (ack: IncomingAck) => void;
  /** Trying again cannot help. Nothing more happens. */
  readonly failed: (error: WafersyncError) => void;
}

/**
 * Brings batches to a node, call after call: `idle` → `opening` → `open` → `ended`, and from each back to `idle` by way of
 * a wait where the call is lost. What is not known to be durable goes out again on the next call.
 */
export class Uplink {
  readonly #parts: UplinkParts;
  readonly #waiting = new Unacknowledged();
  #state: 'idle' | 'opening' | 'open' | 'ended' | 'over' = 'idle';
  #call: TesterCall | null = null;
  /** Whether the call has room. */
  #room = true;
  /** Tests that the present call has been told. */
  #defined = 0;
  /** Greatest position known to be durable. */
  #through = 0;
  /** Calls lost since something last became durable. */
  #failures = 0;
  /** The wait before another call, while it lasts. */
  #retry: Cancel | null = null;
  /** Whether the stream is to be ended once all has gone out. */
  #ending = false;
  #last: IncomingAck | null = null;

  constructor(parts: UplinkParts) {
    this.#parts = parts;
  }

  /** Results that wait to become durable. */
  get results(): number {
    return this.#waiting.results;
  }

  /** Greatest position known to be durable. */
  get through(): number {
    return this.#through;
  }

  /** Opens a call, unless one is open or about to be. */
  open(): void {
    if (this.#state === 'idle' && this.#retry === null) this.#open();
  }

  /** Sends a batch as soon as may be. */
  send(batch: OutgoingBatch): void {
    this.#waiting.add(batch);
    // Of a stream that is sent again from its beginning the node says how much it has.
    this.#waiting.durableThrough(this.#through);
    this.open();
    this.#pump();
  }

  /** Ends the stream after what was sent. */
  end(): void {
    this.#ending = true;
    this.open();
    this.#pump();
  }

  /** Gives everything up. */
  close(): void {
    this.#state = 'over';
    this.#call?.cancel();
    this.#call = null;
    this.#retry?.();
    this.#retry = null;
  }

  #open(): void {
    this.#state = 'opening';
    this.#room = true;
    this.#waiting.rewind();
    this.#defined = this.#parts.tests.size;
    this.#call = this.#parts.openCall({
      ack: (ack) => this.#acknowledged(ack),
      writable: () => {
        this.#room = true;
        this.#pump();
      },
      ended: (error) => this.#ended(error),
    });
    this.#call.send(this.#parts.tests.from(0), null);
  }

  #acknowledged(ack: IncomingAck): void {
    this.#last = ack;
    const more = ack.throughSequence > this.#through;
    if (more) {
      this.#failures = 0;
      this.#through = ack.throughSequence;
      this.#waiting.durableThrough(this.#through);
    }
    if (this.#state !== 'opening') {
      if (more) this.#parts.durable(this.#through);
      return;
    }
    this.#state = 'open';
    this.#parts.opened(this.#through);
    this.#pump();
  }

  #pump(): void {
    while (this.#state === 'open' && this.#room) {
      const batch = this.#waiting.next();
      if (batch === null) break;
      const define = this.#parts.tests.from(this.#defined);
      this.#defined += define.length;
      this.#room = this.#call!.send(define, batch);
    }
    if (this.#state !== 'open' || !this.#ending || !this.#waiting.allSent) return;
    this.#state = 'ended';
    this.#call!.end();
  }

  #ended(error: WafersyncError | null): void {
    const { finished, failed } = this.#parts;
    const last = error === null && this.#state === 'ended' && this.#waiting.results === 0 ? this.#last : null;
    this.#call = null;
    const reason = error ?? unexpectedEnd();
    if (last === null && mayPass(reason)) {
      this.#retryLater(reason);
      return;
    }
    this.#state = 'over';
    if (last !== null) finished(last);
    else failed(reason);
  }

  #retryLater(reason: WafersyncError): void {
    const { world, retry, lost } = this.#parts;
    this.#state = 'idle';
    this.#failures++;
    const waitMs = backoffMs(this.#failures, retry, fraction(world.random(4)));
    this.#retry = world.after('reconnect', waitMs, () => {
      this.#retry = null;
      // With nothing to say the next call waits until there is.
      if (this.#waiting.results > 0 || this.#ending) this.open();
    });
    lost(reason, waitMs);
  }
}

function unexpectedEnd(): WafersyncError {
  return new WafersyncError('unavailable', 'the node ended the stream before its end', {
    hint: 'Try again.',
  });
}

function fraction(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
}
