import { randomInt } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { counted, grouped } from '../../src/cli/output.ts';
import { type Band, type Chart, svgCharts, textChart } from './charts.ts';
import { reliability, reliabilityTable } from './reliability.ts';
import { type SoakReport, soak } from './soak.ts';
import { SOAK_FAULTS } from './soak-faults.ts';
import type { FabSample, Sample } from './soak-samples.ts';

const RESULTS = fileURLToPath(new URL('../../bench/results/', import.meta.url));
const MiB = 2 ** 20;

/**
 * `npm run soak [-- --minutes 60] [--seed S] [--wafers N] [--json]`: five fabs under load and faults; draws what they took at
 * the end. Ends with 1 where anything was lost, or differs.
 */
async function main(): Promise<number> {
  const { values: options } = parseArgs({
    options: {
      minutes: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      wafers: { type: 'string', default: '0' },
      json: { type: 'boolean', default: false },
    },
  });
  const minutes = number('minutes', options.minutes);
  const [seed, wafers] = [number('seed', options.seed), number('wafers', options.wafers)];
  process.stderr.write(`seed ${seed}: --seed ${seed} makes the same faults in the same order\n`);
  const report = await soak({ minutes, seed, wafers, tell: (line) => process.stderr.write(`${line}\n`) });
  const file = write(report);
  if (options.json) console.log(JSON.stringify(report));
  else print(report, file);
  const conflicts = report.records.reduce((sum, { falseConflicts }) => sum + falseConflicts, 0);
  return report.losses.length + report.faults.length + conflicts === 0 ? 0 : 1;
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`--${name} is ${text}; give a number`);
}

/** Writes the samples as JSON, and drawn; answers the path of the drawing. */
function write(report: SoakReport): string {
  mkdirSync(RESULTS, { recursive: true });
  const path = join(RESULTS, `soak-${new Date().toISOString().replaceAll(':', '-')}`);
  writeFileSync(`${path}.json`, `${JSON.stringify(report)}\n`);
  writeFileSync(`${path}.svg`, svgCharts(charts(report), bands(report.samples), report.samples.length));
  return `${path}.svg`;
}

function charts({ samples }: SoakReport): Chart[] {
  const chart = (title: string, unit: string, of: (sample: FabSample) => number | null): Chart => ({
    ...{ title, unit },
    lines: Object.fromEntries(
      Object.keys(samples[0]?.fabs ?? {}).map((fab) => [fab, samples.map(({ fabs }) => of(fabs[fab]!))]),
    ),
  });
  return [
    chart('Resident memory', 'MiB', ({ rssBytes }) => rssBytes && rssBytes / MiB),
    chart('Write-ahead log', 'MiB', ({ walBytes }) => walBytes / MiB),
    chart('Acknowledged after, half of the dies', 'ms', ({ p50Ms }) => p50Ms),
    chart('Acknowledged after, 99 of 100 dies', 'ms', ({ p99Ms }) => p99Ms),
    chart('Handed in and not acknowledged', 'results', ({ unacknowledged }) => unacknowledged),
    chart('At another fab and not here', 'updates', ({ missing }) => missing),
  ];
}

/** Stretches of samples under one fault. */
function bands(samples: readonly Sample[]): Band[] {
  const found: { label: string; from: number; to: number }[] = [];
  for (const [at, { fault }] of samples.entries()) {
    const last = found.at(-1);
    if (fault === '') continue;
    if (last?.label === fault && last.to === at - 1) last.to = at;
    else found.push({ label: fault, from: at, to: at });
  }
  return found;
}

function print(report: SoakReport, file: string): void {
  for (const chart of charts(report)) console.log(`${textChart(chart)}\n`);
  console.log(reliabilityTable(reliability(Object.keys(SOAK_FAULTS), report.records, report.losses)));
  const digests = [...new Set(Object.values(report.digests))].join(', ');
  console.log(
    `${grouped(report.acknowledged)} writes were acknowledged, in ${counted(report.updates, 'update')}; tables ${digests} at all fabs`,
  );
  for (const { what } of report.losses) console.log(`LOST: ${what}`);
  for (const fault of report.faults) console.log(`WRONG: ${fault}`);
  console.log(`drawn in ${file}`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.exitCode = await main();
