import { basename } from 'node:path';
import { WafersyncError } from '../errors.ts';
import { inspectStdf } from '../ingest/stdf/inspect.ts';
import { AttemptsDigest, PartsDigest } from '../wafer/attempts-digest.ts';
import { PartTally } from '../wafer/part-tally.ts';
import { formatWafer } from '../wafer/wafer-key.ts';
import { type YieldRules, YieldTally } from '../wafer/yield.ts';
import { toNumber } from '../wire/long.ts';
import { runService } from '../wire/services.ts';
import { withNode } from './node-client.ts';
import { failureLine, grouped, type Terminal, table } from './output.ts';
import { readRun } from './run-reader.ts';

/** Options of `wafersync inspect`. */
export interface InspectOptions {
  /** host:port of a node; with `run`, else absent. */
  readonly node?: string | undefined;
  /** A run that the node keeps. */
  readonly run?: string;
  /** One JSON object a line, one line an STDF stream: a file, mostly. */
  readonly json?: boolean;
}

/** What files, and runs alike, tell. */
interface Inspection {
  readonly file: string;
  readonly truncated: unknown;
  readonly wafers: readonly { readonly wafer_id: string | null; readonly parts: number }[];
  readonly parts: { readonly prr: number; readonly unique_xy: number };
  readonly yield: YieldRules;
  /** attempts_sha256 is null where values were purged: nobody can work it out any more. */
  readonly digests: { readonly attempts_sha256: string | null; readonly parts_sha256: string };
  /** Results of a run whose values were purged. */
  readonly purged_results?: number;
}

/** Tells what files contain, or a run that a node keeps. Resolves to the exit code. */
export async function inspect(
  files: readonly string[],
  options: InspectOptions,
  terminal: Terminal,
): Promise<number> {
  const { node, run } = options;
  if (files.length === 0 && node && run) {
    print([await inspectRun(node, run.toLowerCase())], options, terminal);
    return 0;
  }
  if (files.length === 0 || node || run) {
    throw new WafersyncError('invalid', 'inspect takes either files, or --run and the --node that keeps it', {
      hint: 'Say `wafersync inspect FILE…`, or `wafersync inspect --node HOST:PORT --run RUN`.',
    });
  }
  const inspections: Inspection[] = [];
  let failed = 0;
  for (const file of files) {
    try {
      for await (const inspection of inspectStdf(file, basename(file), ({ name, reason }) =>
        terminal.err(`wafersync: ${name} was left out: ${reason}.`),
      ))
        inspections.push(inspection);
    } catch (thrown) {
      failed++;
      terminal.err(failureLine(thrown));
    }
  }
  print(inspections, options, terminal);
  return failed > 0 ? 1 : 0;
}

/** What a node keeps of a run, with the keys of a file's inspection as far as a store knows them. */
export async function inspectRun(
  node: string,
  runId: string,
): Promise<Inspection & { readonly run_id: string }> {
  return withNode(runService, node, async (runs) => {
    const { record, wafers, fab_id } = await runs.GetRun({ run_id: runId });
    const [parts, attempts] = [new PartsDigest(), new AttemptsDigest()];
    const [tally, yields] = [new PartTally(), new YieldTally()];
    const partsOf = new Map<string, number>();
    let position = 0;
    let purged = 0;
    for await (const { attempt, purged: isPurged, tests, wafer } of readRun(runs, runId)) {
      if (isPurged) purged += attempt.results.length;
      parts.add(attempt, position);
      attempts.add(attempt, position++, tests);
      const key = formatWafer(wafer);
      tally.add({ ...attempt, resultCount: attempt.results.length }, key);
      yields.add(attempt, key);
      partsOf.set(key, (partsOf.get(key) ?? 0) + 1);
    }
    return {
      file: record?.file_name ?? '',
      run_id: runId,
      fab: fab_id ?? '',
      records: Object.fromEntries(
        (record?.records ?? []).map(({ name, count }) => [name ?? '', toNumber(count)]),
      ),
      truncated: record && !record.complete ? { kind: record.incomplete_reason } : null,
      wafers: (wafers ?? []).map((name) => {
        const wafer = { lot: name.lot ?? '', waferId: name.wafer_id ?? '', insertion: name.insertion ?? '' };
        return {
          wafer_id: wafer.waferId,
          lot: wafer.lot,
          insertion: wafer.insertion,
          parts: partsOf.get(formatWafer(wafer)) ?? 0,
        };
      }),
      parts: { ...tally.counts(), results_without_part: toNumber(record?.orphan_results) },
      yield: yields.rules(),
      digests: { parts_sha256: parts.hex(), attempts_sha256: purged > 0 ? null : attempts.hex() },
      purged_results: purged,
    };
  });
}

function print(inspections: readonly Inspection[], options: InspectOptions, terminal: Terminal): void {
  if (options.json) {
    for (const inspection of inspections) terminal.out(JSON.stringify(inspection));
    return;
  }
  if (inspections.length === 0) return;
  const percent = (value: number | null) => (value === null ? '-' : `${(value * 100).toFixed(2)} %`);
  const rows = inspections.map((one) => [
    one.file || '-',
    waferNames(one),
    grouped(one.parts.prr),
    grouped(one.parts.unique_xy),
    percent(one.yield.first_per_xy.yield),
    percent(one.yield.last_per_xy.yield),
    one.truncated ? 'no' : 'yes',
    one.digests.attempts_sha256 ?? `${grouped(one.purged_results ?? 0)} results purged`,
  ]);
  terminal.out(
    table(
      ['FILE', 'WAFERS', 'ATTEMPTS', 'DIES', 'YIELD (FIRST)', 'YIELD (LAST)', 'COMPLETE', 'ATTEMPTS SHA-256'],
      rows,
    ),
  );
}

function waferNames({ wafers }: Inspection): string {
  if (wafers.length > 3) return `${wafers.length} wafers`;
  return wafers.map(({ wafer_id }) => wafer_id ?? '-').join(' ') || 'none';
}
