import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { documents, prose } from './documents.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Targets of a document's links that are no web addresses. */
function targetsOf(text: string): string[] {
  const links = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  return links.filter((target) => !/^[a-z]+:/.test(target));
}

/** Names under which the headings of a document can be linked, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  const headings = [...prose(text).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading!);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What is wrong with the links of the documents, a line each. */
function deadLinks(files: readonly { readonly path: string; readonly text: string }[]): string[] {
  const anchors = new Map(files.map(({ path, text }) => [path, anchorsOf(text)]));
  return files.flatMap(({ path, text }) =>
    targetsOf(text).flatMap((link) => {
      const [name = '', anchor] = link.split('#');
      const target = name === '' ? path : posix.join(posix.dirname(path), name);
      if (!anchors.has(target) && !existsSync(posix.join(ROOT, target)))
        return [`${path}: ${link} does not exist`];
      if (anchor === undefined || anchors.get(target)?.includes(anchor)) return [];
      return [`${path}: ${link} leads to no heading`];
    }),
  );
}

test('every link within the documents leads somewhere', () => {
  assert.deepEqual(deadLinks(documents()), []);
});

test('every document can be reached from the README', () => {
  const all = documents();
  const reached = new Set<string>();
  const visit = (path: string): void => {
    const document = all.find((one) => one.path === path);
    if (!document || reached.has(path)) return;
    reached.add(path);
    for (const link of targetsOf(document.text)) {
      visit(posix.join(posix.dirname(path), link.split('#')[0]!));
    }
  };
  visit('README.md');
  assert.deepEqual(
    all.map(({ path }) => path).filter((path) => !reached.has(path)),
    [],
  );
});

test('dead links are found', () => {
  const a = {
    path: 'docs/a.md',
    text: '# Top\n[b](b.md) [c](c.md) [d](#top) [e](#none) [f](b.md#x) [w](https://x.y)\n',
  };
  const b = { path: 'docs/b.md', text: '## X\n```\n[no](link.md)\n```\n[up](../package.json)\n' };
  assert.deepEqual(deadLinks([a, b]), [
    'docs/a.md: c.md does not exist',
    'docs/a.md: #none leads to no heading',
  ]);
});
