import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import type { Dot } from '../../src/clocks/dot.ts';
import { migrate, SCHEMA_VERSION, schemaSteps } from '../../src/store/schema.ts';
import { sealUpdate } from '../../src/wire/header.ts';
import { encodePurge } from '../../src/wire/purge.ts';
import { Bench, settle } from '../replica/replica-fixture.ts';
import { quickFolder } from '../store/fixtures.ts';

const RELEASED = join(import.meta.dirname, '..', 'fixtures', 'v0.1.0');

/** Text of every table, view and index without its comments, by its name. */
function schemaOf(db: Database.Database): Map<string, string> {
  const rows = db.prepare<[], { name: string; sql: string }>(
    'SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL',
  );
  return new Map(rows.all().map(({ name, sql }) => [name, sql.replaceAll(/--.*$/gm, '')]));
}

test('a database of version 0.1.0 is led to the same tables as a new one, and stays sound', (t) => {
  const file = join(quickFolder(t), 'tw.db');
  copyFileSync(join(RELEASED, 'wafersync.db'), file);
  const [old, fresh] = [new Database(file), new Database(':memory:')];
  const before = old.prepare('SELECT count(*) FROM update_log').pluck().get();
  for (const db of [old, fresh]) migrate(db);
  assert.equal(old.pragma('user_version', { simple: true }), SCHEMA_VERSION);
  assert.deepEqual(schemaOf(old), schemaOf(fresh));
  assert.deepEqual(old.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
  assert.equal(
    old.prepare('SELECT count(*) FROM update_log WHERE stub_digest IS NULL').pluck().get(),
    before,
  );
  for (const db of [old, fresh]) db.close();
});

test('the step to purges widens what two columns take, and no more', () => {
  const db = new Database(':memory:');
  migrate(db, schemaSteps().slice(0, 4));
  const put = (kind: string, sequence: number) =>
    db
      .prepare(
        `INSERT INTO update_log (origin, sequence, timestamp, kind, version, received_at_ms, digest, header, payload)
         VALUES (1, ?, 0, ?, 0, 0, zeroblob(32), x'', x'')`,
      )
      .run(sequence, kind);
  db.exec("INSERT INTO origins VALUES (1, 'tw', 5)");
  put('run', 1);
  assert.throws(() => put('purge', 2), /CHECK/);
  migrate(db);
  put('purge', 2);
  assert.throws(() => put('gift', 3), /CHECK/);
  const hold = db.prepare("INSERT INTO held_updates VALUES (?, ?, '', 0)");
  hold.run(1, 'purge');
  assert.throws(() => hold.run(2, 'whim'), /CHECK/);
  assert.throws(() => db.exec("UPDATE update_log SET stub_digest = x'00'"), /CHECK/);
  assert.throws(() => db.exec("UPDATE sqlite_schema SET sql = ''"), /may not be modified/);
});

test('results that version 0.1.0 took in are purged like any others', async (t) => {
  const file = join(quickFolder(t), 'tw.db');
  copyFileSync(join(RELEASED, 'wafersync.db'), file);
  const { fold_digest } = JSON.parse(readFileSync(join(RELEASED, 'facts.json'), 'utf8'));
  const bench = new Bench(t, 'tw', { file });
  assert.equal(bench.store.foldDigest(), fold_digest);
  const [first] = bench.store.purges.purgeable(Number.MAX_SAFE_INTEGER as never, null, 1);
  const dots = [first!.dot];
  const purging = bench.replica.purge(() => ({ author: 'kim', reason: 'old', termDays: 0, dots }));
  await bench.commit();
  const { updates, freedBytes } = await purging;
  assert.equal(updates, 1);
  assert.ok(freedBytes > 1_000);
  assert.ok(bench.store.log.get(first!.dot)?.stubDigest);
  assert.equal(bench.store.rebuild().digest, bench.store.foldDigest());
});

test('a purge that an older version held is applied by this one', async (t) => {
  const file = join(quickFolder(t), 'tw.db');
  const before = new Bench(t, 'tw', { file });
  const { origin } = before.store;
  const named: Dot = { ...origin, sequence: 9 as Dot['sequence'] };
  const payload = encodePurge({
    ...{ author: 'kim', reason: 'old', termDays: 0 },
    purged: [{ dot: named, stubDigest: new Uint8Array(32) }],
  });
  void before.replica.purge(() => ({ author: '', reason: '', termDays: 0, dots: [] }));
  await before.commit();
  assert.equal(before.store.stats().updates, 0, 'a purge of nothing is none');
  const wafer = { lot: '', waferId: '', insertion: '' };
  const update = sealUpdate(
    {
      dot: { ...origin, sequence: 1 as Dot['sequence'] },
      timestamp: 1 as never,
      kind: 'purge',
      wafer,
      version: 0,
      run: null,
      program: null,
    },
    payload,
  );
  before.store.transaction(() => {
    before.store.log.append({ ...update, header: { ...update.header, kind: 'unknown' } });
    before.store.log.hold(update.header.dot, 'kind', 'kind unknown is not known to this version');
  });
  const released = before.replica.retryHeld(['kind']);
  await before.commit();
  await settle();
  assert.equal(await released, 1);
  assert.equal(before.store.purges.totals().updates, 1);
});
