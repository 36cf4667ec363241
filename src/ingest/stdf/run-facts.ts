import { type RunId, type RunRecord, unnamedWaferId } from '../../wafer/run.ts';
import type { WaferKey } from '../../wafer/wafer-key.ts';
import type { Refused } from './batch-writer.ts';
import { localToUtcMs } from './local-time.ts';
import { MAX_PART_BYTES } from './part-joiner.ts';
import type { StdfScan } from './scan.ts';
import { isBlank } from './text.ts';

/** Lot of a file: as given by hand, else MIR LOT_ID as it stands; empty without either. */
export function lotOf(scan: StdfScan, lot?: string): string {
  return lot ?? mirText(scan, 'LOT_ID');
}

/** Insertion: MIR TEST_COD, else FLOW_ID. Never RTST_COD, which tells a retest of the same insertion. */
export function insertionOf(scan: StdfScan): string {
  const testCode = mirText(scan, 'TEST_COD');
  if (!isBlank(testCode)) return testCode;
  const flow = mirText(scan, 'FLOW_ID');
  return isBlank(flow) ? '' : flow;
}

/**
 * When the run started, microseconds since 1970-01-01T00:00:00Z: MIR START_T, else SETUP_T, else the START_T of the
 * first WIR that has one, else 0. STDF times are local; 0 means not known.
 */
export function startedAtUs(scan: StdfScan, timeZone: string): number {
  const wafers = scan.wafers.map((wafer) => wafer.startSeconds);
  const seconds = [scan.mir?.START_T, scan.mir?.SETUP_T, ...wafers].find((time) => time);
  return seconds ? localToUtcMs(Number(seconds), timeZone) * 1000 : 0;
}

/**
 * Keys of the file's wafers by ordinal, and at the end one for parts outside of any. A wafer without an id, or with
 * blanks for one, is named after the run.
 */
export function waferKeys(scan: StdfScan, lot: string, run: RunId): WaferKey[] {
  const insertion = insertionOf(scan);
  const ids = [...scan.wafers.map((wafer) => wafer.waferId), ''];
  return ids.map((id, ordinal) => ({
    lot,
    waferId: isBlank(id) ? unnamedWaferId(run, ordinal) : id,
    insertion,
  }));
}

/** What is known of the run. */
export function runRecord(
  scan: StdfScan,
  { lot, fileName, final }: Pick<RunRecord, 'lot' | 'fileName' | 'final'>,
  refused: Refused,
): RunRecord {
  const incompleteReason = whyIncomplete(scan, refused);
  return {
    source: 'file',
    lot,
    attempts: scan.attempts - refused.attempts,
    results: scan.results - refused.results,
    complete: incompleteReason === '',
    incompleteReason,
    orphanResults: scan.orphanResults,
    fileName,
    contentDigest: scan.contentDigest,
    equipmentId: mirText(scan, 'NODE_NAM'),
    streamId: '',
    product: mirText(scan, 'PART_TYP'),
    jobName: mirText(scan, 'JOB_NAM'),
    jobRevision: mirText(scan, 'JOB_REV'),
    records: scan.records,
    final,
  };
}

/** Why a run does not hold all that was tested, in words; empty if it does. */
function whyIncomplete(scan: StdfScan, refused: Refused): string {
  const reasons: string[] = [];
  if (scan.damage) reasons.push(`${scan.damage.reason} after ${scan.damage.at} inflated bytes`);
  if (scan.truncated) {
    const { at, type } = scan.truncated;
    reasons.push(`cut inside a ${type ? `${type} record` : 'record header'} at byte ${at} of ${scan.bytes}`);
  } else if (!scan.hasMrr) reasons.push('the file ends without an MRR record');
  const { unfinishedParts, oversizeParts } = scan;
  if (unfinishedParts > 0) {
    reasons.push(
      `${count(unfinishedParts, 'part')} had not ended (${count(scan.unfinishedResults, 'result')})`,
    );
  }
  if (oversizeParts > 0) {
    const held = MAX_PART_BYTES / 2 ** 20;
    reasons.push(
      `left out ${count(oversizeParts, 'part')} of more than ${held} MiB (${count(scan.oversizeResults, 'result')})`,
    );
  }
  if (refused.attempts > 0) reasons.push(`left out ${count(refused.attempts, 'attempt')}: ${refused.reason}`);
  return reasons.join('; ');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function mirText(scan: StdfScan, field: string): string {
  return String(scan.mir?.[field] ?? '');
}
