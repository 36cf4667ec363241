import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import { importFaults, LAYERS, layerOf } from './layers.ts';
import { importsOf, sources } from './source-files.ts';

/** Faults of a file that is made up. */
function faultsOf(path: string, ...specifiers: string[]): number {
  return importFaults({ path, text: specifiers.map((name) => `import { x } from '${name}';`).join('\n') })
    .length;
}

/** The text without the imports that are gone when the program runs. */
function withoutTypes(text: string): string {
  return text.replace(/^(?:import|export) type [^;]*;/gm, '');
}

test('imports point one way, and packages are imported where they belong', () => {
  assert.deepEqual(sources().flatMap(importFaults), []);
});

test('every folder and file in src has its layer', () => {
  assert.deepEqual(
    [...new Set(sources().map(({ path }) => layerOf(path)))].filter((layer) => !(layer in LAYERS)),
    [],
  );
});

test('no layer stands on one that stands on it', () => {
  for (const [layer, below] of Object.entries(LAYERS)) {
    for (const other of below) {
      assert.ok(other in LAYERS, `${other} is a layer`);
      assert.ok(!LAYERS[other]!.includes(layer), `${layer} and ${other}`);
    }
  }
});

/** What each file imports when it is loaded or later, as paths, and names of packages. */
function graphOf(textOf: (text: string) => string): Map<string, string[]> {
  return new Map(
    sources().map(({ path, text }) => [
      path,
      importsOf(textOf(withoutTypes(text))).map((specifier) =>
        specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier,
      ),
    ]),
  );
}

test('a command that asks a node loads neither a node, nor a database, nor what reads a configuration', () => {
  const graph = graphOf((text) => text.replaceAll(/\bimport\(/g, 'later('));
  const loaded = new Set(['src/cli/program.ts']);
  for (const path of loaded) for (const next of graph.get(path) ?? []) loaded.add(next);
  assert.ok(loaded.has('src/cli/status/status.ts') && loaded.has('@grpc/grpc-js'));
  const heavy = [...loaded].filter((name) =>
    /^(better-sqlite3|zod|yaml|pino|prom-client|@opentelemetry.*|src\/(node|store|config|telemetry)\b.*)$/.test(
      name,
    ),
  );
  assert.deepEqual(heavy, []);
});

test('no file needs itself to be loaded', () => {
  const graph = graphOf((text) => text);
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
    else if (!done.has(path)) for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  assert.deepEqual(circles, []);
});

test('the rules refuse what they are for', () => {
  assert.equal(faultsOf('src/clocks/dot.ts', '../wafer/update.ts', 'node:fs', 'long'), 3);
  assert.equal(faultsOf('src/clocks/dot.ts', '../errors.ts', './hlc.ts', 'node:crypto'), 0);
  assert.equal(
    faultsOf('src/sync/mesh.ts', '../ingest/x.ts', '@grpc/grpc-js', '../gen/wafersync.js', 'node:net'),
    4,
  );
  assert.equal(
    faultsOf('src/sync/transport/grpc.ts', '@grpc/grpc-js', '../../gen/wafersync.js', 'node:net'),
    0,
  );
  assert.equal(faultsOf('src/store/log.ts', 'better-sqlite3', 'node:fs', '../replica/replica.ts'), 1);
  assert.equal(
    faultsOf('src/api/server.ts', 'better-sqlite3', 'pino', 'commander', 'left-pad', '../node.ts'),
    5,
  );
  assert.equal(faultsOf('src/other/x.ts', '../errors.ts', './x.js'), 2);
});

test('imports are found however they are written', () => {
  const text = `import type { A } from './a.ts';
import {
  type B,
  c,
} from "./b.ts";
import './c.ts';
export { d } from './d.ts';
export * from './e.ts';
const f = await import('./f.ts');
type G = import('./g.ts').G;
`;
  assert.deepEqual(
    importsOf(text).sort(),
    ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `./${name}.ts`),
  );
});
