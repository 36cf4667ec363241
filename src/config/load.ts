import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { applyOverrides, type Override, readEnvironment } from './environment.ts';
import { formatPath, type Path } from './keys.ts';
import { configError, type Locate } from './problem.ts';
import { relationProblems } from './relations.ts';
import { nodeSchema } from './schema.ts';
import { schemaProblems } from './schema-problems.ts';
import { type ConfigSource, readSource } from './source.ts';

type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name;

/** The same in camelCase, and read-only all the way down. */
type Settled<Value> = Value extends string | number | boolean
  ? Value
  : Value extends readonly (infer Entry)[]
    ? readonly Settled<Entry>[]
    : { readonly [Key in keyof Value as Camel<Key & string>]: Settled<Value[Key]> };

/**
 * What a node is configured to be: the keys of docs/CONFIGURATION.md in camelCase, frozen. `dataDir` is absolute, so is
 * `intake.folder` unless it is empty, and `mesh.members` holds at least this fab.
 */
export type NodeConfig = Settled<z.output<typeof nodeSchema>>;

/** What environment variables are: name → value. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a node's configuration; environment variables override the file.
 * @throws WafersyncError `invalid` with everything that is wrong, a line each: where, key, value, remedy
 */
export function loadConfig(file: string, env: Environment = process.env): NodeConfig {
  const source = readSource(file);
  const { overrides, mistakes } = readEnvironment(env);
  const input = applyOverrides(source.values, overrides);
  const parsed = nodeSchema.safeParse(input);
  const problems = [
    ...(parsed.success ? [] : schemaProblems(input, parsed.error.issues)),
    ...relationProblems(input),
  ];
  if (!parsed.success || problems.length > 0 || mistakes.length > 0) {
    throw configError(file, problems, locator(source, overrides), mistakes);
  }
  return settle(parsed.data, file);
}

function locator(source: ConfigSource, overrides: readonly Override[]): Locate {
  const variables = new Map(overrides.map(({ path, variable }) => [formatPath(path), variable]));
  return (path: Path) => {
    const variable = variables.get(formatPath(path));
    if (variable) return { where: variable, line: Number.POSITIVE_INFINITY };
    const line = source.lineOf(path);
    return { where: `${source.file}:${line}`, line };
  };
}

function settle(values: z.output<typeof nodeSchema>, file: string): NodeConfig {
  const members = values.mesh.members.length > 0 ? values.mesh.members : [values.fab];
  const { intake } = values;
  return camel({
    ...values,
    data_dir: resolve(dirname(file), values.data_dir),
    intake: { ...intake, folder: intake.folder && resolve(dirname(file), intake.folder) },
    mesh: { ...values.mesh, members },
  }) as NodeConfig;
}

function camel(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(camel));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [
    key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    camel(inner),
  ]);
  return Object.freeze(Object.fromEntries(entries));
}
