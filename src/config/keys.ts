import { z } from 'zod';
import { nodeSchema } from './schema.ts';

/** Where a value stands: names of keys, and positions in lists. */
export type Path = readonly (string | number)[];

/** One key of the configuration file, read off the schema. */
export interface ConfigKey {
  /** `listen.port`; within a list `mesh.peers[].fab`. */
  readonly name: string;
  readonly path: Path;
  readonly kind: 'group' | 'list' | 'number' | 'text';
  readonly description: string;
  /** Absent for a required key and for a group. */
  readonly default?: unknown;
  readonly required: boolean;
  /** Bounds of a number, or of how many a list holds. */
  readonly minimum?: number;
  readonly maximum?: number;
  /** The only values of a text, where they are few. */
  readonly choices?: readonly string[];
}

/** What is read of the JSON schema. */
interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly enum?: readonly string[];
}

/** Every key in the order of the schema, groups before what they hold. */
export const configKeys: readonly ConfigKey[] = keysBelow(
  z.toJSONSchema(nodeSchema, { io: 'input' }) as Node,
  [],
);

/** Name of a path as people write it: `mesh.peers[0].fab`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${part}]`;
    return name === '' ? part : `${name}.${part}`;
  }, '');
}

/** Name of the key at a path, whatever the positions in lists: `mesh.peers[].fab`. */
export function keyName(path: Path): string {
  return formatPath(path).replace(/\[\d+\]/g, '[]');
}

/** The key at a path. */
export function keyAt(path: Path): ConfigKey | undefined {
  const name = keyName(path);
  return configKeys.find((key) => key.name === name);
}

function keysBelow(node: Node, path: Path): ConfigKey[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const key = keyOf(child, [...path, name], node.required?.includes(name) ?? false);
    const inside = child.items ? keysBelow(child.items, [...path, `${name}[]`]) : keysBelow(child, key.path);
    return [key, ...inside];
  });
}

function keyOf(node: Node, path: Path, required: boolean): ConfigKey {
  const kind = kindOf(node);
  const maximum = node.maximum ?? node.maxItems;
  return {
    name: path.join('.'),
    path,
    kind,
    description: node.description ?? '',
    required,
    ...(kind === 'group' || node.default === undefined ? {} : { default: node.default }),
    ...(node.minimum === undefined ? {} : { minimum: node.minimum }),
    ...(maximum === undefined ? {} : { maximum }),
    ...(node.enum ? { choices: node.enum } : {}),
  };
}

function kindOf(node: Node): ConfigKey['kind'] {
  if (node.properties) return 'group';
  if (node.type === 'array') return 'list';
  return node.type === 'integer' || node.type === 'number' ? 'number' : 'text';
}
