import type { CommitOutcome } from '../../replica/commit.ts';
import type { Unsubscribe } from '../../replica/event-source.ts';
import type { Replica } from '../../replica/replica.ts';
import type { Guard } from '../guard.ts';
import { COUNTS, LATENCY_SECONDS } from './buckets.ts';
import type { MetricSet } from './metric-set.ts';

/** What is read and listened to. */
export interface CommitMetricsParts {
  readonly outcomes: Pick<Replica<unknown>['outcomes'], 'subscribe'>;
  readonly waiting: Replica<unknown>['waiting'];
}

/** Metrics of group commits. */
export function commitMetrics(metrics: MetricSet, replica: CommitMetricsParts, guard: Guard): Unsubscribe {
  const seconds = metrics.histogram(
    'wafersync_commit_seconds',
    'How long commits took, their sync to disk and any checkpoint included.',
    LATENCY_SECONDS,
  );
  const jobs = metrics.histogram('wafersync_commit_jobs', 'Writers that shared a commit.', COUNTS);
  const failures = metrics.counter(
    'wafersync_commit_failures_total',
    'Commits of which nothing is stored, by code of the error.',
    ['code'],
  );
  metrics.gauge('wafersync_commit_queue_jobs', 'Writes that wait for a commit.', () => replica.waiting.jobs);
  metrics.gauge('wafersync_commit_queue_bytes', 'Bytes that wait for a commit.', () => replica.waiting.bytes);
  const told = (outcome: CommitOutcome) => {
    if (outcome.error) failures.add(1, outcome.error.code);
    if (outcome.timing === null) return;
    seconds(outcome.timing.tookMs / 1000);
    jobs(outcome.jobs);
  };
  return replica.outcomes.subscribe(guard(told));
}
