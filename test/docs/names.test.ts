import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesBelow } from '../house/source-files.ts';
import { documentOf, prose } from './documents.ts';

/** Names of the contract: messages, enums, their values, services, methods and fields. */
function contractNames(): Set<string> {
  const names = new Set<string>();
  for (const { text } of filesBelow('proto').filter(({ path }) => path.endsWith('.proto'))) {
    const bare = text.replace(/\/\/.*$/gm, '');
    for (const [, name] of bare.matchAll(/\b(?:message|enum|service|rpc) (\w+)/g)) names.add(name!);
    for (const [, name] of bare.matchAll(/\b(\w+) = \d+;/g)) names.add(name!);
  }
  return names;
}

/** What stands in back quotes in a text and has the form of a name of the contract: `Message`, `field_name`, `VALUE`, `a.b`. */
function quotedNames(text: string): string[] {
  const quoted = [...prose(text).matchAll(/`([^`\n]+)`/g)].map(([, name]) => name!);
  return quoted
    .filter((name) => /^[A-Za-z]\w*(?:\.\w+)*$/.test(name) && !/^(?:sync|intake|store|api)\./.test(name))
    .flatMap((name) => name.split('.'))
    .filter((name) => /^[A-Z]|_/.test(name));
}

/** Names in code blocks that draw messages: a capital letter and small ones, or small ones with an underscore. */
function drawnNames(text: string): string[] {
  const drawn = text.split('## The live lane')[1]!.split('```')[1]!;
  return [...drawn.matchAll(/\b(?:[A-Z][a-z]+[A-Z]\w+|[a-z]+_[a-z_]+)\b/g)].map(([name]) => name);
}

test('every message, field and value that docs/PROTOCOL.md names is in the contract', () => {
  const contract = contractNames();
  const { text } = documentOf('docs/PROTOCOL.md');
  const named = new Set([...quotedNames(text), ...drawnNames(text)]);
  assert.deepEqual(
    [...named].filter((name) => !contract.has(name)),
    [],
  );
  assert.ok(named.size > 30, `${named.size} names were found`);
});

test('every field of the messages between nodes is explained in docs/PROTOCOL.md', () => {
  const { text } = documentOf('docs/PROTOCOL.md');
  const sync = filesBelow('proto/wafersync/v1/sync.proto')[0]!.text.replace(/\/\/.*$/gm, '');
  const between = [
    'WaferUpdate',
    'UpdateHeader',
    'OriginIntervals',
    'Report',
    'Hello',
    'PeerStatus',
    'Announcement',
  ];
  const missing = [...between, 'PullRequest', 'PullEnd'].flatMap((message) => {
    const body = new RegExp(`message ${message} \\{([^}]*)\\}`).exec(sync)![1]!;
    return [...body.matchAll(/\b(\w+) = \d+;/g)]
      .map(([, field]) => field!)
      .filter((field) => !new RegExp(`\\b${field}\\b`).test(text))
      .map((field) => `${message}.${field}`);
  });
  assert.deepEqual(missing, []);
});
