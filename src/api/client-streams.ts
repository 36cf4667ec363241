import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { WafersyncError } from '../errors.ts';
import { drained, messagesOf } from './flow.ts';

/** Says what an error status of a call means. */
export type Describe = (status: ServiceError) => WafersyncError;

/** A call of a method that streams both ways, as its client has it. */
export class BidiCall<Request, Response> implements AsyncIterable<Response> {
  /** The call of grpc-js, for those who take events. Errors of it are kept here as well. */
  readonly raw: ClientDuplexStream<Request, Response>;
  /** Aborted when the status has arrived. */
  readonly #over = new AbortController();
  /** What the status said, unless it was OK. */
  #error: WafersyncError | null = null;

  constructor(raw: ClientDuplexStream<Request, Response>, describe: Describe, signal?: AbortSignal) {
    this.raw = raw;
    const cancel = () => raw.cancel();
    raw.on('error', (status: ServiceError) => {
      this.#error = describe(status);
    });
    raw.on('status', () => {
      signal?.removeEventListener('abort', cancel);
      this.#over.abort();
    });
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
  }

  /**
   * Sends a message; settles when the next one may be sent (at most 16 wait, counted, not measured).
   * After the server has ended the call with OK nothing is sent any more.
   * @throws WafersyncError the status, once the call has failed
   */
  async write(message: Request): Promise<void> {
    if (this.#error) throw this.#error;
    if (this.#over.signal.aborted) return;
    if (!this.raw.write(message)) await drained(this.raw, this.#over.signal);
    if (this.#error) throw this.#error;
  }

  /** Ends this side. */
  end(): void {
    this.raw.end();
  }

  /** Gives the call up. */
  cancel(): void {
    this.raw.cancel();
  }

  /**
   * The responses, once; read no faster than they are taken. Leaving early cancels the call.
   * @throws WafersyncError the status; responses that had not been taken when it came are lost
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Response, void, void> {
    try {
      yield* messagesOf<Response>(this.raw);
    } finally {
      this.raw.cancel();
    }
    if (this.#error) throw this.#error;
  }
}

/** A call of a method that takes a stream and gives one answer. */
export class UploadCall<Request, Response> {
  readonly #call: BidiCall<Request, Response>;

  constructor(call: BidiCall<Request, Response>) {
    this.#call = call;
  }

  /** Sends a message, as {@link BidiCall.write} does. */
  write(message: Request): Promise<void> {
    return this.#call.write(message);
  }

  /** Gives the call up. */
  cancel(): void {
    this.#call.cancel();
  }

  /** Ends the stream and waits for the answer. @throws WafersyncError the status */
  async finish(): Promise<Response> {
    this.#call.end();
    const responses: Response[] = [];
    for await (const response of this.#call) responses.push(response);
    const [answer] = responses;
    if (answer === undefined) throw new WafersyncError('internal', 'the call ended without an answer');
    return answer;
  }
}
