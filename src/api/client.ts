import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  credentials as channelCredentials,
  type ServiceError,
} from '@grpc/grpc-js';
import { WafersyncError } from '../errors.ts';
import type { AnyMethod, Method, Service } from '../wire/services.ts';
import { CODE_TRAILER } from '../wire/status.ts';
import { MAX_MESSAGE_BYTES } from './call-policy.ts';
import { BidiCall, UploadCall } from './client-streams.ts';
import { fromMetadata, fromStatusObject, REQUEST_ID, toMetadata } from './metadata.ts';

/** How long a unary call waits where nothing else is said, milliseconds. */
export const DEFAULT_DEADLINE_MS = 30_000;

/** What can be said of one call. */
export interface CallOptions {
  /** Most time it may take, milliseconds. Unary: default {@link DEFAULT_DEADLINE_MS}; streams: unlimited. */
  readonly deadlineMs?: number;
  /** Gives the call up when aborted. */
  readonly signal?: AbortSignal;
  /** Names the call in the node's log. Up to 64 of A–Z, a–z, 0–9 and `_.:/+=-`. */
  readonly requestId?: string;
}

/** How a client calls a method. */
export type CallerOf<M> =
  M extends Method<
    infer RequestStream,
    infer ResponseStream,
    infer Request,
    infer _Q,
    infer _A,
    infer Response
  >
    ? RequestStream extends true
      ? ResponseStream extends true
        ? (options?: CallOptions) => BidiCall<Request, Response>
        : (options?: CallOptions) => UploadCall<Request, Response>
      : ResponseStream extends true
        ? (request: Request, options?: CallOptions) => AsyncIterable<Response>
        : (request: Request, options?: CallOptions) => Promise<Response>
    : never;

/** A client of one service: a function for each method, all of which throw WafersyncErrors. */
export type ClientOf<Methods> = { readonly [K in keyof Methods]: CallerOf<Methods[K]> } & {
  /** Settles when the connection is up. @throws WafersyncError `unavailable` */
  ready(timeoutMs: number): Promise<void>;
  /** Closes the connection once the open calls have ended. */
  close(): void;
};

/**
 * Makes a client. It has a connection of its own, which it opens with the first call and restores by itself.
 * `address` is `host:port`. Nothing is encrypted unless `credentials` say so.
 */
export function makeClient<Methods extends Record<string, AnyMethod>>(
  service: Service<Methods>,
  address: string,
  channelOptions: ChannelOptions = {},
  credentials: ChannelCredentials = channelCredentials.createInsecure(),
): ClientOf<Methods> {
  const client = new Client(address, credentials, { ...DEFAULT_CHANNEL_OPTIONS, ...channelOptions });
  const callers = Object.entries<AnyMethod>(service.methods).map(
    ([name, method]) => [name, caller(client, address, method as unknown as LooseMethod)] as const,
  );
  return {
    ...(Object.fromEntries(callers) as { readonly [K in keyof Methods]: CallerOf<Methods[K]> }),
    ready: (timeoutMs: number) => ready(client, address, timeoutMs),
    close: () => client.close(),
  };
}

const DEFAULT_CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // Otherwise clients of one address share a connection, and catch-up traffic would slow live traffic.
  'grpc.use_local_subchannel_pool': 1,
  // Nodes are dialled directly, whatever the environment's http_proxy says.
  'grpc.enable_http_proxy': 0,
  // Otherwise each call keeps up to 1 MiB of what was written, for retries that are not used, and
  // write() says for as long that all is well.
  'grpc.per_rpc_retry_buffer_size': 0,
  // No look-up of service configs in DNS.
  'grpc.service_config_disable_resolution': 1,
};

type LooseMethod = Method<boolean, boolean, unknown, unknown, unknown, unknown>;

function caller(client: Client, address: string, method: LooseMethod): unknown {
  const where = `${method.path.slice(1)} at ${address}`;
  const open = (options: CallOptions = {}) => openStream(client, method, where, options);
  if (method.requestStream && method.responseStream) return open;
  if (method.requestStream) return (options?: CallOptions) => new UploadCall(open(options));
  if (!method.responseStream) {
    return (request: unknown, options?: CallOptions) => callUnary(client, method, where, request, options);
  }
  return (request: unknown, options?: CallOptions) => download(open, request, options);
}

/** Opened when the iteration begins. */
async function* download(
  open: (options?: CallOptions) => BidiCall<unknown, unknown>,
  request: unknown,
  options?: CallOptions,
): AsyncGenerator<unknown, void, void> {
  const call = open(options);
  call.raw.write(request);
  call.end();
  yield* call;
}

/** All streaming methods are called as two-way streams: on the wire they are the same. */
function openStream(
  client: Client,
  method: LooseMethod,
  where: string,
  options: CallOptions,
): BidiCall<unknown, unknown> {
  const raw = client.makeBidiStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    metadataOf(options),
    deadlineOf(options.deadlineMs),
  );
  return new BidiCall(raw, (status) => describe(status, where), options.signal);
}

function callUnary(
  client: Client,
  method: LooseMethod,
  where: string,
  request: unknown,
  options: CallOptions = {},
): Promise<unknown> {
  const { deadlineMs = DEFAULT_DEADLINE_MS, signal } = options;
  return new Promise((resolve, reject) => {
    const call = client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadataOf(options),
      deadlineOf(deadlineMs),
      (error, response) => {
        signal?.removeEventListener('abort', cancel);
        if (error) reject(describe(error, where));
        else resolve(response);
      },
    );
    const cancel = () => call.cancel();
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
  });
}

function metadataOf({ requestId }: CallOptions) {
  return toMetadata(requestId === undefined ? {} : { [REQUEST_ID]: requestId });
}

/** grpc-js compares deadlines with Date.now(), so they are made with it. */
function deadlineOf(deadlineMs: number | undefined): { deadline?: number } {
  return deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
}

/** What a node says speaks for itself; what the library says gets the place added. */
function describe(status: ServiceError, where: string): WafersyncError {
  const error = fromStatusObject(status, status);
  if (fromMetadata(status.metadata)[CODE_TRAILER] !== undefined) return error;
  return new WafersyncError(error.code, `${where}: ${error.message}`, {
    hint: error.code === 'unavailable' ? 'Check that a node runs there.' : '',
    cause: status,
  });
}

function ready(client: Client, address: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + timeoutMs, (error) => {
      if (!error) return resolve();
      reject(
        new WafersyncError('unavailable', `${address} was not reached within ${timeoutMs} ms`, {
          hint: 'Check that a node runs there.',
          cause: error,
        }),
      );
    });
  });
}
