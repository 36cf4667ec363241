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

/** A problem as it is told. */
export interface ToldProblem {
  /** Where it is, and what is wrong, without a full stop. */
  readonly says: string;
  /** What to do, as a sentence. */
  readonly remedy: string;
}

/** A configuration that cannot be used. Its message has a line a problem. */
export class ConfigError extends WafersyncError {
  readonly problems: readonly ToldProblem[];

  /** @param problems in the order in which they are told */
  constructor(file: string, problems: readonly ToldProblem[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    const lines = problems.map(({ says, remedy }) => `${says}. ${remedy}`);
    super('invalid', `the configuration ${file} has ${count}:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

/**
 * All problems as one error, in the order of the file.
 * @param others problems that have no path
 */
export function configError(
  file: string,
  problems: readonly Problem[],
  locate: Locate,
  others: readonly ToldProblem[],
): ConfigError {
  const told = problems
    .map((problem) => ({ ...locate(problem.path), problem }))
    .sort((a, b) => (a.line === b.line ? 0 : a.line - b.line))
    .map(({ where, problem }) => ({ says: `${where}: ${describe(problem)}`, remedy: problem.remedy }));
  return new ConfigError(file, [...told, ...others]);
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

function describe({ path, value, what }: Problem): string {
  const name = formatPath(path) || 'the file';
  return `${name}${value === undefined ? '' : ` = ${quote(value)}`} ${what}`;
}
