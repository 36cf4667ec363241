import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { putAway } from '../../src/ingest/folder/put-away.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a file is moved, and a name that exists already gets a number behind it', async (t) => {
  const folder = temporaryFolder(t);
  const names: string[] = [];
  for (const text of ['one', 'two', 'three']) {
    writeFileSync(join(folder, 'lot.stdf'), text);
    names.push(await putAway(folder, 'lot.stdf', 'done', ''));
  }
  assert.deepEqual(names, ['lot.stdf', 'lot.stdf.2', 'lot.stdf.3']);
  assert.deepEqual(
    names.map((name) => readFileSync(join(folder, 'done', name), 'utf8')),
    ['one', 'two', 'three'],
  );
  assert.deepEqual(readdirSync(folder), ['done']);
});

test('a reason stands beside its file under the name that the file got', async (t) => {
  const folder = temporaryFolder(t);
  for (const reason of ['it is empty', 'it is text']) {
    writeFileSync(join(folder, 'lot.stdf'), '');
    await putAway(folder, 'lot.stdf', 'failed', reason);
  }
  assert.equal(readFileSync(join(folder, 'failed', 'lot.stdf.reason.txt'), 'utf8'), 'it is empty\n');
  assert.equal(readFileSync(join(folder, 'failed', 'lot.stdf.2.reason.txt'), 'utf8'), 'it is text\n');
});

test('a reason that a crash left without its file is written again', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'failed'));
  writeFileSync(join(folder, 'failed', 'lot.stdf.reason.txt'), 'half a reas');
  writeFileSync(join(folder, 'lot.stdf'), '');
  assert.equal(await putAway(folder, 'lot.stdf', 'failed', 'it is empty'), 'lot.stdf');
  assert.equal(readFileSync(join(folder, 'failed', 'lot.stdf.reason.txt'), 'utf8'), 'it is empty\n');
});

test('a file that cannot be moved stays where it is', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'done'), 'no folder');
  writeFileSync(join(folder, 'lot.stdf'), 'one');
  await assert.rejects(putAway(folder, 'lot.stdf', 'done', ''), { code: 'EEXIST' });
  assert.ok(existsSync(join(folder, 'lot.stdf')));
});
