import { ServerInterceptingCall, type ServerInterceptor, type sendUnaryData } from '@grpc/grpc-js';
import { WafersyncError } from '../errors.ts';
import type { Log } from '../log.ts';
import { toStatus } from '../wire/status.ts';
import { fromMetadata, REQUEST_ID, type ServerCall, toHandlerError, toStatusObject } from './metadata.ts';

/** Stands for a request that could not be decoded: grpc-js would answer without saying what was wrong. */
export class Undecodable {
  readonly reason: WafersyncError;

  constructor(reason: WafersyncError) {
    this.reason = reason;
  }
}

/** A deserializer that gives {@link Undecodable} instead of throwing. */
export function undecodable<T>(deserialize: (bytes: Buffer) => T): (bytes: Buffer) => T | Undecodable {
  return (bytes) => {
    try {
      return deserialize(bytes);
    } catch (error) {
      return new Undecodable(WafersyncError.from(error, 'invalid'));
    }
  };
}

/**
 * Ends a call whose request cannot be decoded with INVALID_ARGUMENT and the reason, and one whose
 * handler throws while it takes a message with the mapped status.
 */
export const guard: ServerInterceptor = (_method, next) =>
  new ServerInterceptingCall(next, {
    start: (proceed) =>
      proceed({
        onReceiveMessage: (message: unknown, pass) => {
          if (message instanceof Undecodable) {
            next.sendStatus(toStatusObject(toStatus(message.reason)));
            return;
          }
          try {
            pass(message);
          } catch (thrown) {
            next.sendStatus(toStatusObject(toStatus(thrown)));
          }
        },
      }),
  });

/** Any handler of grpc-js, as far as guarding it goes. Streaming answers have no callback. */
export type AnyHandler = (call: never, respond: never) => unknown;

type LooseHandler = (call: ServerCall, respond: sendUnaryData<unknown>) => unknown;

/**
 * The handler, but what it throws, at once or later, becomes a mapped status, and an error that is the
 * node's own fault is logged with where it came from.
 */
export function guarded(path: string, handler: AnyHandler, log: Log): AnyHandler {
  const loose = handler as unknown as LooseHandler;
  const run: LooseHandler = (call, respond) => {
    const report = (error: unknown) => logFault(log, path, call, error);
    const answer: sendUnaryData<unknown> | undefined =
      respond &&
      ((error, value, trailer, flags) => {
        if (error) report(error);
        respond(error, value, trailer, flags);
      });
    const fail = (thrown: unknown) => {
      const error = toHandlerError(thrown);
      if (answer) answer(error, null);
      else call.emit('error', error);
    };
    call.on('error', report);
    try {
      const pending = loose(call, answer as sendUnaryData<unknown>);
      if (pending instanceof Promise) pending.catch(fail);
    } catch (thrown) {
      fail(thrown);
    }
  };
  return run as unknown as AnyHandler;
}

function logFault(log: Log, path: string, call: ServerCall, error: unknown): void {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const known = cause instanceof WafersyncError && cause.code !== 'internal' && cause.code !== 'damaged';
  if (known || !(cause instanceof Error)) return;
  const request_id = fromMetadata(call.metadata)[REQUEST_ID] ?? '';
  log.error('handler.failed', { request_id, method: path.slice(1) }, cause);
}
