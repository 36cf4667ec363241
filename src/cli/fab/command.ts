import type { Command } from 'commander';
import { address, nodeOption } from '../options.ts';
import type { Terminal } from '../output.ts';
import {
  type AddFabOptions,
  addFab,
  type EvictFabOptions,
  evictFab,
  type FabOptions,
  listFabs,
  type RemoveFabOptions,
  removeFab,
} from './fab.ts';

/** Adds `fab` and what is below it to the commands. */
export function addFabCommands(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const fab = program.command('fab').description('tell and change which fabs belong to the mesh');
  onNode(fab.command('list').description('tell all fabs, and what the node knows of each')).action(
    async (options: FabOptions) => exit(await listFabs(options, terminal)),
  );
  withAuthor(
    onNode(fab.command('add').description('add a fab, or take one back that left or was evicted'))
      .argument('<fab>', 'the fab')
      .option('--address <host:port>', 'where the other fabs can dial it', address)
      .option('--reason <text>', 'why'),
  ).action(async (name: string, options: AddFabOptions) => exit(await addFab(name, options, terminal)));
  withAuthor(
    onNode(fab.command('remove').description('let a fab leave in order, once all others have what it has'))
      .argument('<fab>', 'the fab')
      .requiredOption('--reason <text>', 'why'),
  ).action(async (name: string, options: RemoveFabOptions) => exit(await removeFab(name, options, terminal)));
  withAuthor(
    onNode(fab.command('evict').description('shut a fab out that cannot be waited for any longer'))
      .argument('<fab>', 'the fab')
      .requiredOption('--reason <text>', 'why')
      .requiredOption('--confirm <fab>', 'the fab once more: what it alone has is lost if it never returns'),
  ).action(async (name: string, options: EvictFabOptions) => exit(await evictFab(name, options, terminal)));
}

function onNode(command: Command): Command {
  return command.addOption(nodeOption('where the node of any fab listens')).option('--json', 'print JSON');
}

function withAuthor(command: Command): Command {
  return command.option('--author <name>', 'who says so; not said: the user at this machine');
}
