import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { formatDot } from '../../src/clocks/dot.ts';
import { IntervalSet } from '../../src/clocks/interval-set.ts';
import { DamagedUpdate } from '../../src/store/sealed.ts';
import { Store } from '../../src/store/store.ts';
import {
  attempt,
  jsonDecoders,
  openStore,
  PROGRAM,
  quickFolder,
  stillWorld,
  TW,
  take,
  update,
} from './fixtures.ts';

const open = (file: string) => Store.open({ file, fab: TW, world: stillWorld, decoders: jsonDecoders });

/** A store with some updates of its own. */
function filled(file: string) {
  const store = open(file);
  store.programs.put(PROGRAM.digest, PROGRAM.body);
  const updates = [1, 2, 3, 4].map((n) => update(store.origin, n, [attempt(n, { x: n, y: 0 })]));
  take(store, ...updates);
  return { store, updates };
}

/** Flips one bit of a column of an update's row. */
function flip(file: string, sequence: number, column: string, at: number): void {
  const db = new Database(file);
  const { bytes } = db
    .prepare<[number], { bytes: Buffer }>(`SELECT ${column} AS bytes FROM update_log WHERE sequence = ?`)
    .get(sequence)!;
  bytes[Math.floor(at / 8) % bytes.length]! ^= 1 << (at % 8);
  db.prepare(`UPDATE update_log SET ${column} = ? WHERE sequence = ?`).run(bytes, sequence);
  db.close();
}

test('whichever bit of an update rots, it is found, not given to anybody, and put right when it comes again', (t) => {
  const rotten = fc.record({
    sequence: fc.integer({ min: 1, max: 4 }),
    column: fc.constantFrom('header', 'payload', 'digest'),
    at: fc.nat(4_000),
    restart: fc.boolean(),
  });
  fc.assert(
    fc.property(rotten, ({ sequence, column, at, restart }) => {
      const file = join(quickFolder(t), 'tw.db');
      let { store, updates } = filled(file);
      const [origin, digest] = [store.origin, store.foldDigest()];
      const one = updates[sequence - 1]!;
      const { dot } = one.header;
      flip(file, sequence, column, at);
      const found: string[] = [];
      store.log.onDamage((damaged) => found.push(formatDot(damaged)));
      assert.throws(() => store.log.get(dot), DamagedUpdate);
      assert.equal(store.log.getSound(dot), null);
      const given = store.log
        .read(origin, IntervalSet.range(1, 4), 1e6)
        .map(({ header }) => header.dot.sequence);
      assert.deepEqual(
        given,
        [4, 3, 2, 1].filter((n) => n !== sequence),
      );
      assert.throws(() => store.rebuild(), DamagedUpdate);
      const reader = store.reader();
      assert.throws(() => [...reader.pages({})], DamagedUpdate);
      reader.close();
      assert.deepEqual([...new Set(found)], [formatDot(dot)]);

      assert.ok(store.transaction(() => store.log.markDamaged(dot)));
      assert.ok(!store.transaction(() => store.log.markDamaged(dot)), 'once is enough');
      if (restart) {
        store.close();
        store = open(file);
        assert.equal(store.renewal, null);
      }
      assert.ok(!store.vectors.received.has(dot), 'it counts as not received');
      assert.ok(store.vectors.applied.has(dot), 'what was folded from it stays');
      assert.deepEqual([store.stats().damaged, store.stats().held], [1, 0]);
      assert.equal(store.nextSequence(), 5, 'its number is not given again');
      assert.equal(store.foldDigest(), digest);

      assert.ok(store.transaction(() => store.repair(one)));
      assert.equal(store.vectors.received.get(origin).toString(), '1-4');
      assert.deepEqual(Buffer.from(store.log.get(dot)!.payload), Buffer.from(one.payload));
      assert.equal(store.stats().damaged, 0);
      assert.equal(store.rebuild().digest, digest);
      store.close();
    }),
    { numRuns: 40 },
  );
});

test('an update that is sound is not put in the place of itself', (t) => {
  const { store, updates } = filled(join(quickFolder(t), 'tw.db'));
  t.after(() => store.close());
  assert.ok(!store.transaction(() => store.repair(updates[0]!)));
});

test('a chain that was led over damage is that of the sound updates once these have come', (t) => {
  const file = join(quickFolder(t), 'tw.db');
  const store = open(file);
  t.after(() => store.close());
  store.programs.put(PROGRAM.digest, PROGRAM.body);
  const all = [1, 2, 3].map((n) => update(store.origin, n, [attempt(n)]));
  take(store, all[1]!, all[2]!);
  flip(file, 2, 'digest', 5);
  take(store, all[0]!);
  const wrong = store.chains.at(store.origin, 3);
  store.transaction(() => store.log.markDamaged(all[1]!.header.dot));
  store.transaction(() => store.repair(all[1]!));
  const sound = openStore(t);
  take(sound, ...all);
  assert.equal(store.chains.at(store.origin, 3), sound.chains.at(store.origin, 3));
  assert.notEqual(store.chains.at(store.origin, 3), wrong);
});

test('a test program that has rotted is given to nobody, asked for, and put right when it comes again', (t) => {
  const { digest, body } = PROGRAM;
  for (const restart of [false, true]) {
    const file = join(quickFolder(t), 'tw.db');
    let { store } = filled(file);
    const db = new Database(file);
    db.exec('UPDATE programs SET body = zeroblob(length(body))');
    db.close();
    const found: string[] = [];
    store.programs.onDamage((program) => found.push(program));
    assert.equal(store.programs.scan(0, 1_000_000), 1);
    assert.deepEqual(found, [digest], 'found by reading through');
    assert.equal(store.programs.get(digest), null);
    assert.throws(() => store.programs.require(digest), { code: 'damaged', hint: /fetched again/ });
    assert.ok(store.transaction(() => store.programs.markDamaged(digest)));
    assert.ok(!store.transaction(() => store.programs.markDamaged(digest)), 'once');
    if (restart) {
      store.close();
      store = open(file);
    }
    assert.deepEqual(store.programs.missing(10), [digest]);
    assert.deepEqual([store.programs.has(digest), store.programs.damaged], [false, 1]);
    assert.throws(() =>
      store.transaction(() => {
        store.programs.put(digest, body);
        throw new Error('undone');
      }),
    );
    assert.deepEqual(store.programs.missing(10), [digest], 'what was undone did not come');
    store.programs.put(digest, body);
    assert.deepEqual(store.programs.missing(10), []);
    assert.equal(Buffer.compare(store.programs.get(digest)!, body), 0);
    store.close();
  }
});
