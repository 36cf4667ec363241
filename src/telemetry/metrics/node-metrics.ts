import type { EndedCall } from '../../api/call-observer.ts';
import { formatEpoch, type Origin } from '../../clocks/dot.ts';
import type { Log } from '../../log.ts';
import type { Unsubscribe } from '../../replica/event-source.ts';
import type { World } from '../../world.ts';
import { guardOf, type ObserverName } from '../guard.ts';
import { callMetrics } from './call-metrics.ts';
import { type CommitMetricsParts, commitMetrics } from './commit-metrics.ts';
import { type DocumentMetricsParts, documentMetrics } from './document-metrics.ts';
import { type IntakeMetrics, intakeMetrics, type OpenWork } from './intake-metrics.ts';
import { type LogMetricsParts, logMetrics } from './log-metrics.ts';
import { MetricSet } from './metric-set.ts';
import { type PeerMetricsParts, peerMetrics } from './peer-metrics.ts';
import { processMetrics } from './process-metrics.ts';
import { type StorageMetricsParts, storageMetrics } from './storage-metrics.ts';
import { type VerifyMetricsParts, verifyMetrics } from './verify-metrics.ts';

/** What all metrics are read from. */
export interface NodeMetricsParts
  extends LogMetricsParts,
    PeerMetricsParts,
    DocumentMetricsParts,
    StorageMetricsParts,
    VerifyMetricsParts {
  readonly replica: LogMetricsParts['replica'] & CommitMetricsParts;
  readonly store: LogMetricsParts['store'] &
    PeerMetricsParts['store'] &
    DocumentMetricsParts['store'] &
    StorageMetricsParts['store'] & { readonly origin: Origin };
  readonly sync: LogMetricsParts['sync'] & PeerMetricsParts['sync'] & StorageMetricsParts['sync'];
  readonly world: Pick<World, 'nowMs' | 'steadyMs'>;
  readonly open: OpenWork;
  /** gRPC calls that are open. */
  readonly openCalls: () => number;
  /** Version of the program. */
  readonly version: string;
  readonly log: Log;
}

/** All metrics of a node. */
export interface NodeMetrics {
  readonly set: MetricSet;
  readonly intake: IntakeMetrics;
  /** Counts that an observer failed. */
  readonly failed: (observer: ObserverName) => void;
  /** To be told of gRPC calls that are over. */
  readonly ended: (call: EndedCall) => void;
  /** Listens no more. */
  stop(): void;
}

/** Makes the metrics of a node, and listens to it from now on. */
export function nodeMetrics(parts: NodeMetricsParts): NodeMetrics {
  const set = new MetricSet(parts.log);
  const failures = set.counter(
    'wafersync_observer_failures_total',
    'Events that metrics or traces could not take note of, by a bug; what the events tell of is not changed by that.',
    ['kind'],
    [['metrics'], ['traces']],
  );
  const failed = (observer: ObserverName) => failures.add(1, observer);
  const guard = guardOf({ ...parts, observer: 'metrics', failed: () => failed('metrics') });
  const { store, version } = parts;
  set.gauges(
    'wafersync_node_info',
    '1; its labels say which node this is.',
    ['fab', 'epoch', 'version'],
    () => [[1, store.origin.fab, formatEpoch(store.origin.epoch), version]],
  );
  peerMetrics(set, parts);
  documentMetrics(set, parts);
  storageMetrics(set, parts);
  const unsubscribes: Unsubscribe[] = [
    logMetrics(set, parts, guard),
    commitMetrics(set, parts.replica, guard),
    processMetrics(set, parts.world),
    verifyMetrics(set, parts, guard),
  ];
  return {
    set,
    failed,
    intake: intakeMetrics(set, parts.open, guard),
    ended: guard(callMetrics(set, parts.openCalls)),
    stop: () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
    },
  };
}
