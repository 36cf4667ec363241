import { type Command, CommanderError, Option } from 'commander';
import { YIELD_VIEWS } from '../wafer/views.ts';
import { addBackupCommands } from './backup/command.ts';
import { commandFailure } from './command-failure.ts';
import { addCompletionCommand } from './completion/command.ts';
import { addConflictCommands } from './conflicts/command.ts';
import type { DemoOptions } from './demo/demo.ts';
import { addDoctorCommand } from './doctor/command.ts';
import { addFabCommands } from './fab/command.ts';
import { addGenerateCommand } from './generate/command.ts';
import { type ImportOptions, importFiles } from './import.ts';
import { type InspectOptions, inspect } from './inspect.ts';
import { addLotCommands } from './lot/command.ts';
import { addMeshCommands } from './mesh/command.ts';
import { isNodeTyped, nodeOption, portNumber, positive, waitFor } from './options.ts';
import { failureLine, processTerminal, type Terminal } from './output.ts';
import { addPeersCommand } from './peers/command.ts';
import { addRetentionCommands } from './retention/command.ts';
import { type SendOptions, send } from './send.ts';
import type { RebuildOptions, ServeOptions } from './serve.ts';
import { addStatusCommand } from './status/command.ts';
import { addSteeringCommands } from './steering/command.ts';
import { StrictCommand } from './strict-command.ts';
import { addVerifyCommand } from './verify/command.ts';
import { VERSION } from './version.ts';
import { addWaferCommands } from './wafer/command.ts';
import { type WatchOptions, watch } from './watch.ts';

/**
 * Runs the command of a command line. Resolves to the exit code: 0, or 1 where it failed (of `serve` also another), with
 * a line on stderr that says what, where and the remedy.
 */
export async function runCommand(
  argv: readonly string[],
  terminal: Terminal = processTerminal,
): Promise<number> {
  if (terminal === processTerminal) endWithReader();
  let exitCode = 0;
  let ran: Command | null = null;
  const command = makeProgram(terminal, (code) => {
    exitCode = code;
  }).hook('preAction', (_, action) => {
    ran = action;
  });
  try {
    await command.parseAsync([...argv]);
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode;
    terminal.err(failureLine(commandFailure(thrown, ran)));
    return 1;
  }
}

/** Whoever reads the output may leave early, as `head` does: then the rest is not worth an error. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

type Exit = (code: number) => void;

function makeProgram(terminal: Terminal, exit: Exit): Command {
  const program = new StrictCommand('wafersync')
    .description(
      'Replicates semiconductor test data between fabs. One node a fab; every result at every fab.',
    )
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, 'wafersync: ')),
    });
  addNodeCommands(program, terminal, exit);
  addDataCommands(program, terminal, exit);
  addStatusCommand(program, terminal, exit);
  addPeersCommand(program, terminal, exit);
  addWaferCommands(program, terminal, exit);
  addLotCommands(program, terminal, exit);
  addConflictCommands(program, terminal, exit);
  addMeshCommands(program, terminal, exit);
  addFabCommands(program, terminal, exit);
  addRetentionCommands(program, terminal, exit);
  addSteeringCommands(program, terminal, exit);
  addVerifyCommand(program, terminal, exit);
  addDoctorCommand(program, terminal, exit);
  addBackupCommands(program, terminal, exit);
  addGenerateCommand(program, terminal, exit);
  addCompletionCommand(program, terminal);
  for (const command of program.commands) pointToHelp(command, 'wafersync');
  return program.showHelpAfterError('`wafersync --help` tells the commands.');
}

/** Lets a command, and those below it, say where their help is when they are called wrongly. */
function pointToHelp(command: Command, above: string): void {
  const name = `${above} ${command.name()}`;
  command.showHelpAfterError(`\`${name} --help\` tells what it takes.`);
  for (const below of command.commands) pointToHelp(below, name);
}

/**
 * Commands that bring a node with them, or its configuration and database, are loaded when they are run: most commands ask a
 * node that runs, and begin in half the time without.
 */
function addNodeCommands(program: Command, terminal: Terminal, exit: Exit): void {
  program
    .command('demo')
    .description('run five fabs on this machine and watch a wafer lot reach them all')
    .option('--data <folder>', 'where the five databases are kept', 'data')
    .option('--port <number>', 'port of the first fab; the others take the four behind it', portNumber, 50051)
    .option('--wafers <count>', 'wafers of the lot', positive, 5)
    .option('--once', 'stop when the lot has arrived everywhere')
    .action(async (options: DemoOptions) => exit(await (await import('./demo/demo.ts')).demo(options)));
  program
    .command('serve')
    .description('run the node of one fab')
    .requiredOption('--config <file>', 'its configuration; deploy/wafersync.example.yaml shows every key')
    .action(async (options: ServeOptions) =>
      exit(await (await import('./serve.ts')).serve(options, terminal)),
    );
  program
    .command('rebuild')
    .description('compute the readable tables of a stopped node again from its log')
    .requiredOption('--config <file>', 'configuration of the node')
    .option('--json', 'print JSON')
    .action(async (options: RebuildOptions) =>
      exit(await (await import('./serve.ts')).rebuild(options, terminal)),
    );
}

function addDataCommands(program: Command, terminal: Terminal, exit: Exit): void {
  program
    .command('import')
    .description('hand STDF V4 files, plain or compressed, to the node of a fab')
    .argument('<file...>', 'the files')
    .addOption(nodeOption('where that node listens'))
    .option('--wait <fabs>', 'wait until these fabs have it all: all, or some such as tw,az', waitFor)
    .option('--lot <lot>', "lot to use instead of the files' own")
    .option('--final', 'mark the verdicts final: meant to stand beside those of other fabs')
    .option('--json', 'print JSON: a list with one object a run')
    .action(async (files: string[], options: ImportOptions) =>
      exit(await importFiles(files, options, terminal)),
    );
  program
    .command('send')
    .description('stream results to the node of a fab as a tester does, and go on where it was cut')
    .argument(
      '<file...>',
      'files with one result a line as a JSON object, with the fields of TestResult; - is stdin',
    )
    .addOption(nodeOption('where that node listens'))
    .option('--equipment <id>', 'the tester, where the results do not say it')
    .option('--stream <id>', "the stream, instead of one made of the file's name and content")
    .option('--rate <number>', 'most results a second', positive)
    .option('--final', 'mark the verdicts final: meant to stand beside those of other fabs')
    .option('--json', 'print JSON: a list with one object a file')
    .action(async (files: string[], options: SendOptions) => exit(await send(files, options, terminal)));
  program
    .command('watch')
    .description('tell the results that become durable at a node, and the yields of their wafers')
    .addOption(nodeOption('where the node listens'))
    .option('--wafer <id>', 'only this wafer')
    .option('--lot <lot>', 'only this lot')
    .option('--equipment <id>', 'only this tester')
    .addOption(
      new Option('--view <view>', 'which attempt of a die counts').choices(YIELD_VIEWS).default('last'),
    )
    .option('--json', 'print JSON: one object a line, with the results')
    .action(async (options: WatchOptions) => watch(options, terminal));
  program
    .command('inspect')
    .description('tell what STDF files contain, or a run that a node keeps')
    .argument('[file...]', 'the files')
    .addOption(nodeOption('with --run: where the node listens'))
    .option('--run <run>', 'the run, as `wafersync import` printed it')
    .option('--json', 'print JSON: one object a line')
    .action(async (files: string[], { node, ...options }: InspectOptions, command: Command) =>
      // Files are not looked for at a node that the environment names.
      exit(
        await inspect(files, options.run || isNodeTyped(command) ? { node, ...options } : options, terminal),
      ),
    );
}
