import { WafersyncError } from '../../src/errors.ts';
import type { Stream, StreamHandlers } from '../../src/sync/transport/transport.ts';
import type { VirtualTime } from './mesh-time.ts';

/** Messages that a pipe takes before it says stop: as many as HTTP/2's buffers of small messages. */
export const HIGH_WATER = 16;

/**
 * One direction of a stream: delivers in order, each message after its delay, none while stalled or dead.
 *
 * Invariant: `send` answered false, and the sender was not told `writable` since, while `blocked`.
 */
export class Pipe<T> {
  readonly #time: VirtualTime;
  readonly #delayMs: (message: T) => number;
  readonly #deliver: (message: T) => void;
  readonly #writable: () => void;
  readonly #queue: { readonly message: T; readonly readyMs: number }[] = [];
  #lastReadyMs = 0;
  #blocked = false;
  #open = false;
  #stalled = false;
  #dead = false;
  #timerSet = false;
  /** Most messages that ever waited. */
  longest = 0;

  constructor(
    time: VirtualTime,
    delayMs: (message: T) => number,
    deliver: (message: T) => void,
    writable: () => void,
  ) {
    this.#time = time;
    this.#delayMs = delayMs;
    this.#deliver = deliver;
    this.#writable = writable;
  }

  /** Takes a message; false: send no more until `writable`. */
  send(message: T): boolean {
    if (this.#dead) return false;
    this.#lastReadyMs = Math.max(this.#lastReadyMs, this.#time.nowMs + this.#delayMs(message));
    this.#queue.push({ message, readyMs: this.#lastReadyMs });
    this.longest = Math.max(this.longest, this.#queue.length);
    this.#arm();
    if (this.#queue.length >= HIGH_WATER) this.#blocked = true;
    return !this.#blocked;
  }

  /** The other side is there: delivers from now on. */
  open(): void {
    this.#open = true;
    this.#arm();
  }

  /** The other side stops reading, or reads again. */
  stall(stalled: boolean): void {
    this.#stalled = stalled;
    if (!stalled) this.#arm();
  }

  /** What is under way is lost. */
  kill(): void {
    this.#dead = true;
    this.#queue.length = 0;
  }

  #arm(): void {
    const head = this.#queue[0];
    if (!head || this.#timerSet || !this.#open || this.#stalled || this.#dead) return;
    this.#timerSet = true;
    this.#time.after(Math.max(0, head.readyMs - this.#time.nowMs), () => {
      this.#timerSet = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#stalled || this.#dead) return;
    const head = this.#queue.shift();
    if (head) this.#deliver(head.message);
    if (this.#dead) return;
    if (this.#blocked && this.#queue.length === 0) {
      this.#blocked = false;
      this.#writable();
    }
    this.#arm();
  }
}

/** One stream between two nodes: `Up` goes from the dialling side to the answering one, `Down` back. */
export class Connection<Up, Down> {
  readonly up: Pipe<Up>;
  readonly down: Pipe<Down>;
  readonly #time: VirtualTime;
  #dialler: StreamHandlers<Down> | null;
  #answerer: StreamHandlers<Up> | null = null;
  #over = false;

  /** @param downDelayMs of what the answering side sends; as `delayMs` where not given */
  constructor(
    time: VirtualTime,
    delayMs: (message: Up) => number,
    dialler: StreamHandlers<Down>,
    downDelayMs: (message: Down) => number = delayMs as unknown as (message: Down) => number,
  ) {
    this.#time = time;
    this.#dialler = dialler;
    const toAnswerer = (message: Up) => this.#guard(() => this.#answerer?.message(message));
    const toDialler = (message: Down) => this.#guard(() => this.#dialler?.message(message));
    this.up = new Pipe(time, delayMs, toAnswerer, () => this.#dialler?.writable());
    this.down = new Pipe(time, downDelayMs, toDialler, () => this.#answerer?.writable());
  }

  /** Whether nothing has ended it yet. */
  get alive(): boolean {
    return !this.#over;
  }

  /** Whether one side at least may hear something of it still. */
  get attached(): boolean {
    return this.#dialler !== null || this.#answerer !== null;
  }

  /** The dialling side's end. */
  diallerEnd(): Stream<Up> {
    return { send: (message) => this.up.send(message), close: (error) => this.#end('dialler', error, 1) };
  }

  /** The answering side takes the stream. */
  accept(handlers: StreamHandlers<Up>): Stream<Down> {
    this.#answerer = handlers;
    this.up.open();
    this.down.open();
    return { send: (message) => this.down.send(message), close: (error) => this.#end('answerer', error, 1) };
  }

  /** Both sides lose the stream, each noticing after a while of its own; neither hears the other meanwhile. */
  lose(reason: string, noticeMs: () => number): void {
    this.#kill();
    const error = new WafersyncError('unavailable', reason);
    this.#time.after(noticeMs(), () => this.#tell('dialler', error));
    this.#time.after(noticeMs(), () => this.#tell('answerer', error));
  }

  /** One side's process is gone: what it had sent still arrives until the other side notices, or is gone as well. */
  fall(side: 'dialler' | 'answerer', reason: string, noticeMs: () => number): void {
    const other = side === 'dialler' ? 'answerer' : 'dialler';
    if (side === 'dialler') this.#dialler = null;
    else this.#answerer = null;
    (side === 'dialler' ? this.down : this.up).kill();
    if (this.#over) return;
    this.#over = true;
    this.#time.after(noticeMs(), () => {
      this.#kill();
      this.#tell(other, new WafersyncError('unavailable', reason));
    });
  }

  #guard(handle: () => void): void {
    try {
      handle();
    } catch (thrown) {
      this.lose(WafersyncError.from(thrown).line, () => 1);
    }
  }

  #end(side: 'dialler' | 'answerer', error: WafersyncError, noticeMs: number): void {
    this.#kill();
    this.#tell(side, error);
    this.#time.after(noticeMs, () => this.#tell(side === 'dialler' ? 'answerer' : 'dialler', error));
  }

  #kill(): void {
    this.#over = true;
    this.up.kill();
    this.down.kill();
  }

  #tell(side: 'dialler' | 'answerer', error: WafersyncError): void {
    const handlers = side === 'dialler' ? this.#dialler : this.#answerer;
    if (side === 'dialler') this.#dialler = null;
    else this.#answerer = null;
    handlers?.down(error);
  }
}
