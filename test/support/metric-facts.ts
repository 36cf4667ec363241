import { silentLog } from '../../src/log.ts';
import type { MetricFacts } from '../../src/telemetry/metrics/metric-set.ts';
import { type NodeMetricsParts, nodeMetrics } from '../../src/telemetry/metrics/node-metrics.ts';

/** What every metric of a node is. Nothing is read for it, so there need be no node. */
export function metricFacts(): readonly MetricFacts[] {
  const silent = { subscribe: () => () => {} };
  const replica = { commits: silent, outcomes: silent, waiting: { jobs: 0, bytes: 0 } };
  const verifier = { events: silent, durations: silent };
  const parts = {
    replica,
    verifier,
    log: silentLog,
    world: { nowMs: () => 0 },
    open: {},
    store: {},
    sync: {},
  };
  const { set, stop } = nodeMetrics(parts as unknown as NodeMetricsParts);
  stop();
  return set.facts;
}
