import type { Command } from 'commander';
import type { Terminal } from '../output.ts';
import type { DoctorOptions } from './doctor.ts';

/** Adds `doctor` to the commands. */
export function addDoctorCommand(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  program
    .command('doctor')
    .description(
      'look at configuration, disk, database, ports, peers and clock of a node, running or not; ends with 1 where something fails',
    )
    .requiredOption('--config <file>', 'configuration of the node')
    .option('--json', 'print JSON: a list with one object a check')
    .action(async (options: DoctorOptions) =>
      exit(await (await import('./doctor.ts')).doctor(options, terminal)),
    );
}
