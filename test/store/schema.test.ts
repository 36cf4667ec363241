import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { type Origin, sequence } from '../../src/clocks/dot.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { VersionVector } from '../../src/clocks/version-vector.ts';
import { openDatabase } from '../../src/store/database.ts';
import { APPLICATION_ID, migrate, SCHEMA_VERSION, schemaSteps } from '../../src/store/schema.ts';
import { Store } from '../../src/store/store.ts';
import type { FieldPath } from '../../src/wafer/document/field.ts';
import type { Update } from '../../src/wafer/update.ts';
import { encodeEdit } from '../../src/wire/edit.ts';
import {
  attempt,
  jsonDecoders,
  origin,
  PROGRAM,
  quickFolder,
  record,
  rows,
  runUpdate,
  stillWorld,
  TW,
  take,
  update,
} from './fixtures.ts';

function fresh(): Database.Database {
  const db = new Database(':memory:');
  migrate(db);
  return db;
}

test('every table and every column says in the database what it means', () => {
  const db = fresh();
  const tables = db.prepare<[], { name: string; sql: string }>(
    "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  );
  for (const { name, sql } of tables.all()) {
    const lines = sql.split('\n').map((line) => line.trim());
    assert.match(lines[1]!, /^-- \S.*/, `table ${name} begins with its meaning`);
    const columns = db.pragma(`table_info(${name})`) as { name: string }[];
    for (const column of columns) {
      const at = lines.findIndex((line) => line.startsWith(`${column.name} `));
      assert.ok(at > 1, `${name}.${column.name} has a line of its own`);
      assert.match(lines[at - 1]!, /^-- .*\.$/, `${name}.${column.name} has a comment`);
    }
    // The table's own comment must not pass for the first column's.
    assert.match(lines[2]!, /^-- /, `the first column of ${name} has a comment beside the table's`);
    assert.match(sql, /STRICT/, `${name} is strict`);
  }
  const views = db.prepare<[], { name: string; sql: string }>(
    "SELECT name, sql FROM sqlite_schema WHERE type = 'view'",
  );
  for (const { name, sql } of views.all()) assert.match(sql, /\n\s*-- \S/, `view ${name} says what it shows`);
});

/** An edit that writes a field unaware of any other. */
function revision(from: Origin, value: string): Update {
  const write = { field: '/limits_revision' as FieldPath, value: JSON.stringify(value), replaces: [] };
  const edit = {
    ...{ author: 'kim', reason: '', policyVersion: 0, guards: [], seen: [], settlements: [] },
    writes: [{ ...write, context: VersionVector.empty }],
    attemptsSeen: TransportVector.empty,
  };
  return { ...update(from, 1, {}, { kind: 'edit', run: null, program: null }), payload: encodeEdit(edit) };
}

test('an operator reads plain words in the views', (t) => {
  const file = join(quickFolder(t), 'tw.db');
  const store = Store.open({ file, fab: TW, world: stillWorld, decoders: jsonDecoders });
  t.after(() => store.close());
  store.programs.put(PROGRAM.digest, PROGRAM.body);
  take(store, update(store.origin, 1, [attempt(0)]), runUpdate(store.origin, 2, record()));
  const held = update(store.origin, 3, {}, { kind: 'edit', run: null, program: null });
  store.transaction(() => {
    store.log.append(held);
    store.log.hold(held.header.dot, 'kind', 'kind edit is not known');
  });
  take(store, update(store.origin, 4, [attempt(1)]));
  store.transaction(() => store.giveWay([{ ...store.origin, sequence: sequence(4) }]));
  store.transaction(() => store.log.markDamaged({ ...store.origin, sequence: sequence(2) }));
  const stubDigest = new Uint8Array(32);
  const purge = { author: 'kim', reason: 'old', termDays: 400 };
  store.transaction(() => {
    const { dot } = held.header;
    store.purges.add({ ...purge, purged: [{ dot, stubDigest }] }, store.log.rowOf(dot).id);
  });
  store.transaction(() => {
    store.acts.add({ act: 'peer.pause', about: 'az', detail: 'all lanes', author: 'kim', reason: 'why' });
    store.holds.drop(store.holds.find(held.header.dot)!, 'kim', 'nobody needs it');
  });
  for (const fab of ['az', 'de']) take(store, revision(origin(fab), fab));
  store.peers.saveReport({ origin: store.origin, number: 1, ...store.vectors });
  const count = (view: string) => rows(file, `SELECT * FROM ${view}`).length;
  const views = rows(file, "SELECT name FROM sqlite_schema WHERE type = 'view'") as { name: string }[];
  for (const { name } of views) assert.ok(count(name) > 0, `${name} shows something`);
  assert.deepEqual(rows(file, 'SELECT fab, sequence, kind, wafer_id, state FROM v_updates'), [
    { fab: 'tw', sequence: 1, kind: 'results', wafer_id: 'W1', state: 'applied' },
    { fab: 'tw', sequence: 2, kind: 'run', wafer_id: null, state: 'applied' },
    { fab: 'tw', sequence: 3, kind: 'edit', wafer_id: 'W1', state: 'held' },
    { fab: 'az', sequence: 1, kind: 'edit', wafer_id: 'W1', state: 'applied' },
    { fab: 'de', sequence: 1, kind: 'edit', wafer_id: 'W1', state: 'applied' },
  ]);
  const [dropped] = rows(file, 'SELECT reason, dropped_by, dropped_because FROM v_held');
  assert.deepEqual(dropped, { reason: 'kind', dropped_by: 'kim', dropped_because: 'nobody needs it' });
  const [shown] = rows(file, 'SELECT field, siblings, policy FROM v_fields');
  assert.deepEqual(shown, { field: '/limits_revision', siblings: 2, policy: 'last-writer-wins' });
  assert.deepEqual(rows(file, 'SELECT state, fab, value FROM v_conflicts ORDER BY fab'), [
    { state: 'ruled', fab: 'az', value: '"az"' },
    { state: 'ruled', fab: 'de', value: '"de"' },
  ]);
  assert.deepEqual(rows(file, 'SELECT fab, first, last, held FROM v_received'), [
    { fab: 'tw', first: 1, last: 1, held: 0 },
    { fab: 'tw', first: 3, last: 3, held: 1 },
    { fab: 'az', first: 1, last: 1, held: 0 },
    { fab: 'de', first: 1, last: 1, held: 0 },
  ]);
  const born = rows(file, "SELECT born_utc, received_utc FROM v_updates WHERE sequence = 1 AND fab = 'tw'");
  assert.deepEqual(born, [{ born_utc: '2020-01-01 00:00:00', received_utc: '2026-01-02 00:00:00' }]);
});

test('each step of a migration is taken whole or not at all, and goes on from where it stopped', () => {
  const db = new Database(':memory:');
  const steps = ['CREATE TABLE a (x INTEGER)', 'CREATE TABLE b (x INTEGER); SELECT * FROM missing'];
  assert.throws(() => migrate(db, steps));
  const names = () => db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
  assert.equal(db.pragma('user_version', { simple: true }), 1);
  assert.deepEqual(names(), ['a']);
  migrate(db, [steps[0]!, 'CREATE TABLE b (x INTEGER)']);
  assert.equal(db.pragma('user_version', { simple: true }), 2);
  assert.deepEqual(names(), ['a', 'b']);
  migrate(db, [steps[0]!, 'CREATE TABLE b (x INTEGER)']);
});

test('commits are on disk when they return, and everything that grows is bounded', (t) => {
  const file = join(quickFolder(t), 'tw.db');
  const { connection, lock } = openDatabase({ file, fab: TW, world: stillWorld });
  t.after(() => {
    connection.close();
    lock.release();
  });
  const expected = {
    journal_mode: 'wal',
    synchronous: 2,
    foreign_keys: 1,
    mmap_size: 0,
    cache_size: -65_536,
    wal_autocheckpoint: 4096,
    journal_size_limit: 67_108_864,
    busy_timeout: 250,
  };
  for (const [name, value] of Object.entries(expected))
    assert.equal(connection.pragma(name) ?? 0, value, name);
});

test('a new database is marked as ours and of this version, and its references hold', (t) => {
  const file = join(quickFolder(t), 'tw.db');
  Store.open({ file, fab: TW, world: stillWorld, decoders: jsonDecoders }).close();
  const db = new Database(file, { readonly: true });
  t.after(() => db.close());
  const pragma = (name: string) => db.pragma(name, { simple: true });
  assert.equal(pragma('application_id'), APPLICATION_ID);
  assert.equal(pragma('user_version'), SCHEMA_VERSION);
  assert.equal(pragma('journal_mode'), 'wal');
  assert.equal(schemaSteps().length, SCHEMA_VERSION);
  assert.deepEqual(db.pragma('foreign_key_check'), []);
});
