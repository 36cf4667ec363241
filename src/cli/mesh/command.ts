import type { Command } from 'commander';
import { nodeOption } from '../options.ts';
import type { Terminal } from '../output.ts';
import type { Operation } from '../patch.ts';
import { addEditOptions, addPatchOptions } from '../patch-options.ts';
import { type MeshOptions, type PatchMeshOptions, patchMesh, showMesh } from './mesh.ts';

/** Adds `mesh` and what is below it to the commands. */
export function addMeshCommands(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const mesh = program
    .command('mesh')
    .description('tell and change the rules of the mesh: which policy decides about which field');
  onNode(mesh.command('show').description('tell the rules, the first that matches a field applying to it'))
    .option('--json', 'print JSON')
    .action(async (options: MeshOptions) => exit(await showMesh(options, terminal)));
  const operations: Operation[] = [];
  const patch = onNode(
    mesh
      .command('patch')
      .description("change the mesh's document at every fab: all of the patch, or nothing"),
  ).addHelpText(
    'after',
    '\nRules stand at /policies/PRODUCT/PATTERN, views at /views/PRODUCT; PRODUCT * is any. In a pattern / is written ~1.',
  );
  addEditOptions(addPatchOptions(patch, operations, '/policies/*/~1disposition="manual"')).action(
    async (options: PatchMeshOptions) => exit(await patchMesh(options, operations, terminal)),
  );
}

function onNode(command: Command): Command {
  return command.addOption(nodeOption('where the node of any fab listens'));
}
