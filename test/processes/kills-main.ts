import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { counted, grouped } from '../../src/cli/output.ts';
import { KILL_WAYS } from './kill-ways.ts';
import { type KillReport, kills } from './kills.ts';
import { type ReliabilityRow, reliability, reliabilityTable } from './reliability.ts';

/**
 * `npm run kills [-- --count N] [--seed S] [--json]`: kills nodes of five fabs under load and prints what came of it.
 * Ends with 1 where anything was lost, differs, or a point was never met.
 */
async function main(): Promise<number> {
  const { values: options } = parseArgs({
    options: {
      count: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      json: { type: 'boolean', default: false },
    },
  });
  const [count, seed] = [whole('count', options.count), whole('seed', options.seed)];
  process.stderr.write(
    `seed ${seed}: --count ${count} --seed ${seed} kills the same nodes at the same points\n`,
  );
  const report = await kills({ count, seed, tell: (line) => process.stderr.write(`${line}\n`) });
  const never = Object.keys(KILL_WAYS).filter((point) => !report.kills.some((kill) => kill.point === point));
  const kinds = Object.keys(KILL_WAYS).map((point) => `kill -9 ${point}`);
  const rows = reliability(kinds, report.kills, report.losses);
  if (options.json) console.log(JSON.stringify({ ...report, reliability: rows, never }));
  else print(report, rows, never);
  return report.losses.length + report.faults.length + never.length + falseConflicts(report) === 0 ? 0 : 1;
}

function whole(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new Error(`--${name} is ${text}; give a whole number`);
}

function falseConflicts({ kills: all }: KillReport): number {
  return all.reduce((sum, kill) => sum + kill.falseConflicts, 0);
}

function print(report: KillReport, rows: readonly ReliabilityRow[], never: readonly string[]): void {
  console.log(reliabilityTable(rows));
  const digests = [...new Set(Object.values(report.digests))].join(', ');
  console.log(
    `${grouped(report.acknowledged)} writes were acknowledged, in ${counted(report.updates, 'update')}; tables ${digests} at all fabs`,
  );
  for (const { what } of report.losses) console.log(`LOST: ${what}`);
  for (const fault of report.faults) console.log(`WRONG: ${fault}`);
  for (const point of never) console.log(`NEVER MET: ${point}`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.exitCode = await main();
