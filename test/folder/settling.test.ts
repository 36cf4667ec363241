import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FileState, isSame, Settling } from '../../src/ingest/folder/settling.ts';

const SETTLE_MS = 100;
const state = (size: number, modifiedMs = 0, inode = 1): FileState => ({ size, modifiedMs, inode });

test('a new file is looked at once at once, and has settled when it looks the same one settle time later', () => {
  const settling = new Settling(SETTLE_MS);
  settling.add('a', 1000);
  assert.deepEqual(settling.due(999), []);
  assert.deepEqual(settling.due(1000), ['a']);
  assert.equal(settling.look('a', state(5), 1000), false);
  assert.deepEqual([settling.due(1099), settling.dueMs], [[], 1100]);
  assert.equal(settling.look('a', state(5), 1100), true);
  assert.deepEqual([settling.has('a'), settling.size, settling.dueMs], [false, 0, Infinity]);
});

test('a file that looks different, in size, time or identity, is waited for anew', () => {
  for (const other of [state(6), state(5, 1), state(5, 0, 2)]) {
    const settling = new Settling(SETTLE_MS);
    settling.add('a', 0);
    settling.look('a', state(5), 0);
    assert.equal(settling.look('a', other, 100), false);
    assert.equal(settling.dueMs, 200);
    assert.equal(settling.look('a', other, 200), true);
  }
});

test('what is heard of a file puts off its look, also while it is looked at', () => {
  const settling = new Settling(SETTLE_MS);
  settling.add('a', 0);
  settling.look('a', state(5), 0);
  settling.delay('a', 90);
  assert.deepEqual([settling.due(100), settling.due(190)], [[], ['a']]);
  settling.delay('a', 190);
  assert.equal(settling.look('a', state(5), 190), false, 'heard of since it was found due');
  assert.equal(settling.look('a', state(5), 290), true);
});

test('files are looked at in the order in which they are due', () => {
  const settling = new Settling(SETTLE_MS);
  for (const [name, due] of [
    ['c', 30],
    ['a', 10],
    ['b', 20],
  ] as const) {
    settling.add(name, due);
  }
  assert.deepEqual(settling.due(25), ['a', 'b']);
  settling.forget('a');
  assert.deepEqual(settling.due(25), ['b']);
});

test('no file settles before it stood still for the settle time', () => {
  const change = fc.record({ atMs: fc.nat(1000), size: fc.nat(3), isHeard: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
      const sorted = changes.sort((a, b) => a.atMs - b.atMs);
      const settling = new Settling(SETTLE_MS);
      settling.add('a', 0);
      let now = state(0);
      let changedMs = 0;
      for (let ms = 0; ms <= 3000; ms++) {
        for (const { size, isHeard } of sorted.filter(({ atMs }) => atMs === ms)) {
          const next = state(size, ms);
          if (!isSame(now, next)) changedMs = ms;
          now = next;
          if (isHeard) settling.delay('a', ms);
        }
        if (settling.due(ms).length > 0 && settling.look('a', now, ms)) {
          assert.ok(ms - changedMs >= SETTLE_MS, `settled ${ms - changedMs} ms after its last change`);
          return;
        }
      }
      assert.fail('never settled');
    }),
  );
});
