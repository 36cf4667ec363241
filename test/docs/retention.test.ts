import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_PURGED_UPDATES } from '../../src/wafer/purge.ts';
import { assertKnown, commandLines } from './command-lines.ts';
import { documentOf } from './documents.ts';

const PAGE = documentOf('docs/RETENTION.md').text;

test('every command and option that docs/RETENTION.md names is in the help of the command', async () => {
  const lines = commandLines(PAGE);
  for (const command of ['purge', 'purges', 'status', 'watch'])
    assert.ok(
      lines.some((line) => line.command === command),
      command,
    );
  await assertKnown(lines);
});

test('the protocol and the page say how many updates a purge names', () => {
  const bound = MAX_PURGED_UPDATES.toLocaleString('en-US');
  assert.ok(PAGE.includes(`${bound} updates each`));
  assert.ok(documentOf('docs/PROTOCOL.md').text.includes(`at most ${bound} updates\nin all`));
});
