import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { IntervalSet } from '../../src/clocks/interval-set.ts';
import type { Store } from '../../src/store/store.ts';
import { updateBytes } from '../../src/wafer/update.ts';
import { attempt, openStore, origin, program, quickFolder, rows, take, update } from './fixtures.ts';

const AZ = origin('az');
const one = (at: number, part = {}) => update(AZ, at, [attempt(at)], part);
const sequences = (store: Store, wanted: IntervalSet, bytes: number) =>
  store.log.read(AZ, wanted, bytes).map(({ header }) => header.dot.sequence);

test('an update is given back byte for byte', (t) => {
  const store = openStore(t);
  const sent = one(3);
  take(store, sent);
  const kept = store.log.get(sent.header.dot)!;
  assert.deepEqual(kept.header, sent.header);
  for (const part of ['headerBytes', 'payload', 'digest'] as const) {
    assert.deepEqual(new Uint8Array(kept[part]), new Uint8Array(sent[part]));
  }
  assert.deepEqual(new Uint8Array(store.log.digestOf(sent.header.dot)!), new Uint8Array(sent.digest));
  assert.equal(store.log.get(one(4).header.dot), null);
  assert.equal(store.log.digestOf(update(origin('kr'), 1, []).header.dot), null);
});

test('the same update again changes nothing; other content under its dot is a conflict', (t) => {
  const store = openStore(t);
  take(store, one(1));
  const { received } = store.vectors;
  store.transaction(() => {
    assert.equal(store.log.append(one(1)), false);
    assert.throws(() => store.log.append(update(AZ, 1, [])), { code: 'conflict' });
  });
  assert.ok(store.vectors.received.equals(received));
  assert.equal(store.stats().updates, 1);
});

test('a gap that fills leaves one interval behind', (t) => {
  const file = join(quickFolder(t), 'tw.db');
  const store = openStore(t, { file });
  take(store, one(1), one(2), one(5));
  const shown = () => rows(file, 'SELECT fab, first, last FROM v_received');
  assert.deepEqual(shown(), [
    { fab: 'az', first: 1, last: 2 },
    { fab: 'az', first: 5, last: 5 },
  ]);
  take(store, one(4), one(3));
  assert.deepEqual(shown(), [{ fab: 'az', first: 1, last: 5 }]);
});

test('reading gives the newest interval first and the highest sequence first, and no more than what is asked for', (t) => {
  const store = openStore(t);
  take(store, ...[1, 2, 3, 5, 6, 9].map((at) => one(at)));
  const wanted = IntervalSet.of([
    { from: 2, to: 5 },
    { from: 9, to: 1_000_000 },
  ]);
  assert.deepEqual(sequences(store, wanted, 1_000_000), [9, 5, 3, 2]);
  assert.deepEqual(sequences(store, IntervalSet.range(7, 8), 1_000_000), []);
  assert.deepEqual(store.log.read(origin('kr'), wanted, 1_000_000), []);
});

test('reading ends before it passes the bytes, but gives one update at least', (t) => {
  const store = openStore(t);
  take(store, ...[1, 2, 3, 4].map((at) => one(at)));
  const size = updateBytes(one(1));
  const all = IntervalSet.range(1, 4);
  assert.deepEqual(sequences(store, all, 0), [4]);
  assert.deepEqual(sequences(store, all, size * 2), [4, 3]);
  assert.deepEqual(sequences(store, all, size * 3 - 1), [4, 3]);
  const split = IntervalSet.of([
    { from: 1, to: 2 },
    { from: 4, to: 4 },
  ]);
  assert.deepEqual(sequences(store, split, size * 2), [4, 2]);
  assert.deepEqual(sequences(store, split, size), [4]);
});

test('an update that is held is received, not applied, until it is applied', (t) => {
  const store = openStore(t);
  const other = program('other');
  const held = one(1, { program: other.digest });
  store.transaction(() => {
    store.log.append(held);
    store.log.hold(held.header.dot, 'program', 'on its way');
  });
  assert.equal(store.vectors.received.has(held.header.dot), true);
  assert.equal(store.vectors.applied.has(held.header.dot), false);
  assert.equal(store.log.heldCount, 1);
  assert.deepEqual([...store.log.heldByReason], [['program', 1]]);
  assert.deepEqual(store.programs.missing(10), [other.digest]);
  assert.deepEqual(store.log.heldForProgram(other.digest), [held.header.dot]);
  const [row] = store.log.held(10);
  assert.deepEqual(
    [row!.dot, row!.reason, row!.detail, row!.kind],
    [held.header.dot, 'program', 'on its way', 'results'],
  );

  store.transaction(() => {
    store.programs.put(other.digest, other.body);
    store.apply(held);
  });
  assert.equal(store.vectors.applied.has(held.header.dot), true);
  assert.equal(store.log.heldCount, 0);
  assert.deepEqual([...store.log.heldByReason], []);
  assert.deepEqual(store.programs.missing(10), []);
  assert.equal(store.stats().attempts, 1);
});

test('a held update takes a new reason, and waits for its program no more', (t) => {
  const store = openStore(t);
  const other = program('other');
  const held = one(1, { program: other.digest });
  store.transaction(() => {
    store.log.append(held);
    store.log.hold(held.header.dot, 'program', 'on its way');
    store.log.hold(held.header.dot, 'fold', 'cannot be read');
  });
  assert.equal(store.log.heldCount, 1);
  assert.equal(store.log.held(10)[0]!.reason, 'fold');
  assert.deepEqual(store.log.heldForProgram(other.digest), []);
});

test('what is held stays held over a restart', (t) => {
  const file = join(quickFolder(t), 'tw.db');
  const first = openStore(t, { file });
  const held = one(2, { kind: 'edit', run: null, program: null });
  take(first, one(1));
  first.transaction(() => {
    first.log.append(held);
    first.log.hold(held.header.dot, 'kind', 'later');
  });
  const { received, applied } = first.vectors;
  first.close();
  const second = openStore(t, { file });
  assert.ok(second.vectors.received.equals(received));
  assert.ok(second.vectors.applied.equals(applied));
  assert.equal(second.vectors.applied.size, 1);
});

test('a transaction that leaves an update neither applied nor held does not commit', (t) => {
  const store = openStore(t);
  assert.throws(() => store.transaction(() => store.log.append(one(1))), { code: 'internal' });
  assert.equal(store.vectors.received.isEmpty, true);
  assert.equal(store.log.get(one(1).header.dot), null);
});

test('what is not in the log is neither held nor applied, and what is applied is not held', (t) => {
  const store = openStore(t);
  take(store, one(1));
  store.transaction(() => {
    assert.throws(() => store.log.hold(one(2).header.dot, 'fold', ''), { code: 'not-found' });
    assert.throws(() => store.apply(one(2)), { code: 'not-found' });
    assert.throws(() => store.log.hold(one(1).header.dot, 'fold', ''), { code: 'internal' });
  });
});
