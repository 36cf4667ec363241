import { WafersyncError } from '../errors.ts';
import { type ConfigKey, formatPath, type Path } from './keys.ts';

/** One thing that is wrong with a configuration. */
export interface Problem {
  readonly path: Path;
  /** What stands there; absent where nothing does. */
  readonly value?: unknown;
  /** Goes on from the key and its value: `is not a time zone`. */
  readonly what: string;
  /** What to do, as a sentence. */
  readonly remedy: string;
}

/** Says where a path was set: `tw.yaml:7`, or the name of an environment variable. */
export type Locate = (path: Path) => { readonly where: string; readonly line: number };

/** Longest value that is quoted back. */
const MAX_QUOTED = 60;

/**
 * All problems as one error, a line each, in the order of the file.
 * @param others lines of problems that have no path
 */
export function configError(
  file: string,
  problems: readonly Problem[],
  locate: Locate,
  others: readonly string[],
): WafersyncError {
  const lines = problems
    .map((problem) => ({ ...locate(problem.path), problem }))
    .sort((a, b) => (a.line === b.line ? 0 : a.line - b.line))
    .map(({ where, problem }) => `${where}: ${describe(problem)}`);
  return problemsError(file, [...lines, ...others]);
}

/** The error of a configuration with these lines of problems. */
export function problemsError(file: string, lines: readonly string[]): WafersyncError {
  const count = lines.length === 1 ? 'a problem' : `${lines.length} problems`;
  return new WafersyncError('invalid', `the configuration ${file} has ${count}:\n${lines.join('\n')}`);
}

/** What a key takes, for remedies and documents: `a whole number from 0 to 65535`. */
export function expectation(key: ConfigKey): string {
  if (key.choices) return `one of ${key.choices.join(', ')}`;
  if (key.kind === 'number') return `a whole number from ${key.minimum} to ${key.maximum}`;
  if (key.kind === 'list') return `a list of at most ${key.maximum}`;
  return key.kind === 'group' ? 'a group of keys' : 'a text that is not empty';
}

/** A value as it is quoted back. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
}

function describe({ path, value, what, remedy }: Problem): string {
  const name = formatPath(path) || 'the file';
  return `${name}${value === undefined ? '' : ` = ${quote(value)}`} ${what}. ${remedy}`;
}
