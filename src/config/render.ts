import { Document, isMap, isPair, isScalar, isSeq, visit } from 'yaml';
import { type ConfigKey, configKeys, keyAt, type Path } from './keys.ts';
import type { ConfigFile } from './schema.ts';

/** A configuration of which groups may hold some of their keys only. */
export type PartialConfig = {
  readonly [Key in keyof ConfigFile]?: ConfigFile[Key] extends object | undefined
    ? ConfigFile[Key] extends readonly unknown[]
      ? ConfigFile[Key]
      : Partial<ConfigFile[Key]>
    : ConfigFile[Key];
};

/** Widest comment line, in characters. */
const WIDTH = 100;

/**
 * Text of a configuration file with just these keys, each under a comment that explains it. It is not checked;
 * {@link loadConfig} of `load.ts` does that.
 */
export function renderConfig(values: PartialConfig, heading = ''): string {
  const document = new Document(inOrder(values, []));
  visit(document, {
    Pair(_, pair, ancestors) {
      const path = [...ancestors, pair].flatMap((node) =>
        isPair(node) && isScalar(node.key) ? [String(node.key.value)] : [],
      );
      if (isScalar(pair.key)) Object.assign(pair.key, commentFor(path, ancestors.length === 2));
      // One line an entry: `- { fab: az, address: 127.0.0.1:50052 }`.
      if (isSeq(pair.value)) {
        for (const item of pair.value.items) if (isMap(item)) item.flow = true;
        pair.value.flow = pair.value.items.every((item) => isScalar(item));
        return visit.SKIP;
      }
      return undefined;
    },
  });
  const text = document.toString({ lineWidth: 0 }).trimStart();
  return heading === '' ? text : `${comment(heading)}\n\n${text}`;
}

/** These values, and every other key that has a default at it. */
export function withDefaults(values: PartialConfig): PartialConfig {
  const all: Record<string, unknown> = { ...values };
  for (const { kind, path, default: preset } of configKeys) {
    const [group = '', key] = path;
    if (kind === 'group' || preset === undefined) continue;
    if (key === undefined) all[group] ??= preset;
    else all[group] = { [key]: preset, ...(all[group] as object | undefined) };
  }
  return all as PartialConfig;
}

/** The values in the order of the schema. */
function inOrder(values: object, group: Path): object {
  const given = new Map(Object.entries(values));
  const ordered = configKeys
    .filter(
      ({ path }) => path.length === group.length + 1 && group.every((part, index) => path[index] === part),
    )
    .flatMap(({ kind, path }) => {
      const name = String(path.at(-1));
      const value = given.get(name);
      if (value === undefined) return [];
      return [[name, kind === 'group' ? inOrder(value, path) : value] as const];
    });
  return Object.fromEntries(ordered);
}

function commentFor(path: Path, outermost: boolean): object {
  const key = keyAt(path);
  if (!key) return {};
  const words = [key.description, limits(key)].filter((part) => part !== '').join(' ');
  return { commentBefore: wrap(words, WIDTH), spaceBefore: outermost };
}

/** What a key may be, as a sentence, where that is to be counted. */
export function limits({ kind, minimum, maximum, choices }: ConfigKey): string {
  if (choices) return `One of ${choices.join(', ')}.`;
  if (kind === 'number') return `${minimum} to ${maximum}.`;
  return kind === 'list' ? `At most ${maximum}.` : '';
}

function comment(text: string): string {
  return text
    .split('\n')
    .map((line) => `# ${line}`.trimEnd())
    .join('\n');
}

/** Lines for a comment; yaml puts `#` before each. */
function wrap(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(` ${word}`);
  }
  return lines.join('\n');
}
