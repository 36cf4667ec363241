import type { LaneMessage } from './messages.ts';
import type { Stream } from './transport/transport.ts';

/** What a writer tells the mesh. */
export interface WriterHandlers {
  blocked(): void;
  writable(): void;
}

/**
 * Sends the messages of a live lane in order, stopping while the stream does not take them.
 *
 * Bound: the mesh offers no more updates than the peer's window, and nothing else while the lane is blocked; so what
 * waits here is within that window.
 */
export class LaneWriter {
  readonly stream: Stream<LaneMessage>;
  readonly #handlers: WriterHandlers;
  #waiting: (() => LaneMessage | null)[] = [];
  #blocked = false;

  constructor(stream: Stream<LaneMessage>, handlers: WriterHandlers) {
    this.stream = stream;
    this.#handlers = handlers;
  }

  /** How many messages wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Sends a message, made only when its turn comes. */
  send(make: () => LaneMessage | null): void {
    if (this.#blocked) {
      this.#waiting.push(make);
      return;
    }
    this.#write(make);
    if (this.#blocked) this.#handlers.blocked();
  }

  /** The stream takes messages again. */
  resume(): void {
    this.#blocked = false;
    while (!this.#blocked) {
      const make = this.#waiting.shift();
      if (!make) break;
      this.#write(make);
    }
    if (!this.#blocked) this.#handlers.writable();
  }

  #write(make: () => LaneMessage | null): void {
    const message = make();
    if (message && !this.stream.send(message)) this.#blocked = true;
  }
}
