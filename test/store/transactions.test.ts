import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { timestamp } from '../../src/clocks/hlc.ts';
import { openDatabase } from '../../src/store/database.ts';
import { LocalKeys } from '../../src/store/keys.ts';
import { NodeState } from '../../src/store/node-state.ts';
import { attempt, openStore, origin, quickFolder, stillWorld, TW, take, update } from './fixtures.ts';

const AZ = origin('az');
const one = (at: number) => update(AZ, at, [attempt(at)]);
const fail = () => {
  throw new Error('on purpose');
};

test('a transaction that throws leaves log, folds, vectors, sequence and clock as they were', (t) => {
  const store = openStore(t);
  take(store, one(1));
  const digest = store.foldDigest();
  const { vectors, commitNumber } = store;
  assert.throws(
    () =>
      store.transaction(() => {
        for (const from of [AZ, origin('kr'), store.origin]) {
          const fresh = update(from, 2, [attempt(5)]);
          store.log.append(fresh);
          store.apply(fresh);
        }
        store.saveTimestamp(timestamp(77));
        assert.equal(store.nextSequence(), 3);
        assert.equal(store.vectors.received.size, 4);
        fail();
      }),
    /on purpose/,
  );
  assert.equal(store.vectors, vectors);
  assert.equal(store.commitNumber, commitNumber);
  assert.equal(store.lastTimestamp(), 0);
  assert.equal(store.nextSequence(), 1);
  assert.equal(store.foldDigest(), digest);
  assert.equal(store.stats().attempts, 1);
});

test('origins that were numbered in a rolled-back transaction are numbered again', (t) => {
  const store = openStore(t);
  const first = update(origin('de'), 1, [attempt(1)]);
  assert.throws(() => {
    store.transaction(() => {
      store.log.append(first);
      fail();
    });
  });
  const other = update(origin('il'), 1, [attempt(2)]);
  take(store, other, first);
  assert.deepEqual(store.log.get(first.header.dot)!.header, first.header);
  assert.deepEqual(store.attempts.find(first.header.run!.id, 1)!.dot, first.header.dot);
  assert.deepEqual(store.attempts.find(first.header.run!.id, 2)!.dot, other.header.dot);
});

test('a savepoint that throws is undone alone, vectors as well, also inside another', (t) => {
  const store = openStore(t);
  store.transaction(() => {
    store.savepoint(() => {
      store.log.append(one(1));
      store.apply(one(1));
      assert.throws(() => {
        store.savepoint(() => {
          store.log.append(one(2));
          store.apply(one(2));
          fail();
        });
      }, /on purpose/);
    });
    assert.throws(() => {
      store.savepoint(() => {
        store.savepoint(() => {
          store.log.append(one(3));
          store.apply(one(3));
        });
        fail();
      });
    }, /on purpose/);
    store.log.append(one(4));
    store.apply(one(4));
  });
  assert.equal(store.vectors.received.get(AZ).toString(), '1,4');
  assert.equal(store.vectors.applied.get(AZ).toString(), '1,4');
  assert.equal(store.log.get(one(2).header.dot), null);
  assert.equal(store.stats().attempts, 2);
});

test('every committed write raises the commit number by one; reading and idling do not', (t) => {
  const store = openStore(t);
  const start = store.commitNumber;
  take(store, one(1), one(2));
  assert.equal(store.commitNumber, start + 1);
  store.transaction(() => store.log.get(one(1).header.dot));
  store.transaction(() => {});
  assert.equal(store.commitNumber, start + 1);
  store.transaction(() => store.saveTimestamp(timestamp(5)));
  assert.equal(store.commitNumber, start + 2);
  take(store, one(3));
  assert.equal(store.commitNumber, start + 3);
});

test('sequences of this origin go on where they were, and the clock never goes back', (t) => {
  const store = openStore(t);
  for (const expected of [1, 2]) {
    assert.equal(store.nextSequence(), expected);
    assert.equal(store.nextSequence(), expected);
    take(store, update(store.origin, expected, [attempt(expected)]));
  }
  store.transaction(() => {
    store.saveTimestamp(timestamp(9));
    store.saveTimestamp(timestamp(4));
  });
  assert.equal(store.lastTimestamp(), 9);
});

test('the log and its folds are not written outside a transaction, and transactions do not nest or wait', (t) => {
  const store = openStore(t);
  assert.throws(() => store.log.append(one(1)), { code: 'internal' });
  assert.throws(() => store.apply(one(1)), { code: 'internal' });
  assert.throws(() => store.savepoint(() => {}), { code: 'internal' });
  assert.throws(() => store.saveTimestamp(timestamp(1)), { code: 'internal' });
  assert.throws(() => store.transaction(() => store.transaction(() => {})), { code: 'internal' });
  assert.throws(() => store.transaction(async () => {}), { code: 'internal' });
  take(store, one(1));
});

test('a commit that fails at its very end is as if it had not been, and the next one writes everything', (t) => {
  const { connection, lock } = openDatabase({
    file: join(quickFolder(t), 'tw.db'),
    fab: TW,
    world: stillWorld,
  });
  t.after(() => {
    connection.close();
    lock.release();
  });
  const keys = new LocalKeys(connection);
  const state = new NodeState(connection, keys);
  let failing = true;
  const flush = () => {
    if (failing) fail();
  };
  connection.enlist({ save: () => () => {}, flush });
  const receive = () => {
    connection.transaction(() => {
      state.received(one(1).header.dot);
      state.applied(one(1).header.dot, false);
    });
  };
  assert.throws(receive, /on purpose/);
  assert.equal(state.vectors.received.isEmpty, true);
  failing = false;
  receive();
  const reread = new NodeState(connection, keys);
  assert.equal(reread.vectors.received.get(AZ).toString(), '1');
  assert.equal(reread.commitNumber, 1);
});
