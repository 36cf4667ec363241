import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Store } from '../../src/store/store.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { jsonDecoders, stillWorld, TW } from './fixtures.ts';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));

const open = (file: string) => Store.open({ file, fab: TW, world: stillWorld, decoders: jsonDecoders });

function start(
  t: TestContext,
  file: string,
  mode: 'hold' | 'write',
): ChildProcessByStdio<null, Readable, null> {
  const child = spawn(process.execPath, [CHILD, file, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function kill(child: ChildProcessByStdio<null, Readable, null>): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

test('a database that another process has open is refused with that process, until it is gone, even by SIGKILL', async (t) => {
  const file = join(temporaryFolder(t), 'tw.db');
  const child = start(t, file, 'hold');
  await once(createInterface(child.stdout), 'line');
  const before = readFileSync(file);
  assert.throws(() => open(file), {
    code: 'precondition',
    message: `database ${file} is open in process ${child.pid}`,
  });
  assert.ok(readFileSync(file).equals(before));
  await kill(child);
  open(file).close();
});

test('a database that this process has open is refused, and stays usable', (t) => {
  const file = join(temporaryFolder(t), 'tw.db');
  const store = open(file);
  for (let i = 0; i < 2; i++) {
    assert.throws(() => open(file), { code: 'precondition', message: new RegExp(`process ${process.pid}`) });
  }
  assert.equal(store.stats().updates, 0);
  store.close();
  open(file).close();
});

test('a lock file that a loss of power has torn does not keep anyone out', (t) => {
  const file = join(temporaryFolder(t), 'tw.db');
  open(file).close();
  writeFileSync(`${file}.lock`, Buffer.alloc(8192));
  const store = open(file);
  assert.throws(() => open(file), { code: 'precondition' });
  store.close();
});

test('every commit that was acknowledged before a SIGKILL is there afterwards, whole', async (t) => {
  const file = join(temporaryFolder(t), 'tw.db');
  for (let round = 0; round < 3; round++) {
    const child = start(t, file, 'write');
    let acknowledged = 0;
    let commits = 0;
    for await (const line of createInterface(child.stdout)) {
      if (line.startsWith('open')) continue;
      acknowledged = Number(line);
      if (++commits === 40) child.kill('SIGKILL');
    }
    const store = open(file);
    const here = store.vectors.received.get(store.origin);
    assert.ok(here.contiguousThrough >= acknowledged, `${here} holds ${acknowledged}`);
    assert.equal(here.size % 2, 0, 'no transaction is there by half');
    assert.equal(here.contiguousThrough, here.max);
    assert.equal(store.stats().attempts, here.max);
    assert.equal(store.nextSequence(), here.max + 1);
    const digest = store.foldDigest();
    assert.deepEqual(store.rebuild(), { updates: here.size, digest });
    store.close();
  }
});
