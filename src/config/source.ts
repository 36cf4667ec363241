import { readFileSync, statSync } from 'node:fs';
import { type Document, isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLError } from 'yaml';
import { WafersyncError } from '../errors.ts';
import type { Path } from './keys.ts';
import { ConfigError } from './problem.ts';

/** Largest configuration file, in bytes. */
export const MAX_FILE_BYTES = 1024 * 1024;

/** A configuration file that was read. */
export interface ConfigSource {
  readonly file: string;
  /** What it says, as plain values. */
  readonly values: unknown;
  /** Line, from 1, where a path stands; where it does not, the line of what it would stand in. */
  lineOf(path: Path): number;
}

/** Reads and parses a file. @throws WafersyncError `invalid`, with every mistake of the YAML in it */
export function readSource(file: string): ConfigSource {
  return parseSource(file, read(file));
}

function read(file: string): string {
  try {
    const { size } = statSync(file);
    if (size <= MAX_FILE_BYTES) return readFileSync(file, 'utf8');
  } catch (error) {
    throw new WafersyncError(
      'invalid',
      `cannot read the configuration ${file}: ${(error as Error).message}`,
      {
        hint: 'Name a file that exists and that this user may read.',
        cause: error,
      },
    );
  }
  throw new WafersyncError('invalid', `the configuration ${file} has more than ${MAX_FILE_BYTES} bytes`, {
    hint: 'Name the YAML file of a node.',
  });
}

/** Parses the text of a file. @throws WafersyncError `invalid`, with every mistake of the YAML in it */
export function parseSource(file: string, text: string): ConfigSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const mistakes = [...document.errors, ...document.warnings];
  if (mistakes.length > 0) throw yamlError(file, mistakes, lines);
  return {
    file,
    // An empty file has no value, and lacks every required key.
    values: valuesOf(file, document) ?? {},
    lineOf: (path) => lines.linePos(offsetOf(document, path)).line,
  };
}

function yamlError(file: string, mistakes: readonly YAMLError[], lines: LineCounter): ConfigError {
  return new ConfigError(
    file,
    mistakes.map(({ pos, code, message }) => {
      const { line, col } = lines.linePos(pos[0]);
      if (code === 'MULTIPLE_DOCS')
        return { says: `${file}:${line}: a second document begins here`, remedy: 'Take it out.' };
      return { says: `${file}:${line}:${col}: this is not YAML: ${message}`, remedy: 'Put it right.' };
    }),
  );
}

function valuesOf(file: string, document: Document): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // Aliases that grow without bound.
    const says = `${file}:1: ${(error as Error).message}`;
    throw new ConfigError(file, [{ says, remedy: 'Write the values out.' }]);
  }
}

/** Where the deepest part of the path that exists begins. */
function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part);
      if (!pair) break;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof part === 'number') {
      node = node.items[part];
      offset = (node as { range?: readonly number[] } | undefined)?.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}
