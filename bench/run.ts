import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { table } from '../src/cli/output.ts';
import { benches } from './benches.ts';
import { type Figure, short } from './statistics.ts';

/**
 * `npm run bench [-- NAME…]`: runs the named benches, or all, each several times; prints medians with their spread and
 * writes them to bench/results as JSON. Figures, not assertions.
 */
async function main(names: readonly string[]): Promise<void> {
  const chosen = names.length === 0 ? benches : benches.filter(({ name }) => names.includes(name));
  const unknown = names.filter((name) => !benches.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `there is no bench ${unknown.join(', ')}; there are ${benches.map(({ name }) => name).join(', ')}`,
    );
  }
  const figures: Figure[] = [];
  for (const { name, run } of chosen) {
    process.stderr.write(`${name} …\n`);
    figures.push(...(await run()));
  }
  const rows = figures.map((one) => [
    one.name,
    one.unit,
    short(one.median),
    `${short(one.least)} – ${short(one.most)}`,
    one.runs.length,
    one.aim,
  ]);
  console.log(table(['FIGURE', 'UNIT', 'MEDIAN', 'SPREAD', 'RUNS', 'AIM'], rows));
  const folder = fileURLToPath(new URL('results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${new Date().toISOString().replaceAll(':', '-')}.json`);
  writeFileSync(file, `${JSON.stringify({ machine: machine(), figures }, null, 1)}\n`);
  console.log(`written to ${file}`);
}

function machine() {
  const [cpu] = cpus();
  return { node: process.version, cpu: cpu?.model ?? '', cores: cpus().length, commit: commit() };
}

function commit(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
}

await main(process.argv.slice(2));
