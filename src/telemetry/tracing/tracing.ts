import { guardOf } from '../guard.ts';
import type { IntakeObserver } from '../observed-intake.ts';
import { OpenTelemetry, type OpenTelemetryOptions } from './open-telemetry.ts';
import { type TracedReplica, UpdateTracer } from './update-tracer.ts';

/** Tracing under way. */
export interface Tracing {
  readonly observer: IntakeObserver;
  /** Ends it; what waits is sent as far as it is taken soon. */
  stop(): Promise<void>;
}

/** Begins to trace the updates of a replica. @param options `failed`: told of each event that could not be traced */
export function startTracing(
  replica: TracedReplica,
  options: OpenTelemetryOptions & { readonly failed: () => void },
): Tracing {
  const sink = new OpenTelemetry(options);
  const guard = guardOf({ ...options, observer: 'traces' });
  const tracer = new UpdateTracer(sink, options.world, guard);
  const unsubscribe = tracer.follow(replica);
  return {
    observer: tracer,
    async stop() {
      unsubscribe();
      await sink.close();
    },
  };
}
