import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseOriginKey } from '../../clocks/dot.ts';
import { jsonText, nodeOption } from '../options.ts';
import type { Terminal } from '../output.ts';
import {
  type Choice,
  CONFLICT_KINDS,
  CONFLICT_STATES,
  type ConflictOptions,
  type ExplainOptions,
  explainField,
  type ListOptions,
  listConflicts,
  type ResolveOptions,
  resolveConflict,
  showConflict,
} from './conflicts.ts';

/** Adds `conflicts` and what is below it to the commands. */
export function addConflictCommands(
  program: Command,
  terminal: Terminal,
  exit: (code: number) => void,
): void {
  const conflicts = program
    .command('conflicts')
    .description('tell what fabs wrote unaware of each other, and settle it');
  addList(conflicts, terminal, exit);
  onNode(conflicts.command('show').description('tell one conflict: who wrote what, when and why'))
    .argument('<id>', ID)
    .option('--json', 'print JSON')
    .action(async (id: string, options: ConflictOptions) => exit(await showConflict(id, options, terminal)));
  addResolve(conflicts, terminal, exit);
  onNode(conflicts.command('explain').description('tell in words why a field shows what it shows'))
    .argument('<wafer>', 'the wafer; left out with --mesh')
    .argument('[field]', 'the field, such as /disposition or /holds/H1/reason')
    .option('--lot <lot>', 'lot of the wafer; needed where several wafers have this id')
    .option('--insertion <insertion>', 'insertion of the wafer; needed where several match')
    .option('--mesh', "a field of the mesh's document")
    .option('--json', 'print JSON')
    .action(async (first: string, second: string | undefined, options: ExplainOptions) =>
      exit(await explainField([first, second], options, terminal)),
    );
}

const ID = 'id of the conflict, or the first of its digits, four or more';

function onNode(command: Command): Command {
  return command.addOption(nodeOption('where the node of any fab listens'));
}

function addList(conflicts: Command, terminal: Terminal, exit: (code: number) => void): void {
  onNode(
    conflicts.command('list').description('tell the conflicts that stand, those open for a person first'),
  )
    .option('--wafer <id>', 'only of this wafer')
    .option('--lot <lot>', 'only of this lot')
    .option('--insertion <insertion>', 'only of this insertion')
    .addOption(
      new Option(
        '--state <state>',
        'only in this state: open for a person, ruled by a policy, or settled; not said: open and ruled',
      ).choices(CONFLICT_STATES),
    )
    .addOption(
      new Option(
        '--kind <kind>',
        'only of this kind: writes of one field, a value where others have members, an edit and what it rests on, final verdicts of a die',
      ).choices(CONFLICT_KINDS),
    )
    .option('--fab <fab>', 'only those in which this fab wrote; settled ones do not tell that')
    .option('--json', 'print JSON: one object a line')
    .action(async (options: ListOptions) => exit(await listConflicts(options, terminal)));
}

function addResolve(conflicts: Command, terminal: Terminal, exit: (code: number) => void): void {
  onNode(
    conflicts
      .command('resolve')
      .description('settle a conflict at every fab; one that was settled can be settled anew'),
  )
    .argument('<id>', ID)
    .option('--choose <fab:sequence>', 'what is to stand, as `wafersync conflicts show` names it', choice)
    .option('--value <json>', 'another value, as JSON: \'"hold"\'', jsonText)
    .requiredOption('--reason <text>', 'why; every fab shows it')
    .option('--author <name>', 'who decides; not said: the user at this machine')
    .option('--json', 'print JSON')
    .action(async (id: string, options: ResolveOptions) =>
      exit(await resolveConflict(id, options, terminal)),
    );
}

/** Reads `tw:57`, or with its epoch `tw.1-8f3a5c2e90:57`. */
function choice(text: string): Choice {
  const [, fab, life, sequence] =
    /^([a-z][a-z0-9-]*)(\.[1-9]\d{0,3}-[0-9a-f]{10})?:([1-9]\d{0,14})$/.exec(text) ?? [];
  if (fab && sequence) {
    const epoch = life ? { epoch: parseOriginKey(`${fab}${life}`).epoch } : {};
    return { fab, ...epoch, sequence: Number(sequence) };
  }
  throw new InvalidArgumentError('It must be FAB:SEQUENCE, such as az:12.');
}
