import { type Command, Option } from 'commander';
import { YIELD_VIEWS } from '../../wafer/views.ts';
import { nodeOption } from '../options.ts';
import type { Terminal } from '../output.ts';
import type { Operation } from '../patch.ts';
import { addEditOptions, addPatchOptions } from '../patch-options.ts';
import { type PatchWaferOptions, patchWafer, type RetireOptions, retireWafer } from './edit.ts';
import { type ShowOptions, showWafer } from './show.ts';

/** Adds `wafer` and what is below it to the commands. */
export function addWaferCommands(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const wafer = program
    .command('wafer')
    .description('tell what is known of a wafer, and change what people say of it');
  ofWafer(
    wafer.command('show').description('tell a wafer: its yield, its document, its conflicts, who has it'),
  )
    .option('--map', 'draw its map, one character a die')
    .addOption(
      new Option(
        '--view <view>',
        "which attempt of a die counts; not said: as the mesh's document names it for the product, else last",
      ).choices(YIELD_VIEWS),
    )
    .option('--composite', 'count all insertions: a die fails where any fails it')
    .option('--json', 'print JSON')
    .action(async (id: string, options: ShowOptions) => exit(await showWafer(id, options, terminal)));
  addPatch(wafer, terminal, exit);
  const retire = wafer
    .command('retire')
    .description('withdraw a wafer; results that come later are kept, and it stays withdrawn')
    .addHelpText('after', '\nTo bring it back: wafersync wafer patch <wafer> --remove /retired');
  addEditOptions(ofWafer(retire)).action(async (id: string, options: RetireOptions) =>
    exit(await retireWafer(id, options, terminal)),
  );
}

function addPatch(wafer: Command, terminal: Terminal, exit: (code: number) => void): void {
  const operations: Operation[] = [];
  const patch = ofWafer(
    wafer.command('patch').description("change a wafer's document: all of the patch is written, or nothing"),
  );
  addPatchOptions(patch, operations, '/disposition="hold"').option(
    '--create',
    'write of a wafer that nothing names yet, by the names that are given',
  );
  addEditOptions(patch).action(async (id: string, options: PatchWaferOptions) =>
    exit(await patchWafer(id, options, operations, terminal)),
  );
}

function ofWafer(command: Command): Command {
  return command
    .argument('<wafer>', 'id of the wafer, or the one that it was corrected to')
    .addOption(nodeOption('where the node of any fab listens'))
    .option('--lot <lot>', 'its lot; needed where several wafers have this id')
    .option('--insertion <insertion>', 'its insertion; needed where several match');
}
