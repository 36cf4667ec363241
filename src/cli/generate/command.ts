import { type Command, Option } from 'commander';
import { WafersyncError } from '../../errors.ts';
import { CLEAN } from '../../generator/dirt.ts';
import { address, positive } from '../options.ts';
import type { Terminal } from '../output.ts';
import { writeLots } from './files.ts';
import {
  BYTE_ORDERS,
  COMPRESS,
  DIRT_NAMES,
  dirtRates,
  type GenerateOptions,
  PRESET_NAMES,
  RETEST_MARKS,
  seedNumber,
  share,
} from './options.ts';
import { streamLots } from './stream.ts';

/** Adds `generate` to the commands. */
export function addGenerateCommand(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const choice = (flags: string, description: string, choices: readonly string[], preset: string): Option =>
    new Option(flags, description).choices([...choices]).default(preset);
  program
    .command('generate')
    .description('write wafer lots as STDF files, or stream them to a node, and print what is true of them')
    .option('--out <folder>', 'where the files go; it is made where it is missing')
    .addOption(
      new Option('--node <host:port>', 'node that the results are streamed to, as their testers would')
        .argParser(address)
        .conflicts(['out', ...OF_FILES]),
    )
    .option('--rate <number>', 'most results a second that are streamed', positive)
    .option('--seed <number>', 'the same seed and options make the same files', seedNumber, 1)
    .addOption(choice('--preset <name>', 'sizes of the lots', PRESET_NAMES, 'demo'))
    .option('--lots <count>', 'lots', positive, 1)
    .option('--lot <name>', 'beginning of their ids', 'LOT')
    .option('--wafers <count>', 'wafers of a lot', positive)
    .option('--dies <count>', 'dies of a wafer', positive)
    .option('--tests <count>', 'tests of a die', positive)
    .option('--sites <count>', 'dies tested at the same time', positive)
    .option('--mpr <share>', 'share of the tests that give several values', share)
    .option('--ftr <share>', 'share of the tests that are functional', share)
    .option('--non-finite <share>', 'share of the results that are NaN or infinite', share)
    .addOption(choice('--retests <marks>', 'how retests are marked', RETEST_MARKS, 'none'))
    .option('--all-tests', 'go on testing a die that has failed')
    .addOption(
      new Option('--dirt <rates>', 'how often files are not as they should be: none, field, or some rates')
        .argParser(dirtRates)
        .default(CLEAN, 'none'),
    )
    .option('--wafers-per-file <count>', 'wafers of one file; all of a lot where it is not said', positive)
    .addOption(choice('--byte-order <order>', 'order of the bytes of numbers', BYTE_ORDERS, 'little'))
    .addOption(choice('--compress <how>', 'how files are compressed', COMPRESS, 'none'))
    .option('--json', 'print JSON: a list with one object a file')
    .addHelpText(
      'after',
      () => `\nRates of dirt, such as --dirt cut-files=0.1,clocks-off=1: ${DIRT_NAMES.join(', ')}.`,
    )
    .action(async (options: GenerateOptions) => exit(await generate(options, terminal)));
}

/** What makes no sense without files. */
const OF_FILES = ['mpr', 'dirt', 'wafersPerFile', 'byteOrder', 'compress', 'retests'];

async function generate(options: GenerateOptions, terminal: Terminal): Promise<number> {
  const { out, node, rate } = options;
  if (node !== undefined) return streamLots({ ...options, node }, terminal);
  if (rate !== undefined) throw usage('--rate is given without --node', 'Leave it out, or say which node.');
  if (out !== undefined) return writeLots({ ...options, out }, terminal);
  throw usage('neither --out nor --node is given', 'Say where the files or the results go.');
}

function usage(what: string, hint: string): WafersyncError {
  return new WafersyncError('invalid', what, { hint });
}
