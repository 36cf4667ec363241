import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { fabId, formatEpoch } from '../../src/clocks/dot.ts';
import { SCHEMA_VERSION } from '../../src/store/schema.ts';
import { Store } from '../../src/store/store.ts';
import {
  attempt,
  jsonDecoders,
  origin,
  PROGRAM,
  quickFolder,
  stillWorld,
  TW,
  take,
  update,
} from './fixtures.ts';

const open = (file: string, fab = TW) => Store.open({ file, fab, world: stillWorld, decoders: jsonDecoders });

/** File of a closed database with something in it. */
function database(t: TestContext): string {
  const file = join(quickFolder(t), 'tw.db');
  const store = open(file);
  store.programs.put(PROGRAM.digest, PROGRAM.body);
  for (let at = 1; at <= 20; at++) take(store, update(origin('az'), at, [attempt(at, { x: at })]));
  store.close();
  return file;
}

/** Opening throws this, and the file keeps its bytes. */
function refuses(file: string, code: string, message: RegExp, fab = TW): void {
  const before = readFileSync(file);
  assert.throws(
    () => open(file, fab),
    (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.ok(error.message.includes(file), 'names the file');
      assert.ok(error.hint.length > 10, 'names a remedy');
      return true;
    },
  );
  assert.ok(readFileSync(file).equals(before), 'the file is as it was');
}

test('a new database gets an epoch of its own, which every later opening finds again', (t) => {
  const file = join(quickFolder(t), 'tw.db');
  const first = open(file);
  const { origin: born } = first;
  assert.equal(born.fab, 'tw');
  assert.match(formatEpoch(born.epoch), /^2193-/, 'the day of the database since 2020');
  first.close();
  const second = open(file);
  assert.deepEqual(second.origin, born);
  second.close();
  const other = open(join(quickFolder(t), 'tw.db'));
  assert.notEqual(other.origin.epoch, born.epoch);
  other.close();
});

test('everything is there again after reopening', (t) => {
  const file = join(quickFolder(t), 'tw.db');
  const first = open(file);
  first.programs.put(PROGRAM.digest, PROGRAM.body);
  take(first, update(first.origin, 1, [attempt(1)]), update(origin('az'), 4, [attempt(2)]));
  const { vectors, commitNumber } = first;
  const digest = first.foldDigest();
  const stats = first.stats();
  first.close();
  const second = open(file);
  t.after(() => second.close());
  assert.ok(second.vectors.received.equals(vectors.received));
  assert.ok(second.vectors.applied.equals(vectors.applied));
  assert.equal(second.commitNumber, commitNumber + 1, 'opening is a commit of its own');
  assert.equal(second.nextSequence(), 2);
  assert.equal(second.foldDigest(), digest);
  assert.deepEqual(second.stats(), stats);
});

test('after reopening, no sequence is given out a second time', (t) => {
  const file = join(quickFolder(t), 'tw.db');
  const first = open(file);
  first.programs.put(PROGRAM.digest, PROGRAM.body);
  const updates = [1, 2, 3].map((sequence) => update(first.origin, sequence, [attempt(sequence)]));
  take(first, ...updates);
  first.close();
  const second = open(file);
  t.after(() => second.close());
  assert.equal(second.nextSequence(), 4);
});

test('a database of a newer version is refused and not touched', (t) => {
  const file = database(t);
  const db = new Database(file);
  db.pragma(`user_version = ${SCHEMA_VERSION + 1}`);
  db.close();
  refuses(file, 'conflict', new RegExp(`schema version ${SCHEMA_VERSION + 1}`));
});

test('a database of another fab is refused and not touched', (t) => {
  refuses(database(t), 'conflict', /belongs to fab tw, not kr/, fabId('kr'));
});

test('a database of another program is refused and not touched', (t) => {
  const file = join(quickFolder(t), 'tw.db');
  const db = new Database(file);
  db.exec('CREATE TABLE recipes (name TEXT)');
  db.close();
  refuses(file, 'conflict', /another program/);
});

test('what is no database, or an empty file, is refused and not touched', (t) => {
  const folder = quickFolder(t);
  const garbage = join(folder, 'garbage.db');
  writeFileSync(garbage, 'lot,wafer\n'.repeat(1000));
  refuses(garbage, 'damaged', /is not a database/);
  const empty = join(folder, 'empty.db');
  writeFileSync(empty, '');
  refuses(empty, 'damaged', /has only 0 bytes/);
});

test('a database that was cut is refused and not touched', (t) => {
  const file = database(t);
  const { size } = statSync(file);
  for (const left of [size - 4096, Math.floor(size / 2), 4096, 50]) {
    truncateSync(file, left);
    refuses(file, 'damaged', /is damaged|is not a database|has only/);
  }
});

test('a write-ahead log without its database is not replayed into a new one', (t) => {
  const folder = quickFolder(t);
  const file = join(folder, 'tw.db');
  writeFileSync(`${file}-wal`, 'frames');
  assert.throws(() => open(file), { code: 'damaged', hint: /Put the database back/ });
  assert.equal(readFileSync(`${file}-wal`, 'utf8'), 'frames');
  rmSync(`${file}-wal`);
  open(file).close();
});

test('a database whose making was cut short is made anew', (t) => {
  const folder = quickFolder(t);
  const file = join(folder, 'tw.db');
  writeFileSync(`${file}.new`, 'half');
  open(file).close();
  assert.throws(() => statSync(`${file}.new`));
});

test('a folder that does not exist, or a folder in place of the file, is told as such', (t) => {
  const folder = quickFolder(t);
  assert.throws(() => open(join(folder, 'missing', 'tw.db')), {
    code: 'precondition',
    hint: /Create the folder/,
  });
  mkdirSync(join(folder, 'tw.db'));
  assert.throws(
    () => open(join(folder, 'tw.db')),
    (error: Error & { code: string }) => {
      assert.ok(['unavailable', 'damaged'].includes(error.code), error.code);
      return true;
    },
  );
});

test('a symbolic link does not lead around the lock', (t) => {
  const folder = quickFolder(t);
  const file = join(folder, 'tw.db');
  const store = open(file);
  t.after(() => store.close());
  symlinkSync(file, join(folder, 'link.db'));
  assert.throws(() => open(join(folder, 'link.db')), { code: 'precondition' });
});
