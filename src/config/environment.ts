import { nearest } from '../words/nearest.ts';
import { type ConfigKey, configKeys, type Path } from './keys.ts';
import { quote, type ToldProblem } from './problem.ts';

const PREFIX = 'WAFERSYNC_';

/** Variables that are no keys: the node that commands ask, where sample files lie, and whatever tests need. */
const OTHERS = [/^WAFERSYNC_NODE$/, /^WAFERSYNC_STDF_SAMPLES$/, /^WAFERSYNC_TEST_[A-Z0-9_]+$/];

/** A value from the environment. */
export interface Override {
  readonly variable: string;
  readonly path: Path;
  readonly value: unknown;
}

/** Variable that overrides a key: `WAFERSYNC_LISTEN_PORT`. Undefined for groups, and for lists and what is in them. */
export function variableOf(key: ConfigKey): string | undefined {
  if (key.kind === 'group' || key.kind === 'list' || key.name.includes('[]')) return undefined;
  return PREFIX + key.path.join('_').toUpperCase();
}

/** Reads every WAFERSYNC_ variable: overrides, and a problem for each that is none. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): {
  readonly overrides: readonly Override[];
  readonly mistakes: readonly ToldProblem[];
} {
  const overrides: Override[] = [];
  const mistakes: ToldProblem[] = [];
  for (const variable of Object.keys(env).sort()) {
    const text = env[variable];
    if (text === undefined || !variable.startsWith(PREFIX)) continue;
    if (OTHERS.some((other) => other.test(variable))) continue;
    const key = configKeys.find((candidate) => variableOf(candidate) === variable);
    if (key) overrides.push({ variable, path: key.path, value: parse(key, text) });
    else {
      const { says, remedy } = unknown(variable);
      mistakes.push({ says: `${variable} = ${quote(text)} ${says}`, remedy });
    }
  }
  return { overrides, mistakes };
}

function parse(key: ConfigKey, text: string): unknown {
  // What is no number stays a text, which the schema then refuses under the variable's name.
  return key.kind === 'number' && /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text;
}

function unknown(variable: string): ToldProblem {
  const inFileOnly = configKeys.find(
    ({ kind, path }) => kind === 'list' && PREFIX + path.join('_').toUpperCase() === variable,
  );
  if (inFileOnly)
    return { says: 'cannot be set by a variable', remedy: `Set ${inFileOnly.name} in the file.` };
  const variables = configKeys.flatMap((key) => variableOf(key) ?? []);
  const near = nearest(
    variable.slice(PREFIX.length),
    variables.map((name) => name.slice(PREFIX.length)),
  );
  return {
    says: 'is not the name of a key',
    remedy: near ? `Did you mean ${PREFIX}${near}?` : 'Unset it.',
  };
}

/** The values of a file with the overrides in their places. A group that is something else in the file stays as it is. */
export function applyOverrides(values: unknown, overrides: readonly Override[]): unknown {
  return overrides.reduce((result, { path, value }) => withValue(result, path, value), values);
}

function withValue(target: unknown, [part, ...rest]: Path, value: unknown): unknown {
  if (part === undefined) return value;
  if (target !== undefined && (typeof target !== 'object' || target === null || Array.isArray(target)))
    return target;
  const group = target as Readonly<Record<string, unknown>> | undefined;
  return { ...group, [part]: withValue(group?.[part], rest, value) };
}
