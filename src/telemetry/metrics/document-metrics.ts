import type { Store } from '../../store/store.ts';
import type { RetentionView } from '../../sync/retention.ts';
import type { MetricSet } from './metric-set.ts';

/** What is read. */
export interface DocumentMetricsParts {
  readonly store: Pick<Store, 'conflicts' | 'documents' | 'forks' | 'purges'>;
  readonly retention: { view(): RetentionView };
}

/** Metrics of conflicts, forks and purges. */
export function documentMetrics(metrics: MetricSet, { store, retention }: DocumentMetricsParts): void {
  metrics.gauges(
    'wafersync_conflicts',
    'Conflicts that stand: open for a person, or ruled by a policy.',
    ['state'],
    () => [
      [store.conflicts.open, 'open'],
      [store.conflicts.ruled, 'ruled'],
    ],
  );
  metrics.gauge(
    'wafersync_rules_version',
    "Version of the mesh's rules by which conflicts are judged here.",
    () => store.documents.rules.version,
  );
  metrics.gauge(
    'wafersync_forked_updates',
    'Updates that gave way to others with the same numbers.',
    () => store.forks.count,
  );
  const purged = metrics.shared(() => store.purges.totals());
  metrics.gauge('wafersync_purges', 'Purges that are applied here.', () => purged().purges);
  metrics.gauge('wafersync_purged_updates', 'Updates that applied purges name.', () => purged().updates);
  metrics.gauge(
    'wafersync_purge_blocked_updates',
    'Updates that were old enough to be purged, and lacking at some member, when the node last looked.',
    () => retention.view().last?.outlook.blocked ?? 0,
  );
}
