import type { Command } from 'commander';
import { isNoAnswer } from '../api/node-failure.ts';
import { WafersyncError } from '../errors.ts';
import { DEFAULT_NODE, isNodeDefault, NODE_VARIABLE } from './options.ts';

/** What fills a field of a request where that is not called the same: options, and arguments in angle brackets. */
const TYPED: Readonly<Record<string, readonly string[]>> = {
  duration_ms: ['--for'],
  fab_ids: ['--at', '--with'],
  missing_at: ['--missing-at'],
  older_than_days: ['--older-than'],
  timeout_ms: ['--timeout'],
  wafer_id: ['--wafer', '<wafer>'],
};

/**
 * The failure of a command in words of the command line: a node says what is wrong with a field of its request, and what was
 * typed was an option. Where nobody named the node, and none answers, it says how to name one.
 * @param command null where no command was run
 */
export function commandFailure(thrown: unknown, command: Command | null): WafersyncError {
  const error = WafersyncError.from(thrown);
  if (command === null) return error;
  const message = asTyped(error.message, command);
  const hint =
    isNodeDefault(command) && isNoAnswer(error, DEFAULT_NODE)
      ? `${error.hint} --node or ${NODE_VARIABLE} names another.`
      : error.hint;
  if (message === error.message && hint === error.hint) return error;
  return new WafersyncError(error.code, message, { hint, cause: error });
}

/** Messages about a field of a request begin with it. */
function asTyped(message: string, { options, registeredArguments }: Command): string {
  const [, field, rest] = /^([a-z_]+)( (?:names|is|has) .*)$/s.exec(message) ?? [];
  const taken = [...options.map(({ long }) => long), ...registeredArguments.map((one) => `<${one.name()}>`)];
  const typed = TYPED[field ?? '']?.find((name) => taken.includes(name));
  return typed === undefined ? message : `${typed}${rest}`;
}
