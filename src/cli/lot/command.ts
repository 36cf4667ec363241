import { type Command, InvalidArgumentError, Option } from 'commander';
import { nodeOption, positive, timeLimit, waitFor } from '../options.ts';
import type { Terminal } from '../output.ts';
import { type LotOptions, lotStatus } from './status.ts';
import { listWafers, WAFER_STATES, type WafersOptions } from './wafers.ts';
import { DEFAULT_TIMEOUT_MS, type LotWaitOptions, lotWait, MAX_TIMEOUT_MS } from './wait.ts';

/** Adds `wafers`, `lot` and what is below it to the commands. */
export function addLotCommands(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  onNode(program.command('wafers').description('tell the wafers that a node knows, and which fabs have them'))
    .option('--lot <lot>', 'only of this lot')
    .addOption(new Option('--state <state>', 'only those in this state').choices(WAFER_STATES))
    .option('--missing-at <fab>', 'only those of which this fab misses something')
    .option('--limit <number>', 'most wafers that are told', positive, 1000)
    .action(async (options: WafersOptions) => exit(await listWafers(options, terminal)));
  const lot = program
    .command('lot')
    .description('tell whether a lot is complete at all fabs, and wait for it');
  onNode(lot.command('status').description('tell what is here of a lot, and which fabs have it'))
    .argument('<lot>', 'the lot')
    .action(async (name: string, options: LotOptions) => exit(await lotStatus(name, options, terminal)));
  onNode(
    lot
      .command('wait')
      .description(
        'wait until a lot is complete, and equal by digest at the fabs; ends with 2 where time is up',
      ),
  )
    .argument('<lot>', 'the lot; it need not be known yet')
    .option('--at <fabs>', 'the fabs: all, or some such as tw,az', waitFor, 'all')
    .addOption(
      new Option('--timeout <time>', 'longest wait, such as 10min; without a unit seconds')
        .argParser(longestWait)
        .default(DEFAULT_TIMEOUT_MS, '10min'),
    )
    .option('--accept-cut', 'take runs that were cut with what they have')
    .option('--accept-reports', 'take a fab that does not answer by its last report')
    .action(async (name: string, options: LotWaitOptions) => exit(await lotWait(name, options, terminal)));
}

function longestWait(text: string): number {
  const ms = timeLimit(text);
  if (ms > MAX_TIMEOUT_MS)
    throw new InvalidArgumentError(`It must be at most 24h, which are ${MAX_TIMEOUT_MS / 1000} seconds.`);
  return ms;
}

function onNode(command: Command): Command {
  return command.addOption(nodeOption('where the node of any fab listens')).option('--json', 'print JSON');
}
