import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { WafersyncError } from '../../src/errors.ts';
import { WalWatch } from '../../src/replica/wal-watch.ts';
import { Checkpoints } from '../../src/store/checkpoints.ts';
import { Connection } from '../../src/store/connection.ts';
import { attempt, openStore, origin, take, update } from '../store/fixtures.ts';
import { Journal } from '../support/grpc-client.ts';
import { ManualWorld } from '../support/manual-world.ts';

const LOOK_MS = 5_000;
/** The log is told from four times this on. */
const CHECKPOINT_BYTES = 256 * 1024;

/** A store in a real file, and a watch that takes much less for large than that of a node. */
class Watched {
  readonly world = new ManualWorld();
  readonly journal = new Journal();
  readonly store;
  readonly watch;
  readonly checkpoints;
  readsLot = false;
  #written = 0;

  constructor(t: TestContext) {
    this.store = openStore(t);
    const { store } = this;
    this.checkpoints = { tryCut: () => store.checkpoints.tryCut(), atBytes: CHECKPOINT_BYTES };
    const isReadingLot = () => this.readsLot;
    this.watch = new WalWatch({
      store: {
        sizes: store.sizes,
        files: () => store.files(),
        isReadingLot,
        checkpoints: this.checkpoints as Checkpoints,
      },
      world: this.world,
      log: this.journal,
    });
    this.watch.start();
  }

  /** A commit of so many bytes, about. */
  write(bytes: number): void {
    const part = { partId: 'x'.repeat(bytes) };
    take(this.store, update(origin('az'), ++this.#written, [attempt(this.#written, part)]));
  }

  look(): void {
    this.world.advance(LOOK_MS);
  }

  /** A program that begins to read the database, as a shell does, and does not end. */
  reader(t: TestContext): Database.Database {
    const db = new Database(this.store.files().file, { readonly: true });
    t.after(() => db.close());
    db.exec('BEGIN; SELECT count(*) FROM update_log');
    return db;
  }

  get told(): string[] {
    return this.journal.lines.map(({ level, event }) => `${level} ${event}`);
  }
}

test('a foreign reader that keeps the log is told once, with how large it is, since when and what to do, and told again once it is over', (t) => {
  const node = new Watched(t);
  const reader = node.reader(t);
  for (let i = 0; i < 4; i++) node.write(400_000);
  node.look();
  assert.deepEqual([node.told, node.watch.view().stuck], [[], false], 'seen once, it may be passing');
  node.look();
  node.write(400_000);
  node.look();
  node.look();
  assert.deepEqual(node.told, ['warn wal.stuck']);
  const { fields, error } = node.journal.lines[0]!;
  const { file, walBytes } = node.store.files();
  assert.ok((fields.bytes as number) > 4 * CHECKPOINT_BYTES && (fields.bytes as number) < walBytes);
  assert.equal(fields.since, new Date(Date.UTC(2026, 0, 2) + LOOK_MS).toISOString());
  const { code, hint } = WafersyncError.from(error);
  assert.equal(code, 'precondition');
  assert.ok(hint.includes(`fuser -v ${file}-wal ${file}-shm`) && /lsof.*end that shell/.test(hint));
  const view = node.watch.view();
  assert.deepEqual([view.stuck, view.stuckForMs], [true, 3 * LOOK_MS]);
  assert.ok(view.reason.includes('cannot be written back') && view.reason.includes('fuser'));
  assert.ok(node.store.sizes.now().log > 2_000_000, 'the log has all that was written since');

  reader.exec('COMMIT');
  node.look();
  assert.deepEqual(node.told, ['warn wal.stuck', 'info wal.moved']);
  const { lasted_ms, most_bytes } = node.journal.lines[1]!.fields;
  assert.equal(lasted_ms, 4 * LOOK_MS);
  assert.ok((most_bytes as number) > 2_000_000);
  assert.deepEqual(node.watch.view(), { stuck: false, stuckForMs: 0, reason: '' });
  assert.deepEqual([node.store.files().walBytes, node.store.sizes.now().log], [0, 0], 'the file is cut');
});

test('a log that is large by one commit alone is cut at the next look, and nothing is told', (t) => {
  const node = new Watched(t);
  node.write(3_000_000);
  node.look();
  node.look();
  assert.deepEqual([node.told, node.store.files().walBytes], [[], 0]);
});

test('a reader that keeps a small log is nobody’s business', (t) => {
  const node = new Watched(t);
  node.reader(t);
  node.write(100_000);
  for (let i = 0; i < 3; i++) node.look();
  assert.deepEqual(node.told, []);
});

test('one look in which a reader is in the way is told neither when it begins nor when it is over', (t) => {
  const node = new Watched(t);
  const reader = node.reader(t);
  node.write(3_000_000);
  node.look();
  reader.exec('COMMIT');
  node.look();
  node.look();
  assert.deepEqual(node.told, []);
});

test('a look waits for nobody, and a watch that was stopped looks no more', (t) => {
  const node = new Watched(t);
  node.write(3_000_000);
  node.watch.stop();
  node.look();
  assert.ok(node.store.files().walBytes > 3_000_000);
  const connection = new Connection(new Database(':memory:', { timeout: 250 }), ':memory:');
  t.after(() => connection.close());
  const waits = () => connection.pragma('busy_timeout');
  assert.equal(connection.withoutWaiting(waits), 0);
  assert.throws(() => connection.withoutWaiting(() => connection.pragma('x = (')));
  assert.equal(waits(), 250, 'commits wait as before');
});

test('to cut the log waits for nobody', (t) => {
  const { store } = new Watched(t);
  const real = new Connection(new Database(store.files().file, { timeout: 250 }), store.files().file);
  t.after(() => real.close());
  const waited: unknown[] = [];
  const seen = {
    withoutWaiting: <T>(work: () => T) => real.withoutWaiting(work),
    pragma: (sql: string) => {
      waited.push(real.pragma('busy_timeout'));
      return real.pragma(sql);
    },
  };
  new Checkpoints(seen as unknown as Connection).tryCut();
  assert.deepEqual(waited, [0]);
});

test('a look that fails is told once until one succeeds: what a checkpoint of a commit fails with, nobody is told', (t) => {
  const node = new Watched(t);
  node.write(3_000_000);
  let fails = true;
  const { tryCut } = node.checkpoints;
  node.checkpoints.tryCut = () => {
    if (fails) throw new WafersyncError('unavailable', 'disk I/O error');
    return tryCut();
  };
  node.look();
  node.look();
  assert.deepEqual(node.told, ['warn wal.not_moved']);
  fails = false;
  node.look();
  assert.equal(node.store.files().walBytes, 0);
  node.write(3_000_000);
  fails = true;
  node.look();
  assert.deepEqual(node.told, ['warn wal.not_moved', 'warn wal.not_moved']);
});

test('while large lots are read no look counts, for a minute', (t) => {
  const node = new Watched(t);
  node.reader(t);
  node.write(3_000_000);
  node.readsLot = true;
  for (let i = 0; i < 12; i++) node.look();
  assert.deepEqual(node.told, []);
  for (let i = 0; i < 2; i++) node.look();
  assert.deepEqual(node.told, ['warn wal.stuck']);
});

test('a log is told from 64 MiB on: four times the size at which a commit writes it back', (t) => {
  assert.equal(openStore(t).checkpoints.atBytes, 16 * 2 ** 20);
});
