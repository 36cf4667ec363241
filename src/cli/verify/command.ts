import type { Command } from 'commander';
import { nodeOption, waitFor } from '../options.ts';
import type { Terminal } from '../output.ts';
import { lastVerification, type VerifyOptions, verify } from './verify.ts';

/** Adds `verify` to the commands. */
export function addVerifyCommand(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  program
    .command('verify')
    .description(
      'compare what a node has with other fabs, wafer by wafer, and repair what is wrong at either',
    )
    .addOption(nodeOption('where the node listens'))
    .option('--with <fabs>', 'whom to compare it with: all, or some such as az,de', waitFor, 'all')
    .option('--no-repair', 'only tell what is wrong')
    .option('--last', 'compare nothing: tell when the asked node itself last found each fab equal')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nA row a fab: WAFERS that were looked at; COMPARED are these, the runs and the purges together, of which so many are EQUAL,\nON THE WAY (applied by one and not yet by the other) or DIFFERENT. EXCHANGED are the bytes of the messages in both\ndirections. WHY says what kept a fab from being compared.\n\nExit code: 0 all equal; 3 something was wrong and is repaired; 4 something is wrong still;\n1 a fab could not be compared, or the command failed.',
    )
    .action(async (options: VerifyOptions & { readonly last?: boolean }) =>
      exit(await (options.last ? lastVerification : verify)(options, terminal)),
    );
}
