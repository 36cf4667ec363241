import type { EndedCall } from '../../api/call-observer.ts';
import { LATENCY_SECONDS } from './buckets.ts';
import type { MetricSet } from './metric-set.ts';

/** Metrics of gRPC calls; gives whom to tell of one that is over. */
export function callMetrics(metrics: MetricSet, open: () => number): (call: EndedCall) => void {
  const calls = metrics.counter(
    'wafersync_calls_total',
    'gRPC calls that are over, by name of their status.',
    ['method', 'status'],
  );
  const seconds = metrics.histogram(
    'wafersync_call_seconds',
    'How long unary gRPC calls took.',
    LATENCY_SECONDS,
    ['method'],
  );
  metrics.gauge('wafersync_open_calls', 'gRPC calls that are open, lanes of peers included.', open);
  return ({ method, status, streaming, durationMs }) => {
    calls.add(1, method, status);
    if (!streaming) seconds(durationMs / 1000, method);
  };
}
