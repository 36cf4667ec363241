import { type Command, InvalidArgumentError } from 'commander';
import { MAX_TERM_DAYS } from '../../api/retention-service.ts';
import { nodeOption, positive, userName, whole } from '../options.ts';
import type { Terminal } from '../output.ts';
import { listPurges, type PurgeOptions, type PurgesOptions, purge } from './purge.ts';

/** Adds `purge` and `purges` to the commands. */
export function addRetentionCommands(
  program: Command,
  terminal: Terminal,
  exit: (code: number) => void,
): void {
  onNode(
    program
      .command('purge')
      .description('let the values of old results go, at every fab and for good, once all members have them'),
  )
    .requiredOption('--older-than <days>', 'least age of the updates since they were born; 0 for all', days)
    .option('--dry-run', 'only tell what would go, and what blocks the rest')
    .option('--reason <text>', 'why; needed without --dry-run, every fab shows it')
    .option('--author <name>', 'who asks', userName())
    .option('--json', 'print JSON')
    .action(async (options: PurgeOptions) => exit(await purge(options, terminal)));
  onNode(program.command('purges').description('tell what was purged: when, by whom and why'))
    .option('--limit <number>', 'most purges that are told', positive, 100)
    .option('--json', 'print JSON: a list with one object a purge')
    .action(async (options: PurgesOptions) => exit(await listPurges(options, terminal)));
}

/** Reads an age; one that does not fit the contract must not come out smaller. */
function days(text: string): number {
  const number = whole(text);
  if (number > MAX_TERM_DAYS) throw new InvalidArgumentError(`It must be at most ${MAX_TERM_DAYS} days.`);
  return number;
}

function onNode(command: Command): Command {
  return command.addOption(nodeOption('where the node of any fab listens'));
}
