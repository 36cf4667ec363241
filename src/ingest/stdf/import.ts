import { WafersyncError } from '../../errors.ts';
import type { Intake } from '../../wafer/intake.ts';
import { fileRunId, type RunId } from '../../wafer/run.ts';
import type { WaferKey } from '../../wafer/wafer-key.ts';
import { changed, readAttempts } from './attempts.ts';
import { BatchWriter } from './batch-writer.ts';
import { type LeftOut, LeftOutList } from './left-out.ts';
import { lotOf, runRecord, startedAtUs, waferKeys } from './run-facts.ts';
import type { StdfScan } from './scan.ts';
import { type ScannedStream, scanMember } from './scan-member.ts';
import { openStdf, type StdfMember, type StdfStream } from './stdf-file.ts';
import { WaferBatches } from './wafer-batches.ts';

/** Runs of one file from which on the rest of an archive is left out. */
const MAX_RUNS = 4_096;

/** How a file is taken in. */
export interface ImportOptions {
  /** Name of the file without folders, for messages and the run's record. */
  readonly fileName: string;
  /** Time zone of the fab's testers, an IANA name. */
  readonly timeZone: string;
  readonly intake: Intake;
  /** Lot, where the file's own is not to count. */
  readonly lot?: string | undefined;
  /** Whether the verdicts in it are final: they are meant to stand. */
  readonly final?: boolean | undefined;
  /** Stops reading; what is under way ends first. */
  readonly signal?: AbortSignal | undefined;
}

/** What became of a file. */
export interface ImportedFile {
  /** A run for each STDF stream in it, in their order; at least one. */
  readonly runs: readonly ImportSummary[];
  /** What was not taken of an archive. */
  readonly leftOut: readonly LeftOut[];
}

/** What became of an STDF stream. */
export interface ImportSummary {
  readonly runId: RunId;
  /** Name of the file; of a stream that is not the only one in it, see {@link StdfStream}. */
  readonly fileName: string;
  /** Wafers that the stream has attempts of, in order of the first. */
  readonly wafers: readonly WaferKey[];
  /** Attempts in the stream, known before or not. */
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
 * over in batches. Resolves when all of it is durable. Handing it in again adds nothing. A file may hold several STDF
 * streams, and an archive several files: each is a run of its own, the same as if it had been handed in alone.
 * @param path the file, which must stay as it is meanwhile
 * @throws WafersyncError `invalid` if there is no STDF in it or its lot is unusable; `not-found`, `unavailable`, `cancelled`;
 * whatever the intake throws, attempts that came before then being durable
 */
export async function importStdf(path: string, options: ImportOptions): Promise<ImportedFile> {
  const file = await openStdf(path, options.fileName);
  const leftOut = new LeftOutList(file, options.fileName);
  const runs: ImportSummary[] = [];
  for (const member of file.members) {
    try {
      if (runs.length >= MAX_RUNS) throw tooManyRuns(member.name);
      for await (const run of importMember(member, options)) runs.push(run);
    } catch (error) {
      leftOut.add(member.name, error);
    }
  }
  return { runs, leftOut: leftOut.finish(runs.length) };
}

async function* importMember(member: StdfMember, options: ImportOptions): AsyncGenerator<ImportSummary> {
  const scanned = await scanMember(member, options.signal);
  let taken = 0;
  for await (const stream of member.streams()) {
    const known = scanned[taken++];
    if (!known) throw changed(member.name);
    yield await importStream(stream, known, options);
  }
  if (taken < scanned.length) throw changed(member.name);
}

async function importStream(
  stream: StdfStream,
  { scan, program }: ScannedStream,
  options: ImportOptions,
): Promise<ImportSummary> {
  const { intake } = options;
  const lot = lotOf(scan, options.lot);
  const id = fileRunId(scan.contentDigest, lot);
  const run = { id, startedAtUs: intake.runStart(id) ?? startedAtUs(scan, options.timeZone) };
  const keys = waferKeys(scan, lot, id);
  const writer = new BatchWriter(intake, { run, program, wafers: keys });
  await writeAttempts(stream, scan, writer, options);
  const record = runRecord(
    scan,
    { lot, fileName: stream.name, final: options.final ?? false },
    writer.refused,
  );
  await intake.recordRun(run, record);
  return {
    runId: id,
    fileName: stream.name,
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
  stream: StdfStream,
  scan: StdfScan,
  writer: BatchWriter,
  { signal }: ImportOptions,
): Promise<void> {
  const batches = new WaferBatches();
  const unassigned = scan.wafers.length;
  try {
    for await (const { wafer, attempt } of readAttempts(stream, scan, signal)) {
      for (const batch of batches.add(wafer ?? unassigned, attempt)) await writer.write(batch);
    }
    for (const batch of batches.rest()) await writer.write(batch);
  } finally {
    await writer.settle();
  }
  await writer.finish();
  refuseIfNothingTaken(scan, writer, stream.name);
}

function tooManyRuns(name: string): WafersyncError {
  return new WafersyncError('invalid', `${name} stands behind ${MAX_RUNS} runs of the same file`, {
    hint: 'Hand it in as a file of its own.',
  });
}

function refuseIfNothingTaken(scan: StdfScan, { refused }: BatchWriter, fileName: string): void {
  if (refused.attempts === 0 || refused.attempts < scan.attempts) return;
  throw new WafersyncError('invalid', `no attempt of ${fileName} was taken: ${refused.reason}`, {
    hint: 'Every attempt was refused; split the test program, or hand in what can be stored.',
  });
}
