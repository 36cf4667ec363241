import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { quantile } from '../../bench/statistics.ts';
import { table } from '../../src/cli/output.ts';
import { FAULTS } from './faults.ts';
import { runSeed, type SeedResult } from './simulation.ts';

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    faults: { type: 'string' },
    failures: { type: 'string', default: '1000000' },
    workers: { type: 'string', default: String(availableParallelism()) },
    verbose: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

/**
 * `npm run sim -- --seeds COUNT [--seed FIRST]` runs many seeds; `npm run sim -- --seed N [--verbose]` replays one. Ends with
 * 1 where a seed failed, or where a class of faults never happened in a run long enough for all. `--failures N` begins no
 * more seeds once so many have failed.
 */
async function main(): Promise<void> {
  const first = whole('seed', options.seed ?? String(Date.now() % 1_000_000_000));
  const faults = options.faults?.split(',');
  const unknown = faults?.filter((name) => !FAULTS.some((fault) => fault.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`there is no class of faults ${unknown.join(', ')}`);
  const results =
    options.seeds === undefined
      ? [await runSeed(first, { faults, trace: options.verbose ? (line) => console.log(line) : undefined })]
      : await runMany(first, whole('seeds', options.seeds), faults);
  if (options.json) console.log(JSON.stringify(results));
  else tell(results);
  const failed = results.filter(({ failure }) => failure !== null);
  const never = faults === undefined && results.length >= ALL_CLASSES_AT ? neverHappened(results) : [];
  if (never.length > 0) console.log(`never happened: ${never.join(', ')}`);
  process.exitCode = failed.length > 0 || never.length > 0 ? 1 : 0;
}

/** Seeds in which every class of faults happens with near certainty. */
const ALL_CLASSES_AT = 100;

async function runMany(first: number, count: number, faults?: readonly string[]): Promise<SeedResult[]> {
  const results: SeedResult[] = [];
  let next = first;
  let failures = whole('failures', options.failures);
  const started = performance.now();
  const work = async () => {
    const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)));
    while (next < first + count && failures > 0) {
      child.send({ seed: next++, faults });
      const [result] = (await once(child, 'message')) as [SeedResult];
      results.push(result);
      if (result.failure !== null) failures--;
      if (result.failure !== null && !options.json)
        console.log(`seed ${result.seed} FAILED: ${result.failure}\n`);
      if (!options.json && results.length % 100 === 0) {
        const seconds = (performance.now() - started) / 1000;
        console.log(`${results.length} of ${count} seeds, ${seconds.toFixed(0)} s`);
      }
    }
    child.disconnect();
  };
  await Promise.all(Array.from({ length: Math.min(whole('workers', options.workers), count) }, work));
  return results.sort((a, b) => a.seed - b.seed);
}

function tell(results: readonly SeedResult[]): void {
  const sum = (of: (result: SeedResult) => number) => results.reduce((total, one) => total + of(one), 0);
  const rows = FAULTS.map(({ name }) => {
    const happened = results.filter((result) => result.faults[name]);
    const times = happened.map(({ convergedMs }) => convergedMs / 1000).sort((a, b) => a - b);
    return [
      name,
      sum((result) => result.faults[name] ?? 0),
      happened.length,
      quantile(times, 0.5).toFixed(1),
      (times.at(-1) ?? 0).toFixed(1),
    ];
  });
  console.log(table(['FAULT', 'TIMES', 'SEEDS', 'CONVERGED s (median)', 'MOST'], rows));
  const failed = results.filter(({ failure }) => failure !== null);
  const least = Math.min(...results.map(({ events }) => events));
  console.log(
    `${results.length} seeds from ${results[0]?.seed}: ${sum(({ events }) => events)} events, at least ${least} a seed; ` +
      `${sum(({ acknowledged }) => acknowledged)} requests acknowledged, ${sum(({ refused }) => refused)} refused; ` +
      `${sum(({ updates }) => updates)} updates, ${sum(({ conflicts }) => conflicts)} conflicts standing, ${sum(({ purged }) => purged)} updates purged`,
  );
  console.log(failed.length === 0 ? 'all clean' : `FAILED: ${failed.map(({ seed }) => seed).join(', ')}`);
  for (const { seed, failure } of results.length === 1 ? failed : []) console.log(`seed ${seed}: ${failure}`);
}

function neverHappened(results: readonly SeedResult[]): string[] {
  return FAULTS.map(({ name }) => name).filter((name) => !results.some((result) => result.faults[name]));
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new Error(`--${name} takes a whole number, not ${text}`);
  return value;
}

await main();
