import type { SentBackups } from '../../api/backup-service.ts';
import { timestampMs } from '../../clocks/hlc.ts';
import type { Scrub } from '../../replica/scrub.ts';
import type { StorageView } from '../../replica/storage-watch.ts';
import type { WalView } from '../../replica/wal-watch.ts';
import { diskSpaceLater } from '../../store/disk-space.ts';
import type { Store } from '../../store/store.ts';
import type { SyncRunner } from '../../sync/sync-runner.ts';
import type { World } from '../../world.ts';
import type { MetricSet } from './metric-set.ts';

/** What is read. */
export interface StorageMetricsParts {
  readonly store: Pick<Store, 'sizes' | 'files' | 'lastTimestamp'>;
  /** Path of the database. */
  readonly database: string;
  readonly storage: { view(): StorageView };
  readonly wal: { view(): WalView };
  readonly sync: Pick<SyncRunner, 'fenced'>;
  /** Why nothing is taken in for maintenance; null where it is. */
  readonly drain: { readonly why: unknown };
  readonly backups: Pick<SentBackups, 'lastMs'>;
  readonly scrub: Pick<Scrub, 'passes' | 'progress'>;
  readonly world: Pick<World, 'nowMs'>;
}

/** Metrics of whether the node takes anything in, of its database, its disk and its clock. */
export function storageMetrics(metrics: MetricSet, parts: StorageMetricsParts): void {
  const { store, storage, sync, drain, scrub, world, backups } = parts;
  const view = metrics.shared(() => storage.view());
  metrics.gauge(
    'wafersync_serving',
    '1 while the node takes results and edits in, as its health tells; 0 while its disk is full, it is fenced or drained.',
    () => Number(!view().full && sync.fenced === null && drain.why === null),
  );
  metrics.gauge('wafersync_storage_full', '1 while the disk is full, else 0.', () => Number(view().full));
  metrics.gauge(
    'wafersync_storage_refused_writes',
    'Writes refused since it is full; 0 while it is not.',
    () => view().refused,
  );
  metrics.gauge('wafersync_drained', '1 while the node is drained for maintenance, else 0.', () =>
    Number(drain.why !== null),
  );
  metrics.gauge(
    'wafersync_fenced',
    '1 once another database of this fab is running and this one takes no part any more, else 0.',
    () => Number(sync.fenced !== null),
  );
  databaseMetrics(metrics, parts);
  metrics.gauges(
    'wafersync_backup_timestamp_seconds',
    'When the last backup was made that was sent whole since the start, seconds since 1970; absent before one was.',
    [],
    () => (backups.lastMs === null ? [] : [[backups.lastMs / 1000]]),
  );
  metrics.total(
    'wafersync_scrub_passes_total',
    'How often the whole log was read through to find what has rotted.',
    () => scrub.passes,
  );
  metrics.gauge(
    'wafersync_scrub_progress_ratio',
    'How much of the log the present pass has read, 0 to 1.',
    () => scrub.progress,
  );
  metrics.gauge(
    'wafersync_hybrid_clock_ahead_seconds',
    'How far the hybrid clock, which never goes back, is ahead of the clock of the machine.',
    () => Math.max(0, timestampMs(store.lastTimestamp()) - world.nowMs()) / 1000,
  );
}

function databaseMetrics(metrics: MetricSet, { store, wal, database }: StorageMetricsParts): void {
  const sizes = metrics.shared(() => store.sizes.now());
  const disk = metrics.shared(() => diskSpaceLater(database));
  metrics.gauge(
    'wafersync_database_bytes',
    'The database, without its write-ahead log.',
    () => sizes().database,
  );
  metrics.gauge(
    'wafersync_database_free_bytes',
    'What of the database is free, and used again before it grows.',
    () => sizes().free,
  );
  metrics.gauge('wafersync_wal_bytes', 'The file of the write-ahead log.', () => store.files().walBytes);
  metrics.gauge(
    'wafersync_wal_unmoved_bytes',
    'What of the write-ahead log no checkpoint has moved into the database yet.',
    () => sizes().unmoved,
  );
  metrics.gauge(
    'wafersync_wal_stuck',
    '1 while another program that reads the database keeps the write-ahead log from being written back, else 0.',
    () => Number(wal.view().stuck),
  );
  metrics.gauge(
    'wafersync_disk_free_bytes',
    'What is free for the node on the disk of its database.',
    async () => (await disk()).freeBytes,
  );
  metrics.gauge(
    'wafersync_disk_size_bytes',
    'Size of the disk of the database.',
    async () => (await disk()).sizeBytes,
  );
}
