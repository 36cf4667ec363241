import { WafersyncError } from '../../errors.ts';
import type { Intake } from '../../wafer/intake.ts';
import { makeProgram } from '../../wafer/program-codec.ts';
import { fileRunId, type RunId } from '../../wafer/run.ts';
import type { WaferKey } from '../../wafer/wafer-key.ts';
import { readAttempts } from './attempts.ts';
import { BatchWriter } from './batch-writer.ts';
import { lotOf, runRecord, startedAtUs, waferKeys } from './run-facts.ts';
import { type StdfScan, scanStdf } from './scan.ts';
import { WaferBatches } from './wafer-batches.ts';

/** How a file is taken in. */
export interface ImportOptions {
  /** Name of the file without folders, for messages and the run's record. */
  readonly fileName: string;
  /** Time zone of the fab's testers, an IANA name. */
  readonly timeZone: string;
  readonly intake: Intake;
  /** Lot, where the file's own is not to count. */
  readonly lot?: string | undefined;
  /** Stops reading; what is under way ends first. */
  readonly signal?: AbortSignal | undefined;
}

/** What became of a file. */
export interface ImportSummary {
  readonly runId: RunId;
  /** Wafers that the file has attempts of, in order of the first. */
  readonly wafers: readonly WaferKey[];
  /** Attempts in the file, known before or not. */
  readonly attempts: number;
  /** Results in those attempts. */
  readonly results: number;
  /** Attempts that were not known before. */
  readonly added: number;
  readonly complete: boolean;
  /** Why it is not complete; empty where it is. */
  readonly incompleteReason: string;
  /** Results that belong to no attempt. */
  readonly orphanResults: number;
}

/**
 * Takes an STDF V4 file in. It is read twice: for its identity and its test program, then for its attempts, which are handed
 * over in batches. Resolves when all of it is durable. Handing it in again adds nothing.
 * @param path the file, which must stay as it is meanwhile
 * @throws WafersyncError `invalid` if it is not STDF or its lot is unusable; `not-found`, `unavailable`, `cancelled`; whatever the intake
 * throws, attempts that came before then being durable
 */
export async function importStdf(path: string, options: ImportOptions): Promise<ImportSummary> {
  const { fileName, intake, signal } = options;
  const scan = await scanStdf(path, fileName, signal);
  const lot = lotOf(scan, options.lot);
  const id = fileRunId(scan.contentDigest, lot);
  const run = { id, startedAtUs: intake.runStart(id) ?? startedAtUs(scan, options.timeZone) };
  const keys = waferKeys(scan, lot, id);
  const writer = new BatchWriter(intake, { run, program: makeProgram(scan.tests), wafers: keys });
  await writeAttempts(path, scan, writer, options);
  const record = runRecord(scan, lot, fileName, writer.refused);
  await intake.closeRun(run, record);
  return {
    runId: id,
    wafers: writer.written.map((ordinal) => keys[ordinal]!),
    attempts: record.attempts,
    results: record.results,
    added: writer.added,
    complete: record.complete,
    incompleteReason: record.incompleteReason,
    orphanResults: record.orphanResults,
  };
}

async function writeAttempts(
  path: string,
  scan: StdfScan,
  writer: BatchWriter,
  { fileName, signal }: ImportOptions,
): Promise<void> {
  const batches = new WaferBatches();
  const unassigned = scan.wafers.length;
  try {
    for await (const { wafer, attempt } of readAttempts(path, fileName, scan, signal)) {
      for (const batch of batches.add(wafer ?? unassigned, attempt)) await writer.write(batch);
    }
    for (const batch of batches.rest()) await writer.write(batch);
  } finally {
    await writer.settle();
  }
  await writer.finish();
  refuseIfNothingTaken(scan, writer, fileName);
}

function refuseIfNothingTaken(scan: StdfScan, { refused }: BatchWriter, fileName: string): void {
  if (refused.attempts === 0 || refused.attempts < scan.attempts) return;
  throw new WafersyncError('invalid', `no attempt of ${fileName} was taken: ${refused.reason}`, {
    hint: 'Every attempt was refused; split the test program, or hand in what can be stored.',
  });
}
