import { Server, ServerCredentials, setLogger } from '@grpc/grpc-js';
import { WafersyncError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { AnyMethod, Service } from '../wire/services.ts';
import type { World } from '../world.ts';
import type { EndedCall } from './call-observer.ts';
import {
  boundsOf,
  type CallBounds,
  DEFAULT_BOUNDS,
  MAX_MESSAGE_BYTES,
  type MethodPolicy,
} from './call-policy.ts';
import { type HandlersOf, register } from './handlers.ts';
import { interceptors } from './interceptors.ts';
import { listenAddress, listenError } from './listen.ts';
import { OpenCalls } from './open-call.ts';

export { MAX_MESSAGE_BYTES };

/** How long statuses may take to leave before connections are cut, milliseconds. */
const LAST_WORDS_MS = 500;

/** What a server needs, and its bounds. */
export interface ServerOptions {
  readonly log: Log;
  readonly world: World;
  /** Largest message, bytes. Default {@link MAX_MESSAGE_BYTES}. */
  readonly maxMessageBytes?: number;
  /** Calls at once on one connection. Default 256. */
  readonly maxConcurrentStreams?: number;
  /** How often a silent connection is probed, milliseconds. Default 30,000. */
  readonly keepaliveMs?: number;
  /** How long a probe may go unanswered before the connection is given up, milliseconds. Default 10,000. */
  readonly keepaliveTimeoutMs?: number;
  /** Bounds for methods that have none of their own. */
  readonly bounds?: Partial<CallBounds>;
  /** Told of each call that is over. */
  readonly ended?: (call: EndedCall) => void;
}

/** Bounds by method name. */
export type Policies<Methods> = { readonly [K in keyof Methods]?: MethodPolicy };

/** The node's gRPC server. */
export interface ApiServer {
  /** Adds a service. Before bind. */
  add<Methods extends Record<string, AnyMethod>>(
    service: Service<Methods>,
    handlers: HandlersOf<Methods>,
    policies?: Policies<Methods>,
  ): void;
  /** Full names of the services added, sorted. */
  readonly services: readonly string[];
  /** Calls that are open. */
  readonly openCalls: number;
  /**
   * Listens on a loopback host and answers the port, which port 0 leaves to the system.
   * @throws WafersyncError `invalid` for a host that is not loopback or a port that is none, `unavailable` for a
   * port that is taken, `precondition` for one that may not be opened
   */
  bind(host: string, port: number): Promise<number>;
  /**
   * Takes no more calls and waits for the open ones, subscriptions excepted, which end at once. After
   * `graceMs` the rest is ended with UNAVAILABLE, and what is left then is cut.
   */
  close(graceMs: number): Promise<void>;
}

/** Makes a server that listens nowhere yet. */
export function createServer(options: ServerOptions): ApiServer {
  const { log, world } = options;
  const calls = new OpenCalls();
  const bounds = new Map<string, CallBounds>();
  const defaults = { ...DEFAULT_BOUNDS, ...options.bounds };
  const server = new Server({
    ...channelOptions(options),
    interceptors: interceptors({
      ...options,
      calls,
      boundsOf: (path) => bounds.get(path) ?? defaults,
    }),
  });
  const names: string[] = [];
  quietLibrary(log);
  return {
    add(service, handlers, policies = {}) {
      for (const [name, method] of Object.entries<AnyMethod>(service.methods)) {
        bounds.set(method.path, boundsOf(policies[name] ?? {}, defaults));
      }
      const { definition, implementation } = register(service, handlers, log);
      server.addService(definition, implementation);
      names.push(service.name);
      names.sort();
    },
    services: names,
    get openCalls() {
      return calls.size;
    },
    bind: (host, port) => bind(server, host, port),
    close: (graceMs) => close(server, calls, world, graceMs),
  };
}

function channelOptions(options: ServerOptions) {
  const maxMessageBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  return {
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.max_concurrent_streams': options.maxConcurrentStreams ?? 256,
    'grpc.keepalive_time_ms': options.keepaliveMs ?? 30_000,
    'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs ?? 10_000,
  };
}

/** grpc-js writes to stderr by itself, in the whole process: a taken port, for one, would be told twice. */
function quietLibrary(log: Log): void {
  const write = (...parts: unknown[]) => log.debug('grpc.said', { text: parts.join(' ') });
  setLogger({ error: write, info: write, debug: write });
}

async function bind(server: Server, host: string, port: number): Promise<number> {
  const address = listenAddress(host, port);
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(listenError(error, host, port));
      else resolve(bound);
    });
  });
}

async function close(server: Server, calls: OpenCalls, world: World, graceMs: number): Promise<void> {
  const stopping = new WafersyncError('unavailable', 'the node is stopping', {
    hint: 'Try again when it is back.',
  });
  const done = new Promise<void>((resolve, reject) => {
    server.tryShutdown((error) => (error ? reject(error) : resolve()));
  });
  calls.endAll(stopping, (call) => call.bounds.subscription);
  let stopWaiting = () => {};
  const cut = new Promise<void>((resolve) => {
    stopWaiting = world.after('shutdown', graceMs, () => {
      calls.endAll(stopping);
      stopWaiting = world.after('shutdown', LAST_WORDS_MS, () => {
        server.forceShutdown();
        // A connection that takes nothing ends only with the process, or once the library has missed a sign of life.
        stopWaiting = world.after('shutdown', LAST_WORDS_MS, resolve);
      });
    });
  });
  try {
    await Promise.race([done, cut]);
  } finally {
    stopWaiting();
  }
}
