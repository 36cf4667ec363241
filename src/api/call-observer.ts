import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { Log } from '../log.ts';
import { GrpcCode, grpcCodeName } from '../wire/status.ts';
import type { World } from '../world.ts';
import type { CallBounds } from './call-policy.ts';
import { REQUEST_ID, toMetadata } from './metadata.ts';
import { endCall, type OpenCall, type OpenCalls } from './open-call.ts';

/** What observing needs. */
export interface ObserverOptions {
  readonly log: Log;
  readonly world: World;
  readonly calls: OpenCalls;
  readonly boundsOf: (path: string) => CallBounds;
  /** Told of each call that is over. */
  readonly ended?: (call: EndedCall) => void;
}

/** A call that is over. */
export interface EndedCall {
  /** Such as `wafersync.v1.RunService/GetRun`. */
  readonly method: string;
  /** Name of its status. */
  readonly status: string;
  readonly streaming: boolean;
  readonly durationMs: number;
}

const SANE_REQUEST_ID = /^[\w.:/+=-]{1,64}$/;

/** Codes that say that the node is at fault. */
const FAULTS: ReadonlySet<number> = new Set([GrpcCode.UNKNOWN, GrpcCode.INTERNAL, GrpcCode.DATA_LOSS]);

/**
 * Gives each call a request id, counts its messages, and logs one line when it has ended.
 * It must be the first interceptor, next to the call of grpc-js itself.
 */
export function observer(options: ObserverOptions): ServerInterceptor {
  return (method, next) => {
    const call = openCall(method.path, method.requestStream || method.responseStream, next, options);
    let sentMetadata = false;
    watchStatus(next, (status) => {
      call.status ??= { code: status.code ?? GrpcCode.UNKNOWN, details: status.details ?? '' };
      // A call that fails at once has no initial metadata: its id goes with the status.
      return sentMetadata ? status : { ...status, metadata: withId(status.metadata ?? null, call.id) };
    });
    return new ServerInterceptingCall(next, {
      start: (proceed) =>
        proceed({
          // Not before: a call whose client is gone already never gets here, nor to onCancel.
          onReceiveMetadata: (metadata, pass) => {
            options.calls.add(call);
            call.id = requestId(metadata, options.world);
            metadata.set(REQUEST_ID, call.id);
            pass(metadata);
          },
          onReceiveMessage: (message, pass) => {
            call.received += 1;
            pass(message);
          },
          // Called once at the end of every call, however it ended.
          onCancel: () => finish(call, options),
        }),
      sendMetadata: (metadata, pass) => {
        sentMetadata = true;
        pass(withId(metadata, call.id));
      },
      sendMessage: (message, pass) => {
        call.sent += 1;
        pass(message);
      },
    });
  };
}

function openCall(
  path: string,
  streaming: boolean,
  next: ServerInterceptingCallInterface,
  { world, boundsOf }: ObserverOptions,
): OpenCall {
  return {
    id: '',
    path,
    client: next.getPeer(),
    streaming,
    bounds: boundsOf(path),
    startedMs: world.steadyMs(),
    received: 0,
    sent: 0,
    status: null,
    end: (error, code) => endCall(next, error, code),
  };
}

type Status = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/**
 * Sees, and may amend, every status of a call. Those that grpc-js makes itself (a deadline that passed, a
 * message too large or badly compressed) pass by all interceptors, so the call's own method is wrapped.
 */
function watchStatus(call: ServerInterceptingCallInterface, amend: (status: Status) => Status): void {
  const sendStatus = call.sendStatus.bind(call);
  call.sendStatus = (status) => sendStatus(amend(status));
}

function withId(metadata: Metadata | null, id: string): Metadata {
  const copy = metadata?.clone() ?? toMetadata({});
  if (id) copy.set(REQUEST_ID, id);
  return copy;
}

/** The client's request id where it is a sane one, else 16 hex digits. */
function requestId(metadata: Metadata, world: World): string {
  const [given] = metadata.get(REQUEST_ID);
  if (typeof given === 'string' && SANE_REQUEST_ID.test(given)) return given;
  return Buffer.from(world.random(8)).toString('hex');
}

function finish(call: OpenCall, { log, world, calls, ended }: ObserverOptions): void {
  calls.delete(call);
  const { code, details } = call.status ?? { code: GrpcCode.CANCELLED, details: 'the client went away' };
  const method = call.path.slice(1);
  const status = grpcCodeName(code);
  const durationMs = world.steadyMs() - call.startedMs;
  ended?.({ method, status, streaming: call.streaming, durationMs });
  const fields = {
    ...{ request_id: call.id, method, client: call.client, status },
    ...(code === GrpcCode.OK ? {} : { details }),
    duration_ms: Math.round(durationMs * 1000) / 1000,
    messages_in: call.received,
    messages_out: call.sent,
  };
  // A subscription has no other end than its client's leaving.
  const left = call.status === null && call.bounds.subscription;
  if (FAULTS.has(code)) log.error('call.failed', fields);
  else if (code !== GrpcCode.OK && !left) log.info('call.failed', fields);
  else if (call.streaming || call.bounds.quiet) log.debug('call.ended', fields);
  else log.info('call.ended', fields);
}
