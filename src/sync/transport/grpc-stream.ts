import type { Metadata, StatusObject } from '@grpc/grpc-js';
import { WafersyncError } from '../../errors.ts';
import type { Stream, StreamHandlers } from './transport.ts';

/** What both sides of a grpc-js stream have in common here. */
interface Duplex<In, Out> {
  on(event: 'data', listener: (message: In) => void): unknown;
  on(event: 'end' | 'drain' | 'cancelled' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error & Partial<StatusObject>) => void): unknown;
  on(
    event: 'status',
    listener: (status: { code: number; details: string; metadata: Metadata }) => void,
  ): unknown;
  write(message: Out): boolean;
}

/** How messages become domain messages, and failures errors. */
export interface StreamCodec<In, DomainIn, Out, DomainOut> {
  decode(message: In): DomainIn;
  encode(message: DomainOut): Out;
  /** Error of a gRPC failure. */
  failure(error: unknown): WafersyncError;
  /** Ends the call from this side and frees what belongs to it; called once, whoever ended it first. */
  end(error: WafersyncError): void;
}

/**
 * A grpc-js call as a {@link Stream}. Whatever ends it first (its error, its end, `close`, a message that cannot be
 * decoded, what a handler throws) is told by `down`, once.
 */
export function grpcStream<In, DomainIn, Out, DomainOut>(
  call: Duplex<In, Out>,
  codec: StreamCodec<In, DomainIn, Out, DomainOut>,
  handlers: StreamHandlers<DomainIn>,
): Stream<DomainOut> {
  let over = false;
  const down = (error: WafersyncError) => {
    if (over) return;
    over = true;
    try {
      codec.end(error);
    } finally {
      handlers.down(error);
    }
  };
  call.on('data', (message) => {
    if (over) return;
    try {
      handlers.message(codec.decode(message));
    } catch (thrown) {
      down(WafersyncError.from(thrown, 'invalid'));
    }
  });
  call.on('drain', () => {
    if (over) return;
    try {
      handlers.writable();
    } catch (thrown) {
      down(WafersyncError.from(thrown, 'unavailable'));
    }
  });
  call.on('error', (error) => down(codec.failure(error)));
  call.on('status', (status) => {
    if (status.code === 0) down(new WafersyncError('unavailable', 'the other side ended the stream'));
    else down(codec.failure(status));
  });
  call.on('end', () => down(new WafersyncError('unavailable', 'the other side ended the stream')));
  call.on('cancelled', () => down(new WafersyncError('cancelled', 'the other side went away')));
  call.on('close', () => down(new WafersyncError('cancelled', 'the other side went away')));
  return { send: (message) => (over ? false : call.write(codec.encode(message))), close: down };
}
