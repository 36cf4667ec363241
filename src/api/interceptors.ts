import type { ServerInterceptor } from '@grpc/grpc-js';
import type { Log } from '../log.ts';
import type { World } from '../world.ts';
import { guard } from './call-guard.ts';
import { limiter } from './call-limits.ts';
import { type EndedCall, observer } from './call-observer.ts';
import type { CallBounds } from './call-policy.ts';
import type { OpenCalls } from './open-call.ts';

/** What the interceptors need. */
export interface InterceptorOptions {
  readonly log: Log;
  readonly world: World;
  /** Where open calls are kept. */
  readonly calls: OpenCalls;
  /** Bounds of a method, by path. */
  readonly boundsOf: (path: string) => CallBounds;
  /** Told of each call that is over. */
  readonly ended?: (call: EndedCall) => void;
}

/**
 * What happens to every call, from the wire inwards: it is named, counted and logged; ended when it
 * takes too long; and answered with a status where its handler or its request is faulty.
 */
export function interceptors(options: InterceptorOptions): ServerInterceptor[] {
  return [observer(options), limiter(options), guard];
}
