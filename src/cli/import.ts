import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ClientOf } from '../api/client.ts';
import { nodeFailure } from '../api/node-failure.ts';
import { WafersyncError } from '../errors.ts';
import type { wafersync } from '../gen/wafersync.js';
import { formatWafer } from '../wafer/wafer-key.ts';
import { toNumber } from '../wire/long.ts';
import { runService } from '../wire/services.ts';
import { ImportProgress } from './import-progress.ts';
import { withNode } from './node-client.ts';
import type { WaitFor } from './options.ts';
import { failureLine, grouped, type Terminal, table } from './output.ts';
import { checkMembers, waitForFabs } from './wait.ts';

/** Options of `wafersync import`. */
export interface ImportOptions {
  /** host:port of a node. */
  readonly node: string;
  /** Fabs to wait for; absent: none but the node itself. */
  readonly wait?: WaitFor;
  /** Lot instead of the files' own. */
  readonly lot?: string;
  /** Whether the verdicts in the files are marked final. */
  readonly final?: boolean;
  readonly json?: boolean;
}

/** What came of one STDF stream: of a file, mostly. Keys of `--json`. */
interface Imported {
  readonly file: string;
  readonly run_id: string;
  readonly wafers: readonly string[];
  readonly attempts: number;
  readonly results: number;
  readonly added_attempts: number;
  readonly complete: boolean;
  readonly incomplete_reason: string;
  readonly orphan_results: number;
  readonly synced_fabs: readonly string[];
}

/** What came of several files. */
interface Outcome {
  readonly imported: Imported[];
  /** Lines about what was not taken. */
  readonly leftOut: string[];
  /** Files of which nothing was taken, or that were not tried. */
  readonly failed: number;
}

type Runs = ClientOf<typeof runService.methods>;
type Answer = wafersync.v1.ImportRunResponse.$Properties;
type Run = wafersync.v1.ImportedRun.$Properties;

/** Largest piece of a file in one message, bytes. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Hands files to a node, one after the other. Resolves to the exit code: 0, or 1 where a file failed.
 * @throws WafersyncError where `wait` names a fab that is no member; nothing is handed in then
 */
export async function importFiles(
  files: readonly string[],
  options: ImportOptions,
  terminal: Terminal,
): Promise<number> {
  if (options.wait) await checkMembers(options.node, options.wait);
  const { imported, leftOut, failed } = await withNode(runService, options.node, (runs) =>
    importEach(runs, files, options, terminal),
  );
  if (options.json) terminal.out(JSON.stringify(imported));
  else if (imported.length > 0) terminal.out(importTable(imported));
  for (const one of imported) warn(one, terminal);
  for (const line of leftOut) terminal.err(line);
  return failed > 0 ? 1 : 0;
}

/** A file that fails is told and passed by; a node that is gone ends it all, since the other files would fail alike. */
async function importEach(
  runs: Runs,
  files: readonly string[],
  options: ImportOptions,
  terminal: Terminal,
): Promise<Outcome> {
  const imported: Imported[] = [];
  const leftOut: string[] = [];
  let failed = 0;
  for (const [i, file] of files.entries()) {
    try {
      const answer = await upload(runs, file, options);
      for (const run of runsOf(answer)) imported.push(await importedOf(runs, file, run, options, terminal));
      for (const { file_name, reason } of answer.left_out ?? [])
        leftOut.push(`wafersync: ${inFile(file, file_name ?? '')} was left out: ${reason}.`);
    } catch (thrown) {
      failed++;
      const error = nodeFailure(thrown, options.node);
      terminal.err(failureLine(error));
      if (error.code !== 'unavailable') continue;
      const left = files.length - i - 1;
      if (left > 0)
        terminal.err(`wafersync: ${left} more ${left === 1 ? 'file was' : 'files were'} not tried.`);
      break;
    }
  }
  return { imported, leftOut, failed };
}

/** A node of before several runs a file tells of the first alone. */
function runsOf(answer: Answer): readonly Run[] {
  return answer.runs && answer.runs.length > 0 ? answer.runs : [answer];
}

async function importedOf(
  runs: Runs,
  file: string,
  run: Run,
  options: ImportOptions,
  terminal: Terminal,
): Promise<Imported> {
  const runId = run.run_id ?? '';
  const synced = options.wait ? await arrival(runs, file, runId, options.wait, terminal) : [];
  return {
    file: inFile(file, run.file_name ?? ''),
    run_id: runId,
    wafers: (run.wafers ?? []).map(({ lot, wafer_id, insertion }) =>
      formatWafer({ lot: lot ?? '', waferId: wafer_id ?? '', insertion: insertion ?? '' }),
    ),
    attempts: toNumber(run.attempts),
    results: toNumber(run.results),
    added_attempts: toNumber(run.added_attempts),
    complete: run.complete ?? false,
    incomplete_reason: run.incomplete_reason ?? '',
    orphan_results: toNumber(run.orphan_results),
    synced_fabs: synced,
  };
}

/** The path of something in a file, which the node knows by the file's name alone. */
function inFile(file: string, name: string): string {
  const own = basename(file);
  return name.startsWith(own) ? file + name.slice(own.length) : file;
}

async function upload(runs: Runs, file: string, options: ImportOptions): Promise<Answer> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => unreadable(file, error));
  try {
    const call = runs.ImportRun();
    await call.write({ file_name: basename(file), lot: options.lot ?? '', final: options.final ?? false });
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await handle
        .read(buffer, 0, CHUNK_BYTES, null)
        .catch((error: NodeJS.ErrnoException) => {
          call.cancel();
          return unreadable(file, error);
        });
      if (bytesRead === 0) break;
      // A copy: grpc-js encodes later, when its turn comes.
      await call.write({ data: Buffer.from(buffer.subarray(0, bytesRead)) });
    }
    return await call.finish();
  } catch (thrown) {
    throw atPath(file, thrown);
  } finally {
    await handle.close();
  }
}

/** Throws the error of a file that cannot be read. @throws WafersyncError `invalid` */
export function unreadable(file: string, error: NodeJS.ErrnoException): never {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'does not exist',
    EACCES: 'may not be read by this user',
    EISDIR: 'is a folder',
  };
  const reason = reasons[error.code ?? ''] ?? `cannot be read: ${error.message}`;
  throw new WafersyncError('invalid', `${file} ${reason}`, {
    hint: error.code === 'EISDIR' ? 'Name the files in it.' : 'Check the path.',
    cause: error,
  });
}

/** A node knows a file by its name alone; of several files a person wants to know which. */
function atPath(file: string, thrown: unknown): WafersyncError {
  const error = WafersyncError.from(thrown);
  const { code, message, hint, cause } = error;
  if (!message.startsWith(`${basename(file)} `)) return error;
  return new WafersyncError(code, `${file}${message.slice(basename(file).length)}`, { hint, cause });
}

async function arrival(
  runs: Runs,
  file: string,
  runId: string,
  wait: WaitFor,
  terminal: Terminal,
): Promise<string[]> {
  const progress = new ImportProgress(terminal);
  try {
    return await waitForFabs(runs, runId, wait, {
      told: ({ done, total, fabs }) => progress.show(basename(file), done, total, fabs),
    });
  } finally {
    progress.stop();
  }
}

function warn({ file, complete, incomplete_reason, orphan_results }: Imported, terminal: Terminal): void {
  if (!complete) {
    terminal.err(
      `wafersync: ${file} is incomplete: ${incomplete_reason}. Every complete part of it is kept.`,
    );
  }
  if (orphan_results > 0) {
    const results = orphan_results === 1 ? '1 result belongs' : `${grouped(orphan_results)} results belong`;
    terminal.err(
      `wafersync: ${file}: ${results} to no part and ${orphan_results === 1 ? 'was' : 'were'} left out.`,
    );
  }
}

function importTable(imported: readonly Imported[]): string {
  return table(
    ['FILE', 'RUN', 'WAFERS', 'ATTEMPTS', 'NEW', 'RESULTS', 'AT'],
    imported.map((one) => [
      one.file,
      one.run_id,
      one.wafers.length > 3 ? `${one.wafers.length} wafers` : one.wafers.join(' ') || 'none',
      grouped(one.attempts),
      grouped(one.added_attempts),
      grouped(one.results),
      one.synced_fabs.join(' ') || 'this node',
    ]),
  );
}
