import type { ImportedFile } from '../../ingest/stdf/import.ts';
import type { Guard } from '../guard.ts';
import type { IntakeObserver, IntakeSource } from '../observed-intake.ts';
import { LATENCY_SECONDS } from './buckets.ts';
import type { MetricSet } from './metric-set.ts';

/** How many are open of each kind. */
export interface OpenWork {
  /** Streams of testers and uploads of files. */
  readonly streams: () => number;
  readonly subscriptions: () => number;
  /** Clients that read results back. */
  readonly reads: () => number;
}

/** What is told of intake, besides batches. */
export interface IntakeMetrics extends IntakeObserver {
  /** Results of a stream were sent again and found equal. */
  resent(results: number): void;
  /** A file was taken, or could not be: null. */
  file(imported: ImportedFile | null): void;
}

const SOURCES: readonly [IntakeSource][] = [['stream'], ['file']];

type FileOutcome = 'whole' | 'incomplete' | 'refused';
const FILE_OUTCOMES: readonly [FileOutcome][] = [['whole'], ['incomplete'], ['refused']];

/** Metrics of what testers and files hand in. */
export function intakeMetrics(metrics: MetricSet, open: OpenWork, guard: Guard): IntakeMetrics {
  const results = metrics.counter(
    'wafersync_intake_results_total',
    'Results that became durable here for the first time.',
    ['source'],
    SOURCES,
  );
  const attempts = metrics.counter(
    'wafersync_intake_attempts_total',
    'Attempts that became durable here for the first time.',
    ['source'],
    SOURCES,
  );
  const known = metrics.counter(
    'wafersync_intake_known_attempts_total',
    'Attempts that were handed in and known already.',
    ['source'],
    SOURCES,
  );
  const resent = metrics.counter(
    'wafersync_intake_resent_results_total',
    'Results that a stream sent again, with the content that is durable.',
    [],
  );
  const refused = metrics.counter(
    'wafersync_intake_refused_batches_total',
    'Batches that could not be made durable, by code of the error; bad input is counted by wafersync_calls_total.',
    ['source', 'code'],
  );
  const files = metrics.counter(
    'wafersync_intake_files_total',
    'Files that were taken whole, taken as far as they went, or refused.',
    ['outcome'],
    FILE_OUTCOMES,
  );
  const acknowledged = metrics.histogram(
    'wafersync_intake_acknowledgement_seconds',
    'From handing a batch of results over to its commit on disk, the wait for room included.',
    LATENCY_SECONDS,
    ['source'],
  );
  metrics.gauge(
    'wafersync_intake_open_streams',
    'Streams of testers and uploads that are open.',
    open.streams,
  );
  metrics.gauge(
    'wafersync_open_subscriptions',
    'Clients that watch wafers, results or the node.',
    open.subscriptions,
  );
  metrics.gauge('wafersync_open_reads', 'Clients that read stored results back.', open.reads);
  return {
    guard,
    written({ source, receipt, tookMs }) {
      results.add(receipt.addedResults, source);
      attempts.add(receipt.added, source);
      known.add(receipt.known, source);
      acknowledged(tookMs / 1000, source);
    },
    refused: (source, { code }) => refused.add(1, source, code),
    resent: guard((count: number) => resent.add(count)),
    file: guard((imported: ImportedFile | null) => files.add(1, outcomeOf(imported))),
  };
}

function outcomeOf(imported: ImportedFile | null): FileOutcome {
  if (imported === null) return 'refused';
  const whole = imported.leftOut.length === 0 && imported.runs.every(({ complete }) => complete);
  return whole ? 'whole' : 'incomplete';
}
