import { join } from 'node:path';
import { type ErrorCode, WafersyncError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { formatWafer } from '../../wafer/wafer-key.ts';
import type { ImportedFile, ImportSummary } from '../stdf/import.ts';
import { lookAt } from './look.ts';
import { putAway } from './put-away.ts';
import { type FileState, isSame } from './settling.ts';

/** Takes a file into the store; resolves when all of it is durable. `name` is the file's, for messages. */
export type ImportFile = (path: string, name: string, signal: AbortSignal) => Promise<ImportedFile>;

/** How a file is taken. */
export interface TakeOptions {
  /** The drop folder. */
  readonly folder: string;
  readonly importFile: ImportFile;
  /** Largest file that is taken. */
  readonly maxBytes: number;
  readonly log: Log;
  /** The node stops. */
  readonly signal: AbortSignal;
}

/**
 * What became of a file: it was moved away, it was written to meanwhile, or it has to wait, alone or with all others
 * because the disk is full.
 */
export type Taken = 'moved' | 'changed' | 'waits' | 'full';

/** Failures that are the file's own, or would come again each time; the others may pass. */
const FILE_FAILURES: readonly ErrorCode[] = ['invalid', 'conflict', 'internal'];

/**
 * Takes a file of the drop folder and moves it away. A crash in between does no harm: taken again, the same file adds
 * nothing.
 */
export async function takeFile(name: string, state: FileState, options: TakeOptions): Promise<Taken> {
  const { log, folder, signal } = options;
  try {
    const { outcome, reason } = await verdictOn(name, state, options);
    const now = await lookAt(join(folder, name));
    if (now.kind === 'gone') return 'moved';
    if (now.kind !== 'file' || !isSame(now.state, state)) return 'changed';
    const kept = await putAway(folder, name, outcome, reason);
    log.info('folder.moved', { file: name, to: `${outcome}/${kept}`, ...(reason ? { reason } : {}) });
    return 'moved';
  } catch (thrown) {
    const error = WafersyncError.from(thrown, 'unavailable', `${name} cannot be moved away`);
    if (signal.aborted) return 'waits';
    if (error.code === 'precondition' || error.code === 'not-found') return 'changed';
    log.warn('folder.waits', { file: name }, error);
    return error.code === 'exhausted' ? 'full' : 'waits';
  }
}

interface Verdict {
  readonly outcome: 'done' | 'failed';
  /** For people; empty where there is nothing to say. */
  readonly reason: string;
}

/** @throws WafersyncError where the node cannot take it now, or the file changed */
async function verdictOn(name: string, state: FileState, options: TakeOptions): Promise<Verdict> {
  const { folder, importFile, maxBytes, log, signal } = options;
  log.debug('folder.taking', { file: name, bytes: state.size });
  try {
    if (state.size > maxBytes) throw tooLarge(name, maxBytes);
    const file = await importFile(join(folder, name), name, signal);
    for (const run of file.runs) logRun(log, name, run);
    return { outcome: 'done', reason: remarksOn(file) };
  } catch (thrown) {
    const error = WafersyncError.from(thrown);
    if (!FILE_FAILURES.includes(error.code)) throw error;
    log.warn('folder.failed', { file: name }, error);
    return { outcome: 'failed', reason: error.line };
  }
}

function logRun(log: Log, file: string, run: ImportSummary): void {
  const { runId, fileName, wafers, attempts, results, added, complete, incompleteReason, orphanResults } =
    run;
  log.info('folder.taken', {
    file,
    run: runId,
    ...(fileName === file ? {} : { part: fileName }),
    ...(wafers[0] ? { wafer: formatWafer(wafers[0]) } : {}),
    ...{ wafers: wafers.length, attempts, results, added_attempts: added, complete },
    ...(complete ? {} : { incomplete_reason: incompleteReason }),
    ...(orphanResults > 0 ? { orphan_results: orphanResults } : {}),
  });
}

/** What a person should know of a file that was taken. */
function remarksOn({ runs, leftOut }: ImportedFile): string {
  return [
    ...runs
      .filter(({ complete }) => !complete)
      .map(
        (run) => `${run.fileName} is incomplete: ${run.incompleteReason}. Every complete part of it is kept.`,
      ),
    ...runs
      .filter(({ orphanResults }) => orphanResults > 0)
      .map((run) => `${run.fileName}: ${run.orphanResults} results belong to no part and were left out.`),
    ...leftOut.map(({ name, reason }) => `${name} was left out: ${reason}.`),
  ].join('\n');
}

function tooLarge(name: string, maxBytes: number): WafersyncError {
  return new WafersyncError('invalid', `${name} is larger than ${maxBytes} bytes`, {
    hint: 'Raise intake.max_upload_bytes at the node, or hand in smaller files.',
  });
}
