import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { configurationPage, exampleFile } from '../../src/config/document.ts';
import { configKeys, keyAt } from '../../src/config/keys.ts';
import { loadConfig } from '../../src/config/load.ts';
import { renderConfig } from '../../src/config/render.ts';
import { parseSource } from '../../src/config/source.ts';
import { load } from './config-support.ts';

const EXAMPLE = fileURLToPath(new URL('../../deploy/wafersync.example.yaml', import.meta.url));
const PAGE = fileURLToPath(new URL('../../docs/CONFIGURATION.md', import.meta.url));

test('the example file and the page are what the schema says; `npm run document` writes them', () => {
  assert.equal(readFileSync(EXAMPLE, 'utf8'), exampleFile());
  assert.equal(readFileSync(PAGE, 'utf8'), configurationPage());
});

test('every key has a description, and all but the required ones a default', () => {
  for (const key of configKeys) {
    assert.match(key.description, /^[A-Z].*\.$/, key.name);
    if (key.kind !== 'group') assert.equal(key.default === undefined, key.required, key.name);
    if (key.kind === 'number') assert.ok(key.minimum !== undefined && key.maximum !== undefined, key.name);
    if (key.kind === 'list') assert.ok(key.maximum !== undefined, key.name);
  }
});

test('the example file has every key under a comment, at its default', () => {
  const text = readFileSync(EXAMPLE, 'utf8');
  const lines = text.split('\n');
  const source = parseSource(EXAMPLE, text);
  for (const key of configKeys) {
    if (key.name.includes('[]')) {
      assert.match(text, new RegExp(`${key.path.at(-1)}: `), `${key.name} is mentioned`);
      continue;
    }
    const line = source.lineOf(key.path);
    assert.match(lines[line - 1] ?? '', new RegExp(`^ *${key.path.at(-1)}:`), key.name);
    assert.match(lines[line - 2] ?? '', /^ *# /, `${key.name} has a comment`);
  }
});

test('the example file loads, and means the same as the required keys alone', (t) => {
  const { dataDir: _, ...example } = loadConfig(EXAMPLE, {});
  const { dataDir: __, ...preset } = load(t, 'fab: tw\ndata_dir: data/tw\n');
  assert.deepEqual(example, preset);
});

test('no key is for a secret', () => {
  for (const key of configKeys) assert.doesNotMatch(key.name, /secret|password|token|credential|private/);
});

test('a rendered configuration loads as what was rendered, in the order of the schema', (t) => {
  const text = renderConfig(
    {
      mesh: { peers: [{ fab: 'no', address: '127.0.0.1:50052' }], members: ['tw', 'no'] },
      log: { level: 'debug' },
      data_dir: 'a: b # c',
      fab: 'tw',
      listen: { port: 50061 },
    },
    'Node of the demo.',
  );
  const config = load(t, text);
  assert.equal(config.fab, 'tw');
  assert.match(config.dataDir, /a: b # c$/);
  assert.equal(config.listen.port, 50061);
  assert.deepEqual(config.mesh, {
    members: ['tw', 'no'],
    peers: [{ fab: 'no', address: '127.0.0.1:50052' }],
  });
  assert.match(text, /^# Node of the demo\.\n\n# .*\nfab: tw\n/);
  const places = ['fab:', 'data_dir:', 'listen:', 'mesh:', 'log:'].map((key) => text.indexOf(`\n${key}`));
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
});

test('a rendered configuration has just the keys that were given', () => {
  const text = renderConfig({ fab: 'tw', listen: { port: 1 } });
  const written = parseSource('x', text).values;
  assert.deepEqual(written, { fab: 'tw', listen: { port: 1 } });
  assert.ok(text.includes(keyAt(['fab'])?.description ?? 'no such key'));
});
