import type { Command } from 'commander';
import { nodeOption } from '../options.ts';
import type { Terminal } from '../output.ts';
import { type StatusOptions, status } from './status.ts';

/** Adds `status` to the commands. */
export function addStatusCommand(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  program
    .command('status')
    .description('tell the state of a node and of the whole mesh: who is behind, since when, and why')
    .addOption(nodeOption('where the node of any fab listens'))
    .option('--watch', 'go on, and tell it again whenever something changes, until Ctrl-C')
    .option('--json', 'print JSON: one object, with --watch one a line')
    .action(async (options: StatusOptions) => exit(await status(options, terminal)));
}
