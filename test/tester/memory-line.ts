import { syncTestData } from '../../src/api/sync-test-data.ts';
import type { OpenTesterCall, TesterCallHandlers } from '../../src/api/tester-call.ts';
import { fromAck, toMessage, toOpening } from '../../src/api/tester-messages.ts';
import { WafersyncError } from '../../src/errors.ts';
import type { StreamParts } from '../../src/ingest/stream/stream-intake.ts';
import { testEquipment } from '../../src/wire/services.ts';

const { requestSerialize, requestDeserialize } = testEquipment.methods.SyncTestData;
type Message = ReturnType<typeof requestDeserialize>;

/** A line from a tester to a node in memory, which can be cut at any time. Messages pass as bytes. */
export class MemoryLine {
  readonly #parts: StreamParts;
  readonly #names: { readonly equipment_id: string; readonly stream_id: string };
  #call: MemoryCall | null = null;
  /** Calls that were opened. */
  opened = 0;
  /** Results that went over the line, those that were sent again included. */
  sentResults = 0;
  /** Whether calls fail as soon as they are opened. */
  down = false;
  /** Messages that a call takes before it says that there is no room; as many more make room again. */
  window = 4;

  constructor(parts: StreamParts, equipmentId = 'T1', streamId = 'S') {
    this.#parts = parts;
    this.#names = { equipment_id: equipmentId, stream_id: streamId };
  }

  readonly open: OpenTesterCall = (handlers) => {
    this.opened++;
    const call = new MemoryCall(this.#parts, handlers, this.window);
    this.#call = call;
    if (this.down) queueMicrotask(() => call.cut());
    return {
      send: (define, batch) => {
        this.sentResults += batch?.values.length ?? 0;
        const message = batch ? toMessage(this.#names, define, batch) : toOpening(this.#names, define);
        return call.send(requestDeserialize(requestSerialize(message)));
      },
      end: () => call.end(),
      cancel: () => call.cancel(),
    };
  };

  /** Cuts the line: what is on its way in either direction is lost. */
  cut(): void {
    this.#call?.cut();
  }
}

class MemoryCall {
  readonly #handlers: TesterCallHandlers;
  readonly #window: number;
  /** Messages that the node has not taken. */
  readonly #queue: Message[] = [];
  #wake = () => {};
  #ended = false;
  #cut = false;
  /** Whether the tester hears anything. */
  #heard = true;

  constructor(parts: StreamParts, handlers: TesterCallHandlers, window: number) {
    this.#handlers = handlers;
    this.#window = window;
    void this.#serve(parts);
  }

  send(message: Message): boolean {
    this.#queue.push(message);
    this.#wake();
    return this.#queue.length < this.#window;
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  cancel(): void {
    this.#heard = false;
    this.#cut = true;
    this.#wake();
  }

  cut(): void {
    const { ended } = this.#handlers;
    if (this.#heard) ended(new WafersyncError('unavailable', 'the line was cut'));
    this.cancel();
  }

  async #serve(parts: StreamParts): Promise<void> {
    try {
      for await (const ack of syncTestData(parts, this.#messages())) {
        if (this.#heard) this.#handlers.ack(fromAck(ack));
      }
      if (this.#heard) this.#handlers.ended(null);
    } catch (thrown) {
      if (this.#heard) this.#handlers.ended(WafersyncError.from(thrown));
    }
    this.#heard = false;
  }

  async *#messages(): AsyncGenerator<Message> {
    for (;;) {
      if (this.#cut) throw new WafersyncError('cancelled', 'the call is over');
      const full = this.#queue.length >= this.#window;
      const message = this.#queue.shift();
      if (message) {
        if (full && this.#heard) queueMicrotask(() => this.#heard && this.#handlers.writable());
        yield message;
      } else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
