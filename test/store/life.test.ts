import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Store } from '../../src/store/store.ts';
import { attempt, jsonDecoders, PROGRAM, quickFolder, stillWorld, TW, take, update } from './fixtures.ts';

function opener(t: TestContext, file = join(quickFolder(t), 'tw.db')) {
  const open = () => Store.open({ file, fab: TW, world: stillWorld, decoders: jsonDecoders });
  return { file, open };
}

/** Opens a store, works with it, and closes it. */
function during<T>(open: () => Store, work: (store: Store) => T): T {
  const store = open();
  try {
    return work(store);
  } finally {
    store.close();
  }
}

/** An update is born. */
function bear(store: Store): void {
  store.programs.put(PROGRAM.digest, PROGRAM.body);
  const next = store.nextSequence();
  take(store, update(store.origin, next, [attempt(next)]));
}

test('a database that is opened again as it was left goes on in its epoch', (t) => {
  const { open } = opener(t);
  const origins = [1, 2, 3].map(() =>
    during(open, (store) => {
      bear(store);
      assert.equal(store.renewal, null);
      return store.origin;
    }),
  );
  assert.deepEqual(origins[1], origins[0]);
  assert.deepEqual(origins[2], origins[0]);
});

test('a copy of a database is another life: it begins an epoch of its own, greater than the one before', (t) => {
  const { file, open } = opener(t);
  const first = during(open, (store) => {
    bear(store);
    return store.origin;
  });
  const copy = join(quickFolder(t), 'tw.db');
  copyFileSync(file, copy);
  copyFileSync(`${file}.life`, `${copy}.life`);
  during(opener(t, copy).open, (store) => {
    assert.deepEqual(store.renewal, { reason: 'copied', from: first });
    assert.ok(store.origin.epoch > first.epoch);
    assert.equal(store.nextSequence(), 1, 'sequences begin anew');
    assert.equal(store.vectors.received.get(first).max, 1, 'what was born before stays');
    bear(store);
  });
  during(opener(t, copy).open, (store) => assert.equal(store.renewal, null, 'once is enough'));
  during(open, (store) => assert.equal(store.renewal, null, 'the original is the original'));
});

test('a backup that is written over the database is found by the file beside it', (t) => {
  const { file, open } = opener(t);
  const first = during(open, (store) => {
    bear(store);
    return store.origin;
  });
  const backup = readFileSync(file);
  during(open, bear);
  writeFileSync(file, backup);
  during(open, (store) => {
    assert.deepEqual(store.renewal, { reason: 'put-back', from: first });
    assert.notDeepEqual(store.origin, first);
  });
});

test('where the file beside the database is gone, it is taken for a copy', (t) => {
  const { file, open } = opener(t);
  during(open, bear);
  assert.ok(existsSync(`${file}.life`));
  rmSync(`${file}.life`);
  during(open, (store) => assert.equal(store.renewal?.reason, 'put-back'));
});

test('a crash between the two writes of a token is no copy', (t) => {
  const { file, open } = opener(t);
  during(open, bear);
  const token = readFileSync(`${file}.life`, 'utf8');
  writeFileSync(`${file}.life`, `${token}0123456789abcdef\n`);
  during(open, (store) => assert.equal(store.renewal, null));
  assert.doesNotMatch(
    readFileSync(`${file}.life`, 'utf8'),
    new RegExp(token.trim()),
    'which is forgotten then',
  );
});

test('an epoch that is renewed is greater than any that is known of the fab, even by a clock that is behind', (t) => {
  const { open } = opener(t);
  during(open, (store) => {
    const { epoch } = store.origin;
    const later = store.transaction(() => store.renewEpoch((epoch + 2 ** 41) as typeof epoch));
    assert.ok(later.epoch > epoch + 2 ** 41);
    const again = store.transaction(() => store.renewEpoch());
    assert.ok(again.epoch > later.epoch);
    assert.deepEqual(store.origin, again);
  });
});
