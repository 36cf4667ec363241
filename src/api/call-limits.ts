import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { WafersyncError } from '../errors.ts';
import { GrpcCode } from '../wire/status.ts';
import type { Cancel, World } from '../world.ts';
import type { CallBounds } from './call-policy.ts';
import { endCall } from './open-call.ts';

/** What limiting needs. */
export interface LimitOptions {
  readonly world: World;
  readonly boundsOf: (path: string) => CallBounds;
}

/**
 * Ends calls that take too long with DEADLINE_EXCEEDED: unary ones without a deadline of the caller,
 * streams whose client neither sends what the node waits for nor takes what it sent.
 */
export function limiter(options: LimitOptions): ServerInterceptor {
  return (method, next) => {
    const bounds = options.boundsOf(method.path);
    if (!method.requestStream && !method.responseStream) {
      return deadlined(next, method.path, bounds.deadlineMs, options.world);
    }
    const end = (what: string, ms: number, hint: string) =>
      endLate(next, `${what} for ${ms} ms on ${method.path.slice(1)}`, hint);
    const reading = new Patience(options.world, bounds.idleMs, () =>
      end('the client sent nothing', bounds.idleMs, 'Open the stream again and resume.'),
    );
    const writing = new Patience(options.world, bounds.stallMs, () =>
      end('the client took no data', bounds.stallMs, 'Read faster, or ask for less.'),
    );
    return new LimitedStream(next, reading, writing);
  };
}

function endLate(call: ServerInterceptingCallInterface, message: string, hint: string): void {
  endCall(call, new WafersyncError('cancelled', message, { hint }), GrpcCode.DEADLINE_EXCEEDED);
}

function deadlined(
  next: ServerInterceptingCallInterface,
  path: string,
  deadlineMs: number,
  world: World,
): ServerInterceptingCall {
  // grpc-js keeps the deadline that a caller sets.
  if (next.getDeadline() !== Number.POSITIVE_INFINITY) return new ServerInterceptingCall(next);
  let stop: Cancel = () => {};
  return new ServerInterceptingCall(next, {
    start: (proceed) =>
      proceed({
        onReceiveMetadata: (metadata, pass) => {
          const late = `${path.slice(1)} was not answered within ${deadlineMs} ms`;
          stop = world.after('idle', deadlineMs, () =>
            endLate(next, late, 'Set a longer deadline, or try later.'),
          );
          pass(metadata);
        },
        onCancel: () => stop(),
      }),
  });
}

/** A stream whose waiting, in each direction, is watched. */
class LimitedStream extends ServerInterceptingCall {
  readonly #reading: Patience;
  readonly #writing: Patience;

  constructor(next: ServerInterceptingCallInterface, reading: Patience, writing: Patience) {
    super(next, {
      start: (proceed) =>
        proceed({
          onReceiveMessage: (message, pass) => {
            reading.rest();
            pass(message);
          },
          onReceiveHalfClose: (pass) => {
            reading.rest();
            pass();
          },
          onCancel: () => {
            reading.end();
            writing.end();
          },
        }),
    });
    this.#reading = reading;
    this.#writing = writing;
  }

  /** The node wants a message; while its consumer is busy it does not, and that time does not count. */
  override startRead(): void {
    this.#reading.wait();
    super.startRead();
  }

  override sendMessage(message: unknown, taken: () => void): void {
    this.#writing.wait();
    super.sendMessage(message, () => {
      this.#writing.rest();
      taken();
    });
  }
}

/** Watches waits that begin and end often: one timer, looked at only when it fires. */
class Patience {
  readonly #world: World;
  readonly #limitMs: number;
  readonly #expire: () => void;
  /** World.steadyMs() when the present wait began; null while nothing is waited for. */
  #since: number | null = null;
  /** The one timer, while it runs. */
  #timer: Cancel | null = null;
  #ended = false;

  constructor(world: World, limitMs: number, expire: () => void) {
    this.#world = world;
    this.#limitMs = limitMs;
    this.#expire = expire;
  }

  wait(): void {
    if (this.#ended || this.#limitMs === Number.POSITIVE_INFINITY) return;
    this.#since = this.#world.steadyMs();
    if (!this.#timer) this.#arm(this.#limitMs);
  }

  rest(): void {
    this.#since = null;
  }

  end(): void {
    this.#ended = true;
    this.#timer?.();
    this.#timer = null;
  }

  #arm(delayMs: number): void {
    this.#timer = this.#world.after('idle', delayMs, () => {
      this.#timer = null;
      if (this.#since === null || this.#ended) return;
      const left = this.#limitMs - (this.#world.steadyMs() - this.#since);
      if (left > 0) this.#arm(left);
      else this.#expire();
    });
  }
}
