import { WafersyncError } from '../errors.ts';
import { wafersync } from '../gen/wafersync.js';
import type { RunRecord } from '../wafer/run.ts';
import { fromNumber, toNumber } from './long.ts';

const { RunRecord: Message, RunSource } = wafersync.v1;

/** Message of a run record. */
export function toRunRecordMessage(record: RunRecord): wafersync.v1.RunRecord.$Properties {
  return {
    source: record.source === 'file' ? RunSource.RUN_SOURCE_FILE : RunSource.RUN_SOURCE_STREAM,
    attempts: fromNumber(record.attempts),
    results: fromNumber(record.results),
    complete: record.complete,
    incomplete_reason: record.incompleteReason,
    orphan_results: fromNumber(record.orphanResults),
    file_name: record.fileName,
    content_digest: Buffer.from(record.contentDigest, 'hex'),
    equipment_id: record.equipmentId,
    stream_id: record.streamId,
    product: record.product,
    job_name: record.jobName,
    job_revision: record.jobRevision,
    records: record.records.map(([name, count]) => ({ name, count: fromNumber(count) })),
    lot: record.lot,
    final: record.final,
  };
}

/** Run record of a message. */
export function fromRunRecordMessage(message: wafersync.v1.RunRecord.$Properties): RunRecord {
  return {
    source: message.source === RunSource.RUN_SOURCE_STREAM ? 'stream' : 'file',
    lot: message.lot ?? '',
    attempts: toNumber(message.attempts),
    results: toNumber(message.results),
    complete: message.complete ?? false,
    incompleteReason: message.incomplete_reason ?? '',
    orphanResults: toNumber(message.orphan_results),
    fileName: message.file_name ?? '',
    contentDigest: Buffer.from(message.content_digest ?? []).toString('hex'),
    equipmentId: message.equipment_id ?? '',
    streamId: message.stream_id ?? '',
    product: message.product ?? '',
    jobName: message.job_name ?? '',
    jobRevision: message.job_revision ?? '',
    records: (message.records ?? []).map(({ name, count }) => [name ?? '', toNumber(count)] as const),
    final: message.final ?? false,
  };
}

/** Payload of a run update. */
export function encodeRunRecord(record: RunRecord): Uint8Array {
  return Message.encode(toRunRecordMessage(record)).finish();
}

/** Run record of a payload. @throws WafersyncError `damaged` */
export function decodeRunRecord(payload: Uint8Array): RunRecord {
  try {
    return fromRunRecordMessage(Message.decode(payload));
  } catch (error) {
    throw WafersyncError.from(error, 'damaged', 'a run record cannot be read');
  }
}

/** Whether two records say the same. */
export function sameRunRecord(a: RunRecord, b: RunRecord): boolean {
  return Buffer.compare(encodeRunRecord(a), encodeRunRecord(b)) === 0;
}
