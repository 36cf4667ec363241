import { Argument, type Command } from 'commander';
import type { Terminal } from '../output.ts';
import { completionScript, SHELLS, type Shell } from './script.ts';

/** Adds `completion` to the commands: it completes those that are there when it runs. */
export function addCompletionCommand(program: Command, terminal: Terminal): void {
  program
    .command('completion')
    .description('print a script that completes commands and options: source <(wafersync completion bash)')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: Shell) => terminal.out(completionScript(program, shell)));
}
