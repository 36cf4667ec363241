import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { counted, duration, grouped, table } from '../../src/cli/output.ts';
import { KILL_WAYS } from './kill-ways.ts';
import { type Kill, type KillReport, kills } from './kills.ts';

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
  if (options.json) console.log(JSON.stringify({ ...report, points: rowsOf(report), never }));
  else print(report, never);
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

interface Row {
  readonly fault: string;
  readonly times: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly falseConflicts: number;
  readonly medianMs: number;
  readonly maxMs: number;
}

function rowsOf({ kills: all, losses }: KillReport): Row[] {
  return Object.keys(KILL_WAYS).map((point) => {
    const own = [...all.entries()].filter(([, kill]) => kill.point === point);
    const sum = (of: (kill: Kill) => number) => own.reduce((total, [, kill]) => total + of(kill), 0);
    const times = own.map(([, { convergedMs }]) => convergedMs).sort((a, b) => a - b);
    return {
      ...{ fault: `kill -9 ${point}`, times: own.length, acknowledged: sum((kill) => kill.acknowledged) },
      lost: losses.filter(({ fault }) => own.some(([number]) => number === fault)).length,
      falseConflicts: sum((kill) => kill.falseConflicts),
      ...{ medianMs: times[Math.floor(times.length / 2)] ?? 0, maxMs: times.at(-1) ?? 0 },
    };
  });
}

function print(report: KillReport, never: readonly string[]): void {
  const head = ['FAULT', 'TIMES', 'ACKNOWLEDGED', 'LOST', 'FALSE CONFLICTS', 'WHOLE AGAIN, MEDIAN', 'MAX'];
  const rows = rowsOf(report).map((row) => [
    ...[row.fault, row.times, grouped(row.acknowledged), row.lost, row.falseConflicts],
    ...[duration(row.medianMs), duration(row.maxMs)],
  ]);
  console.log(table(head, rows));
  console.log(
    `${grouped(report.acknowledged)} writes were acknowledged, in ${counted(report.updates, 'update')}; tables ${[...new Set(Object.values(report.digests))].join(', ')} at all fabs`,
  );
  for (const { what } of report.losses) console.log(`LOST: ${what}`);
  for (const fault of report.faults) console.log(`WRONG: ${fault}`);
  for (const point of never) console.log(`NEVER MET: ${point}`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.exitCode = await main();
