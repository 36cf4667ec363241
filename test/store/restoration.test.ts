import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { fabId } from '../../src/clocks/dot.ts';
import { WafersyncError } from '../../src/errors.ts';
import { BackupPieces, checkFits, readBackup } from '../../src/store/backup-file.ts';
import { databaseFacts } from '../../src/store/database-facts.ts';
import { presentDatabase, Restoration } from '../../src/store/restoration.ts';
import { Store } from '../../src/store/store.ts';
import type { Manifest } from '../../src/wire/backup-manifest.ts';
import { damageFirstPage } from '../support/damaged-pages.ts';
import { attempt, jsonDecoders, PROGRAM, quickFolder, stillWorld, TW, take, update } from './fixtures.ts';

const NEVER = new AbortController().signal;
const NOW_MS = Date.UTC(2026, 10, 30, 16, 34, 15);

function open(file: string): Store {
  return Store.open({ file, fab: TW, world: stillWorld, decoders: jsonDecoders });
}

function bear(store: Store, updates = 1): void {
  store.programs.put(PROGRAM.digest, PROGRAM.body);
  for (let i = 0; i < updates; i++) {
    const next = store.nextSequence();
    take(store, update(store.origin, next, [attempt(next)]));
  }
}

/** Writes a backup of a store, as the service sends it. */
async function backUp(store: Store, folder: string): Promise<{ file: string; manifest: Manifest }> {
  const copy = join(folder, 'copy.db');
  await store.copyTo(copy, () => {}, NEVER);
  const manifest = {
    ...databaseFacts(copy),
    version: 'test',
    madeAtMs: NOW_MS,
    databaseBytes: statSync(copy).size,
    peers: new Map([[fabId('az'), '127.0.0.1:1']]),
  };
  const pieces: Uint8Array[] = [];
  for await (const piece of new BackupPieces(copy, manifest)) pieces.push(piece);
  const file = join(folder, 'tw.backup');
  writeFileSync(file, Buffer.concat(pieces));
  return { file, manifest };
}

/** A backup with three updates, and a folder with the database that went on to five, as a killed node leaves it. */
async function scene(t: TestContext) {
  const folder = quickFolder(t);
  const file = join(folder, 'wafersync.db');
  const store = open(file);
  bear(store, 3);
  const { file: backup, manifest } = await backUp(store, folder);
  bear(store, 2);
  const killed = quickFolder(t);
  for (const suffix of ['', '-wal', '.life']) cpSync(file + suffix, join(killed, `wafersync.db${suffix}`));
  const { origin } = store;
  store.close();
  return { folder: killed, file: join(killed, 'wafersync.db'), backup, manifest, origin };
}

async function staged(file: string, backup: string, manifest: Manifest): Promise<Restoration> {
  const restoration = Restoration.begin(file);
  await restoration.stage(backup, manifest);
  return restoration;
}

async function restored(file: string, backup: string, manifest: Manifest): Promise<string | null> {
  const restoration = await staged(file, backup, manifest);
  const { steps, aside } = restoration.replacement(NOW_MS, presentDatabase(file, TW).state);
  for (const step of steps) step.run();
  restoration.end();
  return aside;
}

/** How many updates of an origin a node has that opens a database. */
function received(file: string, origin: Store['origin']) {
  const store = open(file);
  try {
    return { updates: store.vectors.received.get(origin).max, renewal: store.renewal?.reason ?? null };
  } finally {
    store.close();
  }
}

test('a backup that is read back says what it is, and is a database that SQLite opens as it is', async (t) => {
  const { backup, manifest, origin } = await scene(t);
  const read = await readBackup(backup);
  assert.deepEqual(
    { ...read, received: read.received.toString() },
    { ...manifest, received: manifest.received.toString() },
  );
  assert.equal(read.received.get(origin).max, 3);
  const db = new Database(backup, { readonly: true });
  assert.deepEqual(db.pragma('quick_check', { simple: true }), 'ok');
  assert.equal(db.prepare('SELECT count(*) FROM update_log').pluck().get(), 3);
  db.close();
});

test('a copy has what was committed while it was made, to the last commit', async (t) => {
  const folder = quickFolder(t);
  const store = open(join(folder, 'wafersync.db'));
  t.after(() => store.close());
  store.programs.put(PROGRAM.digest, PROGRAM.body);
  const wide = (at: number) => update(store.origin, at, [attempt(at, { partId: 'p'.repeat(100_000) })]);
  for (let i = 0; i < 20; i++) take(store, wide(store.nextSequence()));
  let steps = 0;
  const copy = join(folder, 'copy.db');
  await store.copyTo(
    copy,
    ({ copiedPages, pages }) => {
      steps++;
      assert.ok(copiedPages <= pages);
      if (steps < 10) setImmediate(() => take(store, wide(store.nextSequence())));
    },
    NEVER,
  );
  assert.ok(steps >= 5, `${steps} steps`);
  const facts = databaseFacts(copy);
  assert.ok(facts.received.size > 20);
  const check = open(copy);
  assert.equal(check.renewal?.reason, 'restored');
  assert.equal(check.rebuild().digest, check.foldDigest());
  check.close();
});

test('a copy that is given up leaves nothing, and one that another program disturbs begins anew, ten times at most', async (t) => {
  const folder = quickFolder(t);
  const file = join(folder, 'wafersync.db');
  const store = open(file);
  t.after(() => store.close());
  store.transaction(() => store.room.prove(4 * 1024 * 1024));
  const copy = join(folder, 'copy.db');
  const given = new AbortController();
  await assert.rejects(
    store.copyTo(copy, () => given.abort(new WafersyncError('cancelled', 'enough')), given.signal),
    /enough/,
  );
  const other = new Database(file);
  other.exec('CREATE TABLE other (n)');
  t.after(() => other.close());
  let steps = 0;
  await store.copyTo(
    copy,
    () => {
      if (++steps < 5) other.exec('INSERT INTO other VALUES (1)');
    },
    NEVER,
  );
  await assert.rejects(
    store.copyTo(copy, () => other.exec('INSERT INTO other VALUES (1)'), NEVER),
    /was written by another program while it was copied, more than 10 times/,
  );
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('copy')),
    [],
  );
});

test('what is no whole backup of this fab and version is refused, with the remedy', async (t) => {
  const { folder, backup, manifest } = await scene(t);
  const whole = readFileSync(backup);
  const bad = join(folder, 'bad.backup');
  const refusal = async (bytes: Uint8Array) => {
    writeFileSync(bad, bytes);
    return readBackup(bad).then(
      () => '',
      (error: WafersyncError) => `${error.code}: ${error.line}`,
    );
  };
  const noEnd = `damaged: ${bad} is no backup, or its end is missing. Take a file that \`wafersync backup\` ended well with.`;
  const flipped = `damaged: ${bad} is damaged: its bytes are not those that were written. Take another backup, or begin a new database, which fetches everything from the other fabs.`;
  assert.equal(await refusal(whole), '');
  for (const bytes of [0, 10, 55, whole.length - 1])
    assert.equal(await refusal(whole.subarray(0, bytes)), noEnd);
  assert.equal(await refusal(Buffer.concat([whole.subarray(0, 5000), whole.subarray(9096)])), flipped);
  for (const at of [0, 50_000, whole.length - 60, whole.length - 50]) {
    const bytes = Buffer.from(whole);
    bytes[at]! ^= 1;
    assert.equal(await refusal(bytes), flipped, `byte ${at}`);
  }
  const later = Buffer.from(whole);
  later.writeUInt32LE(2, whole.length - 20);
  assert.match(
    await refusal(later),
    /^conflict: .* is a backup of layout 2, which is not known here\. Restore it with/,
  );
  const long = Buffer.from(whole);
  long.writeUInt32LE(0xffffffff, whole.length - 24);
  assert.equal(await refusal(long), flipped);
  await assert.rejects(readBackup(join(folder, 'none')), /there is no backup .*none/);
  assert.throws(
    () => checkFits('F', manifest, fabId('az')),
    /^WafersyncError: F is a backup of fab tw, not of az$/,
  );
  assert.throws(
    () => checkFits('F', { ...manifest, schemaVersion: 99, version: '9.0.0' }, TW),
    /F was made by wafersync 9\.0\.0: its database is of schema version 99, and this program knows none above \d+$/,
  );
});

test('a restored database begins another epoch, and the one that was there is kept whole', async (t) => {
  const { folder, file, backup, manifest, origin } = await scene(t);
  const aside = await restored(file, backup, manifest);
  assert.equal(aside, join(folder, 'wafersync.db.replaced-20261130T163415Z'));
  assert.equal(databaseFacts(aside!).received.get(origin).max, 5, 'its log is in it');
  const store = open(file);
  assert.deepEqual(store.renewal, { reason: 'restored', from: origin });
  assert.equal(store.nextSequence(), 1);
  bear(store);
  store.close();
  assert.deepEqual(received(file, origin), { updates: 3, renewal: null });
  const again = await restored(file, backup, manifest);
  assert.equal(again, `${aside}-2`);
  assert.deepEqual(received(file, origin), { updates: 3, renewal: 'restored' });
});

test('a restore that is cut after any step leaves the one database or the other, and can be done again', async (t) => {
  const { folder, file, backup, manifest, origin } = await scene(t);
  const before = quickFolder(t);
  cpSync(folder, before, { recursive: true });
  const seen: number[] = [];
  for (let cut = 0, done = false; !done; cut++) {
    rmSync(folder, { recursive: true });
    cpSync(before, folder, { recursive: true });
    const restoration = await staged(file, backup, manifest);
    const { steps } = restoration.replacement(NOW_MS, presentDatabase(file, TW).state);
    for (const step of steps.slice(0, cut)) step.run();
    restoration.end();
    done = cut === steps.length;
    const { updates } = received(file, origin);
    seen.push(updates);
    await restored(file, backup, manifest);
    assert.deepEqual(received(file, origin), { updates: 3, renewal: 'restored' }, `after ${cut} steps`);
    const kept = readdirSync(folder).filter((name) => /replaced-[^-]*(-\d+)?$/.test(name));
    const most = kept.map((name) => databaseFacts(join(folder, name)).received.get(origin).max);
    assert.equal(Math.max(...most), 5, `${kept.join()} after ${cut} steps`);
  }
  assert.deepEqual(seen, [...seen.slice(0, -1).map(() => 5), 3]);
});

test('where the present database is damaged it is kept with its log, and never gives its log to the other', async (t) => {
  const { folder, file, backup, manifest, origin } = await scene(t);
  const log = readFileSync(`${file}-wal`);
  writeFileSync(file, Buffer.alloc(8192, 0xff));
  assert.equal(presentDatabase(file, TW).state, 'unreadable');
  const before = quickFolder(t);
  cpSync(folder, before, { recursive: true });
  for (let cut = 0, done = false; !done; cut++) {
    rmSync(folder, { recursive: true });
    cpSync(before, folder, { recursive: true });
    const restoration = await staged(file, backup, manifest);
    const { steps, aside } = restoration.replacement(NOW_MS, presentDatabase(file, TW).state);
    for (const step of steps.slice(0, cut)) step.run();
    restoration.end();
    done = cut === steps.length;
    if (cut >= 3) {
      assert.deepEqual(readFileSync(`${aside}-wal`), log);
      assert.equal(readFileSync(aside!)[8000], 0xff);
    }
    if (!done) assert.throws(() => open(file), { code: 'damaged' }, `after ${cut} steps`);
    await restored(file, backup, manifest);
    assert.deepEqual(received(file, origin), { updates: 3, renewal: 'restored' }, `after ${cut} steps`);
    const kept = readdirSync(folder).filter((name) => /replaced-[^-]*(-\d+)?$/.test(name));
    assert.ok(
      done || kept.every((name) => statSync(join(folder, name)).size === 8192),
      'the damaged one, and nothing that stood for it',
    );
  }
});

test('a restore is refused while a node has the database, or another program reads it', async (t) => {
  const { file, backup, manifest, origin } = await scene(t);
  const store = open(file);
  assert.throws(() => Restoration.begin(file), /is open in process \d+$/);
  store.close();
  const reader = new Database(file, { readonly: true });
  const rows = reader.prepare('SELECT id FROM update_log').iterate();
  rows.next();
  const writer = open(file);
  bear(writer);
  writer.close();
  const restoration = await staged(file, backup, manifest);
  const run = () => {
    for (const step of restoration.replacement(NOW_MS, presentDatabase(file, TW).state).steps) step.run();
  };
  assert.throws(run, /is being read by another program$/);
  rows.return?.();
  reader.close();
  await restoration.discard();
  restoration.end();
  assert.equal(existsSync(`${file}.restore`), false);
  assert.equal(received(file, origin).updates, 5);
});

test('a backup whose database SQLite finds damaged is not put in place', async (t) => {
  const { folder, file, backup, manifest } = await scene(t);
  const copy = join(folder, 'damaged.db');
  writeFileSync(copy, readFileSync(backup).subarray(0, manifest.databaseBytes));
  damageFirstPage(copy, 'update_log');
  const pieces: Uint8Array[] = [];
  for await (const piece of new BackupPieces(copy, manifest)) pieces.push(piece);
  writeFileSync(backup, Buffer.concat(pieces));
  await readBackup(backup);
  const restoration = Restoration.begin(file);
  await assert.rejects(restoration.stage(backup, manifest), { code: 'damaged' });
  restoration.end();
  assert.equal(existsSync(`${file}.restore`), false);
});

test('what stands where a database is restored is told, and nothing of another fab or program is touched', async (t) => {
  const { folder, file, origin } = await scene(t);
  const present = presentDatabase(file, TW);
  assert.ok(present.state === 'read' && present.facts.received.get(origin).max === 5);
  assert.throws(() => presentDatabase(file, fabId('az')), { code: 'conflict' });
  const db = new Database(file);
  db.pragma('user_version = 99');
  db.close();
  assert.equal(presentDatabase(file, TW).state, 'read', 'the way back from a newer version');
  assert.equal(presentDatabase(join(folder, 'none', 'x.db'), TW).state, 'none');
  assert.equal(presentDatabase(join(folder, 'x.db'), TW).state, 'none');
  writeFileSync(join(folder, 'x.db-wal'), 'left over');
  assert.equal(presentDatabase(join(folder, 'x.db'), TW).state, 'unreadable');
  const other = join(folder, 'other.db');
  const foreign = new Database(other);
  foreign.exec('CREATE TABLE t (n)');
  foreign.close();
  assert.throws(() => presentDatabase(other, TW), /is a database of another program/);
});
