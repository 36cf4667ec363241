import { posix } from 'node:path';
import { importsOf, type SourceFile } from './source-files.ts';

/**
 * Which layer may import which, besides itself; src/gen has rules of its own. A layer is a folder in src, or a file
 * in src itself, without `.ts`.
 */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  words: [],
  world: ['errors'],
  'log-sink': ['errors'],
  log: ['errors', 'log-sink'],
  clocks: ['errors', 'world'],
  wafer: ['errors', 'world', 'clocks'],
  wire: ['errors', 'world', 'clocks', 'wafer'],
  store: ['errors', 'world', 'log', 'clocks', 'wafer', 'wire'],
  replica: ['errors', 'world', 'log', 'clocks', 'wafer', 'wire', 'store'],
  sync: ['errors', 'words', 'world', 'log', 'clocks', 'wafer', 'wire', 'store', 'replica'],
  ingest: ['errors', 'world', 'log', 'clocks', 'wafer', 'wire', 'store', 'replica'],
  api: ['errors', 'words', 'world', 'log', 'clocks', 'wafer', 'wire', 'store', 'replica', 'sync', 'ingest'],
  telemetry: [
    ...['errors', 'world', 'log', 'clocks', 'wafer', 'wire', 'store', 'replica'],
    ...['sync', 'ingest', 'api'],
  ],
  tester: ['errors', 'world', 'wafer', 'sync', 'api'],
  config: ['errors', 'words', 'world', 'log', 'clocks', 'wafer'],
  generator: ['errors', 'world', 'clocks', 'wafer'],
  node: [
    ...['errors', 'world', 'log', 'clocks', 'wafer', 'wire', 'store', 'replica'],
    ...['sync', 'ingest', 'api', 'telemetry', 'config'],
  ],
  cli: [
    ...['errors', 'words', 'world', 'log', 'clocks', 'wafer', 'wire', 'store', 'replica'],
    ...['sync', 'ingest', 'api', 'config', 'node', 'generator', 'tester'],
  ],
  main: ['errors', 'world', 'log', 'config', 'node', 'cli'],
};

/** Who may import a package, by the beginning of the path. A package that is not here may be imported by none. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@grpc/grpc-js': ['src/sync/transport', 'src/api/', 'src/cli/'],
  '@opentelemetry/api': ['src/telemetry/tracing/'],
  '@opentelemetry/exporter-trace-otlp-http': ['src/telemetry/tracing/'],
  '@opentelemetry/resources': ['src/telemetry/tracing/'],
  '@opentelemetry/sdk-trace': ['src/telemetry/tracing/'],
  'better-sqlite3': ['src/store/'],
  'cli-progress': ['src/cli/'],
  'cli-table3': ['src/cli/'],
  commander: ['src/cli/', 'src/main.ts'],
  'fast-json-patch': ['src/wafer/'],
  long: ['src/wire/'],
  pino: ['src/log.ts'],
  'prom-client': ['src/telemetry/metrics/'],
  protobufjs: ['src/wire/', 'src/api/'],
  'unbzip2-stream': ['src/ingest/stdf/'],
  'xz-decompress': ['src/ingest/stdf/'],
  yaml: ['src/config/'],
  yauzl: ['src/ingest/stdf/'],
  zod: ['src/config/'],
};

/** Who may import generated code. */
const GENERATED = ['src/wire/', 'src/api/', 'src/sync/transport', 'src/cli/'];

/** Node's own modules that do no I/O. */
const PURE_BUILTINS = ['node:crypto', 'node:zlib'];

/** Layers that do no I/O, and what they may use of Node. */
const BUILTINS: readonly (readonly [pure: RegExp, allowed: readonly string[]])[] = [
  [/^src\/errors\.ts$/, []],
  [/^src\/clocks\//, PURE_BUILTINS],
  [/^src\/wafer\//, PURE_BUILTINS],
  [/^src\/wire\//, PURE_BUILTINS],
  [/^src\/generator\//, PURE_BUILTINS],
  [/^src\/sync\/(?!transport)/, []],
];

/** What a file imports against the rules, a line each. */
export function importFaults(file: SourceFile): string[] {
  return importsOf(file.text).flatMap((specifier) => {
    const fault = faultOf(file.path, specifier);
    return fault === null ? [] : [`${file.path} imports ${specifier}: ${fault}`];
  });
}

/** Layer of a path in src. */
export function layerOf(path: string): string {
  return path.split('/')[1]!.replace(/\.ts$/, '');
}

function faultOf(path: string, specifier: string): string | null {
  if (specifier.startsWith('.')) return ownFault(path, specifier);
  if (specifier.startsWith('node:')) return builtinFault(path, specifier);
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const allowed = PACKAGES[name];
  if (!allowed) return 'this package has no place in the table of packages';
  return mayImport(path, allowed) ? null : `only ${allowed.join(', ')} may`;
}

function ownFault(path: string, specifier: string): string | null {
  const target = posix.join(posix.dirname(path), specifier);
  if (target.startsWith('src/gen/')) {
    return mayImport(path, GENERATED) ? null : `only ${GENERATED.join(', ')} may`;
  }
  if (!target.endsWith('.ts')) return 'own files are imported with .ts';
  const from = layerOf(path);
  const to = layerOf(target);
  if (!(from in LAYERS)) return `${from} has no place in the table of layers`;
  return from === to || LAYERS[from]!.includes(to) ? null : `${from} does not stand on ${to}`;
}

function builtinFault(path: string, specifier: string): string | null {
  const rule = BUILTINS.find(([pure]) => pure.test(path));
  return !rule || rule[1].includes(specifier) ? null : 'this layer does no I/O';
}

function mayImport(path: string, allowed: readonly string[]): boolean {
  return allowed.some((beginning) => path.startsWith(beginning));
}
