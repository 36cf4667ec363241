import type { Command } from 'commander';
import { nodeOption } from '../options.ts';
import type { Terminal } from '../output.ts';
import type { BackupOptions } from './backup.ts';
import type { RestoreOptions } from './restore.ts';

/** Adds `backup` and `restore` to the commands. */
export function addBackupCommands(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  program
    .command('backup')
    .description('write the database of a node to one file, while the node runs')
    .argument('<file>', 'the file; it must not be there yet')
    .addOption(nodeOption('where the node listens'))
    .option('--json', 'print JSON')
    .action(async (file: string, options: BackupOptions) =>
      exit(await (await import('./backup.ts')).backup(file, options, terminal)),
    );
  program
    .command('restore')
    .description(
      'put the database of a backup in the place of the one of a stopped node, which is kept beside it; a terminal asks before it replaces one, elsewhere that needs --yes only where something would be lost or cannot be told',
    )
    .argument('<file>', 'the backup')
    .option('--config <file>', 'configuration of the node; may be left out with --dry-run')
    .option(
      '--dry-run',
      'only tell what the backup is, what would come from other fabs and what would be lost',
    )
    .option('--yes', 'ask nothing: restore even if something would be lost, or if that cannot be told')
    .option('--json', 'print JSON')
    .action(async (file: string, options: RestoreOptions) =>
      exit(await (await import('./restore.ts')).restore(file, options, terminal)),
    );
}
