import type { RunRecord } from '../wafer/run.ts';
import type { Value } from './connection.ts';

/** Columns of runs that a run record fills, in the order of {@link recordValues}. */
export const RECORD_COLUMNS = [
  'source',
  'lot',
  'record_attempts',
  'record_results',
  'complete',
  'incomplete_reason',
  'orphan_results',
  'file_name',
  'content_digest',
  'equipment_id',
  'stream_id',
  'product',
  'job_name',
  'job_revision',
  'records',
] as const;

/** The columns as they come from the database; all are NULL while a run goes on. */
export interface RecordRow {
  readonly source: RunRecord['source'] | null;
  readonly lot: string;
  readonly record_attempts: number;
  readonly record_results: number;
  readonly complete: number;
  readonly incomplete_reason: string;
  readonly orphan_results: number;
  readonly file_name: string;
  readonly content_digest: string;
  readonly equipment_id: string;
  readonly stream_id: string;
  readonly product: string;
  readonly job_name: string;
  readonly job_revision: string;
  readonly records: string;
  /** 1 where any record of the run marks it final. */
  readonly final: number;
}

/** A record as column values. */
export function recordValues(record: RunRecord): Value[] {
  return [
    record.source,
    record.lot,
    record.attempts,
    record.results,
    record.complete ? 1 : 0,
    record.incompleteReason,
    record.orphanResults,
    record.fileName,
    record.contentDigest,
    record.equipmentId,
    record.streamId,
    record.product,
    record.jobName,
    record.jobRevision,
    JSON.stringify(record.records),
  ];
}

/** The record of a row; null where the run has none. */
export function recordOf(row: RecordRow): RunRecord | null {
  if (row.source === null) return null;
  return {
    source: row.source,
    lot: row.lot,
    attempts: row.record_attempts,
    results: row.record_results,
    complete: row.complete === 1,
    incompleteReason: row.incomplete_reason,
    orphanResults: row.orphan_results,
    fileName: row.file_name,
    contentDigest: row.content_digest,
    equipmentId: row.equipment_id,
    streamId: row.stream_id,
    product: row.product,
    jobName: row.job_name,
    jobRevision: row.job_revision,
    records: JSON.parse(row.records) as [string, number][],
    final: row.final === 1,
  };
}
