import type { z } from 'zod';
import { nearest } from '../words/nearest.ts';
import { type ConfigKey, configKeys, formatPath, keyAt, keyName, type Path } from './keys.ts';
import { expectation, type Problem } from './problem.ts';

/** What the schema found, in words for people. */
export function schemaProblems(input: unknown, issues: readonly z.core.$ZodIssue[]): Problem[] {
  return issues.flatMap((issue) => {
    const path = issue.path as Path;
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(input, path, key));
    return [badValue(issue, path, valueAt(input, path))];
  });
}

/** The value at a path; undefined where there is none. */
export function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    return (value as Record<string | number, unknown>)[part];
  }, input);
}

/** The key that was meant: one of the same group, else one of that name in any group. */
export function suggestKey(group: Path, name: string): string | undefined {
  const near = nearest(name, keysIn(group).map(lastPart));
  if (near !== undefined) return formatPath([...group, near]);
  return configKeys.find((key) => lastPart(key) === name)?.name;
}

function unknownKey(input: unknown, group: Path, name: string): Problem {
  const path = [...group, name];
  const meant = suggestKey(group, name);
  const remedy = meant ? `Did you mean ${meant}?` : 'Take it out.';
  return { path, value: valueAt(input, path), what: 'is not a key', remedy };
}

function badValue(issue: z.core.$ZodIssue, path: Path, value: unknown): Problem {
  const key = keyAt(path);
  if (value === undefined) return { path, what: 'is missing', remedy: `Add it: ${key?.description ?? ''}` };
  if (issue.code === 'custom') {
    return { path, value, what: issue.message, remedy: String(issue.params?.hint ?? '') };
  }
  const what = `is not ${key ? expectation(key) : expectationOfItem(path)}`;
  return { path, value, what, remedy: key ? remedyFor(key) : 'Change it or take it out.' };
}

function remedyFor(key: ConfigKey): string {
  if (key.kind === 'group') return 'Write its keys below it, indented, or take it out.';
  if (key.default === undefined) return 'Change it.';
  return `Change it, or leave it out for the default of ${JSON.stringify(key.default)}.`;
}

/** What one entry of a list is; so is the file as a whole. */
function expectationOfItem(path: Path): string {
  if (path.length === 0) return 'a group of keys';
  const inside = `${keyName(path)}.`;
  return configKeys.some((key) => key.name.startsWith(inside)) ? 'a group of keys' : 'a text';
}

/** Keys directly in a group; those of an entry of a list too. */
function keysIn(group: Path): ConfigKey[] {
  const inside = group.length === 0 ? '' : `${keyName(group)}.`;
  return configKeys.filter(
    (key) => key.name.startsWith(inside) && !key.name.slice(inside.length).includes('.'),
  );
}

function lastPart(key: ConfigKey): string {
  return String(key.path.at(-1));
}
