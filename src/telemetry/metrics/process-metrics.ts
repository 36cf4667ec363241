import {
  constants,
  monitorEventLoopDelay,
  type PerformanceEntry,
  PerformanceObserver,
} from 'node:perf_hooks';
import type { Unsubscribe } from '../../replica/event-source.ts';
import type { World } from '../../world.ts';
import type { MetricSet } from './metric-set.ts';

/** How often the event loop is looked at, milliseconds. */
const RESOLUTION_MS = 10;

const GC_SECONDS = [0.001, 0.01, 0.1, 1];

const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak-callbacks',
};

/** What Node tells of a collection of garbage. */
type Collection = PerformanceEntry & { readonly detail: { readonly kind: number } };

/** Metrics of the process, by the names that others of their kind have. */
export function processMetrics(metrics: MetricSet, { nowMs }: Pick<World, 'nowMs'>): Unsubscribe {
  const memory = metrics.shared(() => process.memoryUsage());
  const startedMs = nowMs() - process.uptime() * 1000;
  metrics.total('process_cpu_seconds_total', 'CPU time that the process has used.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  metrics.gauge(
    'process_start_time_seconds',
    'When the process started, seconds since 1970.',
    () => startedMs / 1000,
  );
  metrics.gauge('process_resident_memory_bytes', 'Memory of the process.', () => memory().rss);
  metrics.gauge(
    'nodejs_heap_size_used_bytes',
    'What of the heap of JavaScript is used.',
    () => memory().heapUsed,
  );
  metrics.gauge(
    'nodejs_external_memory_bytes',
    'Memory of buffers outside the heap of JavaScript.',
    () => memory().external,
  );
  const stopDelays = eventLoopMetrics(metrics);
  const stopCollections = collectionMetrics(metrics);
  return () => {
    stopDelays();
    stopCollections();
  };
}

function eventLoopMetrics(metrics: MetricSet): Unsubscribe {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  const read = metrics.shared(() => {
    const told = [50, 99, 100].map((percent) => beyond(delays.percentile(percent)));
    delays.reset();
    return told;
  });
  const since = 'How much later than planned the event loop came round since the scrape before';
  metrics.gauge('nodejs_eventloop_lag_p50_seconds', `${since}: half of the times.`, () => read()[0]!);
  metrics.gauge('nodejs_eventloop_lag_p99_seconds', `${since}: 99 of 100 times.`, () => read()[1]!);
  metrics.gauge('nodejs_eventloop_lag_max_seconds', `${since}: at most.`, () => read()[2]!);
  return () => {
    delays.disable();
  };
}

/** What is beyond the time between two looks, in seconds. */
function beyond(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
}

function collectionMetrics(metrics: MetricSet): Unsubscribe {
  const seconds = metrics.histogram(
    'nodejs_gc_duration_seconds',
    'How long collections of garbage took.',
    GC_SECONDS,
    ['kind'],
  );
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as Collection).detail;
      seconds(entry.duration / 1000, GC_KINDS[kind] ?? 'other');
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}
