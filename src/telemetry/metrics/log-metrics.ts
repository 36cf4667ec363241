import { timestampMs } from '../../clocks/hlc.ts';
import type { TransportVector } from '../../clocks/transport-vector.ts';
import type { Commit, Outcome } from '../../replica/commit.ts';
import type { Unsubscribe } from '../../replica/event-source.ts';
import type { Replica } from '../../replica/replica.ts';
import type { Store } from '../../store/store.ts';
import type { HoldReason } from '../../store/types.ts';
import type { PeerClocks } from '../../sync/peer-clocks.ts';
import { lagOf } from '../../sync/peer-lags.ts';
import type { Carrier } from '../../sync/sync-runner.ts';
import { type Update, updateBytes } from '../../wafer/update.ts';
import type { World } from '../../world.ts';
import type { Guard } from '../guard.ts';
import { PROPAGATION_SECONDS } from './buckets.ts';
import type { MetricSet, Sample } from './metric-set.ts';

/** What is read and listened to. */
export interface LogMetricsParts {
  readonly replica: { readonly commits: Pick<Replica<Carrier>['commits'], 'subscribe'> };
  readonly store: Pick<Store, 'log' | 'holds' | 'vectors' | 'stats'>;
  readonly sync: { readonly clocks: Pick<PeerClocks, 'offsetOf'> };
  readonly world: Pick<World, 'nowMs'>;
}

const HOLD_REASONS: readonly HoldReason[] = ['program', 'clock', 'kind', 'fold', 'purge'];

const OUTCOMES: readonly (Outcome | 'released')[] = [
  ...(['applied', 'held', 'known', 'forked', 'repaired'] as const),
  'released',
];

/** Metrics of the log, and of what is applied of it. */
export function logMetrics(
  metrics: MetricSet,
  { replica, store, sync, world }: LogMetricsParts,
  guard: Guard,
): Unsubscribe {
  readLog(metrics, store);
  const updates = metrics.counter(
    'wafersync_log_updates_total',
    'Updates that came into the log, by the fab where they were born.',
    ['fab', 'kind'],
  );
  const bytes = metrics.counter(
    'wafersync_log_bytes_total',
    'Bytes of the updates that came into the log, as they were sealed.',
    ['fab', 'kind'],
  );
  const outcomes = metrics.counter(
    'wafersync_apply_updates_total',
    'Updates that a commit dealt with: applied, held, known before, forked (refused), repaired, or released from being held.',
    ['outcome'],
    OUTCOMES.map((outcome) => [outcome]),
  );
  const seen = propagation(metrics, sync.clocks, world);
  const committed = ({ added, released, received }: Commit<Carrier>) => {
    for (const { update, token, applied } of added) {
      const { dot, kind } = update.header;
      updates.add(1, dot.fab, kind);
      bytes.add(updateBytes(update), dot.fab, kind);
      outcomes.add(1, applied ? 'applied' : 'held');
      if (token !== null && applied) seen(update);
    }
    for (const { outcome } of received) {
      if (outcome !== 'applied' && outcome !== 'held') outcomes.add(1, outcome);
    }
    for (const update of released) seen(update);
    if (released.length > 0) outcomes.add(released.length, 'released');
  };
  return replica.commits.subscribe(guard(committed));
}

function propagation(
  metrics: MetricSet,
  clocks: Pick<PeerClocks, 'offsetOf'>,
  world: Pick<World, 'nowMs'>,
): (update: Update) => void {
  const last = new Map<string, number>();
  const delays = metrics.histogram(
    'wafersync_propagation_seconds',
    'From the birth of an update at another fab to where it is visible here, the offset of the clocks taken out where it is known.',
    PROPAGATION_SECONDS,
    ['fab'],
  );
  metrics.gauges(
    'wafersync_lag_seconds',
    'From its birth to where it was visible here, of the last update of that fab, the offset of the clocks taken out where it is known.',
    ['fab'],
    () => [...last].map(([fab, seconds]): Sample => [seconds, fab]),
  );
  return ({ header: { dot, timestamp } }) => {
    const seconds = lagOf(timestampMs(timestamp), world.nowMs(), clocks.offsetOf(dot.fab)).ms / 1000;
    last.set(dot.fab, seconds);
    delays(seconds, dot.fab);
  };
}

function readLog(metrics: MetricSet, store: LogMetricsParts['store']): void {
  const stats = metrics.shared(() => store.stats());
  metrics.gauges(
    'wafersync_received_updates',
    'Updates that are here, by the fab where they were born.',
    ['fab'],
    () => byFab(store.vectors.received),
  );
  metrics.gauges(
    'wafersync_applied_updates',
    'Updates that are applied here, by the fab where they were born.',
    ['fab'],
    () => byFab(store.vectors.applied),
  );
  metrics.gauges(
    'wafersync_held_updates',
    'Updates that are here and held back, by reason; without those that somebody dropped.',
    ['reason'],
    () => {
      const held = store.log.heldByReason;
      return HOLD_REASONS.map((reason): Sample => [held.get(reason) ?? 0, reason]);
    },
  );
  metrics.gauge(
    'wafersync_dropped_updates',
    'Updates that are held, and that somebody said are not to be waited for.',
    () => store.holds.dropped,
  );
  metrics.gauge(
    'wafersync_damaged_updates',
    'Updates that have rotted here and have not come again.',
    () => stats().damaged,
  );
  metrics.gauge('wafersync_wafers', 'Wafers that have results here.', () => stats().wafers);
  metrics.gauge('wafersync_attempts', 'Attempts that are here.', () => stats().attempts);
  metrics.gauge(
    'wafersync_results',
    'Results that are or were here; a purge takes their values alone.',
    () => stats().results,
  );
}

function byFab(vector: TransportVector): Sample[] {
  const sizes = new Map<string, number>();
  for (const [{ fab }, set] of vector.entries()) sizes.set(fab, (sizes.get(fab) ?? 0) + set.size);
  return [...sizes].map(([fab, size]): Sample => [size, fab]);
}
