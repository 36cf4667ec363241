import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { fromSqlite } from '../../src/store/sqlite-error.ts';
import { attempt, openStore, origin, quickFolder, take, update } from './fixtures.ts';

const AZ = origin('az');
const MAX_FILE_BYTES = 768 * 1024;

/** An update of some 100 kB. */
const large = (at: number) => update(AZ, at, [attempt(at, { partId: 'x'.repeat(100_000) })], { version: at });

test('a full disk is told as exhausted, loses nothing that was committed, and ends when there is room', (t) => {
  const store = openStore(t, { maxFileBytes: MAX_FILE_BYTES });
  let committed = 0;
  const takeAll = () => {
    for (; committed < 10; committed++) take(store, large(committed + 1));
  };
  assert.throws(takeAll, { code: 'exhausted', hint: /Free space/ });
  assert.ok(committed > 0 && committed < 10);
  assert.equal(store.vectors.received.get(AZ).max, committed);
  assert.equal(store.log.get(large(committed + 1).header.dot), null);
  assert.equal(store.stats().attempts, committed);
  take(store, update(AZ, committed + 1, [attempt(999)]));
  assert.equal(store.vectors.applied.get(AZ).max, committed + 1);
});

test('a full disk fails the whole transaction, even if its error was caught and other work followed', (t) => {
  const store = openStore(t, { maxFileBytes: MAX_FILE_BYTES });
  const small = update(AZ, 1, [attempt(1)]);
  assert.throws(
    () =>
      store.transaction(() => {
        store.log.append(small);
        store.apply(small);
        for (let at = 2; at < 12; at++) {
          try {
            store.savepoint(() => {
              store.log.append(large(at));
              store.apply(large(at));
            });
          } catch {
            // A caller that holds whatever fails: the store itself has to see to it.
          }
        }
      }),
    { code: 'exhausted' },
  );
  assert.equal(store.vectors.received.isEmpty, true);
  assert.equal(store.stats().updates, 0);
  assert.equal(store.log.get(small.header.dot), null);
  take(store, small);
});

test('a try for room fails where there is none, passes where there is, and leaves nothing to be seen', (t) => {
  const store = openStore(t, { maxFileBytes: MAX_FILE_BYTES });
  take(store, large(1));
  const before = [store.foldDigest(), store.stats(), store.programs.missing(9)];
  const prove = (bytes: number) => store.transaction(() => store.room.prove(bytes));
  assert.throws(() => prove(MAX_FILE_BYTES), { code: 'exhausted' });
  const commits = store.commitNumber;
  for (let i = 0; i < 5; i++) prove(200_000);
  assert.equal(store.commitNumber, commits + 5, 'each is a commit that is written');
  assert.deepEqual([store.foldDigest(), store.stats(), store.programs.missing(9)], before);
  // What it took is free for what comes next.
  take(store, large(2));
});

test('a try is written to the log whole, however much of the database is free', (t) => {
  const file = join(quickFolder(t), 'tw.db');
  const store = openStore(t, { file });
  const log = `${file}-wal`;
  for (let i = 0; i < 3; i++) {
    store.checkpoint();
    store.transaction(() => store.room.prove(100_000));
    assert.ok(statSync(log).size > 100_000, `${statSync(log).size} bytes`);
  }
});

test('what SQLite says is told in the one error family', () => {
  const cases = [
    ['SQLITE_FULL', 'exhausted'],
    ['SQLITE_IOERR_SHMSIZE', 'exhausted'],
    ['SQLITE_IOERR_FSYNC', 'unavailable'],
    ['SQLITE_READONLY_DBMOVED', 'unavailable'],
    ['SQLITE_CANTOPEN', 'unavailable'],
    ['SQLITE_BUSY', 'unavailable'],
    ['SQLITE_CORRUPT_INDEX', 'damaged'],
    ['SQLITE_NOTADB', 'damaged'],
    ['SQLITE_CONSTRAINT_CHECK', 'internal'],
  ] as const;
  for (const [code, expected] of cases) {
    const cause = new Database.SqliteError('reason', code);
    const error = fromSqlite(cause, '/data/tw.db') as Error & { code: string };
    assert.equal(error.code, expected, code);
    assert.match(error.message, /\/data\/tw\.db.*reason.*SQLITE_/);
    assert.equal(error.cause, cause);
  }
  const foreign = new TypeError('not ours');
  assert.equal(fromSqlite(foreign, 'x'), foreign);
});

test('where a transaction cannot be rolled back, memory is as before, and the next one rolls it back', (t) => {
  const store = openStore(t);
  const { exec } = Database.prototype;
  let broken = true;
  t.mock.method(Database.prototype, 'exec', function (this: Database.Database, sql: string) {
    if (broken && sql === 'ROLLBACK') throw new Database.SqliteError('disk I/O error', 'SQLITE_IOERR_WRITE');
    return exec.call(this, sql);
  });
  const one = update(AZ, 1, [attempt(1)]);
  const failing = () =>
    store.transaction(() => {
      store.log.append(one);
      store.apply(one);
      throw new Error('its work failed');
    });
  assert.throws(failing, { code: 'unavailable', message: /SQLITE_IOERR_WRITE/ });
  assert.equal(store.vectors.received.isEmpty, true);
  assert.throws(() => store.transaction(() => {}), { code: 'unavailable' });
  broken = false;
  take(store, one);
  assert.equal(store.stats().updates, 1);
});
