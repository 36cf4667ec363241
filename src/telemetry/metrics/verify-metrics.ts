import type { Unsubscribe } from '../../replica/event-source.ts';
import { isEqual, type PeerResult, type Verifier, type VerifyEvent } from '../../sync/verify/verifier.ts';
import type { Guard } from '../guard.ts';
import { VERIFY_SECONDS } from './buckets.ts';
import type { MetricSet, Sample } from './metric-set.ts';

/** What is read and listened to. */
export interface VerifyMetricsParts {
  readonly verifier: Pick<Verifier, 'view' | 'intervalWith'> & {
    readonly events: Pick<Verifier['events'], 'subscribe'>;
    readonly durations: Pick<Verifier['durations'], 'subscribe'>;
  };
}

/** Metrics of comparisons with other fabs. */
export function verifyMetrics(
  metrics: MetricSet,
  { verifier }: VerifyMetricsParts,
  guard: Guard,
): Unsubscribe {
  const peers = metrics.shared(() => verifier.view().peers);
  metrics.gauges(
    'wafersync_verify_equal_timestamp_seconds',
    'When nothing was last found different from the peer, seconds since 1970; absent where that was not since the start.',
    ['peer'],
    () => peers().flatMap(({ fab, equalMs }): Sample[] => (equalMs === null ? [] : [[equalMs / 1000, fab]])),
  );
  metrics.gauges(
    'wafersync_verify_interval_seconds',
    'How often this node compares itself with the peer unasked; absent where it does not.',
    ['peer'],
    () =>
      peers().flatMap(({ fab }): Sample[] => {
        const hours = verifier.intervalWith(fab);
        return hours === null ? [] : [[hours * 3_600, fab]];
      }),
  );
  const comparisons = metrics.counter(
    'wafersync_verify_comparisons_total',
    'Comparisons with the peer: found equal, found different, or failed.',
    ['peer', 'outcome'],
  );
  const different = metrics.counter(
    'wafersync_verify_different_subjects_total',
    "Wafers, runs and purges that were different from the peer's although both had applied the same.",
    ['peer'],
  );
  const findings = metrics.counter(
    'wafersync_verify_findings_total',
    'What was found wrong, here or at a peer: repaired, not-repaired, or left since no repair was asked for.',
    ['outcome'],
    [['repaired'], ['not-repaired'], ['left']],
  );
  const seconds = metrics.histogram(
    'wafersync_verify_seconds',
    'How long verifications took, with all peers of each.',
    VERIFY_SECONDS,
  );
  const told = (event: VerifyEvent) => {
    if (event.type === 'finding') findings.add(1, event.finding.outcome);
    if (event.type !== 'result') return;
    comparisons.add(1, event.result.fab, outcomeOf(event.result));
    different.add(event.result.different, event.result.fab);
  };
  const unsubscribes = [
    verifier.events.subscribe(guard(told)),
    verifier.durations.subscribe(guard((ms: number) => seconds(ms / 1000))),
  ];
  return () => {
    for (const unsubscribe of unsubscribes) unsubscribe();
  };
}

function outcomeOf(result: PeerResult): 'equal' | 'different' | 'failed' {
  if (result.error) return 'failed';
  return isEqual(result) ? 'equal' : 'different';
}
