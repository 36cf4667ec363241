import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
} from '@grpc/grpc-js';
import { WafersyncError } from '../errors.ts';
import type { SpanRef } from '../wafer/intake.ts';
import { callerOf } from './caller.ts';
import { messagesOf, type ObjectSink, passed, taken } from './flow.ts';
import { fromMetadata, REQUEST_ID, type ServerCall, toHandlerError, toMetadata } from './metadata.ts';

/** What a handler knows of its call. */
export interface CallContext {
  /** Names the call in the log. */
  readonly requestId: string;
  /** Address and port of the client. */
  readonly client: string;
  /** Span that the client named by `traceparent`, as W3C Trace Context has it; null where it named none that can be read. */
  readonly caller: SpanRef | null;
  /** Aborted when the call is over: the client went away, time ran out, the node stops. Work must stop then. */
  readonly signal: AbortSignal;
  /** Trailing metadata of an answer that is OK. Values must be printable ASCII. */
  readonly trailers: Record<string, string>;
}

/** Context of a grpc-js call, for handlers that take the call as it is. */
export function contextOf(call: ServerCall): CallContext {
  const controller = new AbortController();
  const abort = () => controller.abort(new WafersyncError('cancelled', 'the call is over'));
  call.once('cancelled', abort);
  if (call.cancelled) abort();
  return {
    requestId: fromMetadata(call.metadata)[REQUEST_ID] ?? '',
    client: call.getPeer(),
    caller: callerOf(call.metadata),
    signal: controller.signal,
    trailers: {},
  };
}

/** Handler of a unary method. What `handle` throws becomes the status. */
export function unary<Request, Response>(
  handle: (request: Request, context: CallContext) => Response | Promise<Response>,
): handleUnaryCall<Request, Response> {
  return async (call, respond) => {
    const context = contextOf(call);
    try {
      const response = await handle(call.request, context);
      respond(null, response, toMetadata(context.trailers));
    } catch (thrown) {
      respond(toHandlerError(thrown), null);
    }
  };
}

/**
 * Handler of a method that streams answers. The generator is resumed as fast as the client takes them
 * (at most 16 messages wait) and returned when the call is over; where it waits for anything else it
 * must watch the context's signal. What it throws becomes the status, after what it had yielded.
 * @param sized `large` where a message may be of many kilobytes: each waits until the one before it has left
 */
export function serverStream<Request, Response>(
  handle: (request: Request, context: CallContext) => AsyncIterable<Response>,
  sized: 'small' | 'large' = 'small',
): handleServerStreamingCall<Request, Response> {
  return (call) => {
    const context = contextOf(call);
    return answer(call, context, () => handle(call.request, context), sized === 'large' ? taken : passed);
  };
}

/**
 * Handler of a method that takes a stream. Messages are read as fast as the handler iterates; beyond
 * that at most 16, and what the connection's window holds, wait here, and the client is slowed down.
 * Iterating throws `cancelled` when the call is over before the client has ended its side. A handler
 * that does not want the rest throws: a grpc-js client that is still writing takes an early OK for a fault.
 */
export function clientStream<Request, Response>(
  handle: (requests: AsyncIterable<Request>, context: CallContext) => Promise<Response>,
): handleClientStreamingCall<Request, Response> {
  return async (call, respond) => {
    const context = contextOf(call);
    try {
      const response = await handle(messagesOf<Request>(call, context.signal), context);
      respond(null, response, toMetadata(context.trailers));
    } catch (thrown) {
      respond(toHandlerError(thrown), null);
    }
  };
}

/** Handler of a method that streams both ways; see {@link serverStream} and {@link clientStream}. */
export function bidi<Request, Response>(
  handle: (requests: AsyncIterable<Request>, context: CallContext) => AsyncIterable<Response>,
): handleBidiStreamingCall<Request, Response> {
  return (call) => {
    const context = contextOf(call);
    return answer(call, context, () => handle(messagesOf<Request>(call, context.signal), context), passed);
  };
}

/** A grpc-js call that answers with a stream. */
interface AnsweringCall<Response> extends ObjectSink<Response> {
  end(metadata: ReturnType<typeof toMetadata>): unknown;
  emit(event: 'error', error: Error): boolean;
}

async function answer<Response>(
  call: AnsweringCall<Response>,
  context: CallContext,
  responses: () => AsyncIterable<Response>,
  put: (call: AnsweringCall<Response>, response: Response, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { signal } = context;
  try {
    for await (const response of responses()) {
      if (signal.aborted) return;
      await put(call, response, signal);
    }
    if (!signal.aborted) call.end(toMetadata(context.trailers));
  } catch (thrown) {
    // When the call is over, its status has been decided, and the stream is destroyed.
    if (!signal.aborted) call.emit('error', toHandlerError(thrown));
  }
}
