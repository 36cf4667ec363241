import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { documentOf, documents } from './documents.ts';

const records = documents().filter(({ path }) => path.startsWith('docs/adr/'));

test('every record of a decision has its number, its parts and its place in docs/ARCHITECTURE.md', () => {
  const list = documentOf('docs/ARCHITECTURE.md').text.split('## Decisions')[1]!;
  records.forEach(({ path, text }, i) => {
    const [, title] =
      new RegExp(`^# ${i + 1}\\. (.+)\\n\\nAccepted, \\d+\\.\\d+\\.\\d+\\.\\n`).exec(text) ?? [];
    assert.ok(title, `${path} begins with its number, its title and when it was accepted`);
    assert.match(path, new RegExp(`/${String(i + 1).padStart(4, '0')}-`));
    for (const part of ['Context', 'Decision', 'Consequences'])
      assert.match(text, new RegExp(`^## ${part}$`, 'm'), path);
    assert.ok(list.includes(`${i + 1}. [${title}](${path.slice('docs/'.length)})`), `${path} is listed`);
  });
  assert.ok(records.length >= 14);
});

test('every test, figure and source file that a document names exists', () => {
  const missing = documents().flatMap(({ path, text }) =>
    [
      ...text.matchAll(
        /\b((?:test|src|bench|scripts|bin|deploy|proto)\/[\w./-]*\w\.(?:ts|mjs|sql|proto|yaml))\b/g,
      ),
    ]
      .map(([, name]) => name!)
      .filter((name) => !existsSync(fileURLToPath(new URL(`../../${name}`, import.meta.url))))
      .map((name) => `${path}: ${name}`),
  );
  assert.deepEqual(missing, []);
});
