import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { sequence } from '../../src/clocks/dot.ts';
import { Store } from '../../src/store/store.ts';
import type { Update } from '../../src/wafer/update.ts';
import {
  attempt,
  jsonDecoders,
  openStore,
  origin,
  quickFolder,
  stillWorld,
  TW,
  take,
  update,
} from './fixtures.ts';

const AZ = origin('az');

/** The chain by definition. */
function chainOf(updates: readonly Update[]): string {
  let hash = Buffer.alloc(32);
  for (const { digest } of updates) hash = createHash('sha256').update(hash).update(digest).digest();
  return hash.toString('hex');
}

const history = (count: number) => Array.from({ length: count }, (_, i) => update(AZ, i + 1, [attempt(i)]));

test('a chain follows what is there without a hole, whatever came when, and tells every height below', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }).chain((count) =>
        fc.record({
          count: fc.constant(count),
          order: fc.shuffledSubarray([...Array(count).keys()], { minLength: count }),
          groups: fc.integer({ min: 1, max: 4 }),
          missing: fc.option(fc.nat(count - 1), { nil: null }),
        }),
      ),
      ({ count, order, groups, missing }) => {
        const store = openStore(t);
        const all = history(count);
        const coming = order.filter((i) => i !== missing).map((i) => all[i]!);
        for (let i = 0; i < coming.length; i += groups) take(store, ...coming.slice(i, i + groups));
        const height = missing ?? count;
        assert.equal(store.chains.top(AZ), height);
        for (let at = 0; at <= height; at++) assert.equal(store.chains.at(AZ, at), chainOf(all.slice(0, at)));
        assert.equal(store.chains.at(AZ, height + 1), null);
        store.close();
      },
    ),
    { numRuns: 40 },
  );
});

test('over thousands of updates a chain is worked out in steps, and is the same after reopening', (t) => {
  const file = join(quickFolder(t), 'tw.db');
  const store = Store.open({ file, fab: TW, world: stillWorld, decoders: jsonDecoders });
  const all = Array.from({ length: 9_000 }, (_, i) =>
    update(AZ, i + 1, {}, { kind: 'edit', run: null, program: null }),
  );
  const hold = (updates: readonly Update[]) =>
    store.transaction(() => {
      for (const one of updates) {
        store.log.append(one);
        store.log.hold(one.header.dot, 'kind', 'held');
      }
    });
  hold(all.slice(1));
  assert.equal(store.chains.top(AZ), 0, 'the first is missing');
  hold(all.slice(0, 1));
  assert.equal(store.chains.top(AZ), 8_192, 'one commit adds no more');
  store.transaction(() => store.saveTimestamp(store.lastTimestamp()));
  assert.equal(store.chains.top(AZ), 9_000);
  store.close();
  const again = Store.open({ file, fab: TW, world: stillWorld, decoders: jsonDecoders });
  t.after(() => again.close());
  for (const height of [1, 1_023, 1_024, 1_025, 5_000, 9_000]) {
    assert.equal(again.chains.at(AZ, height), chainOf(all.slice(0, height)), `at ${height}`);
  }
});

test('where an update gives way the chain ends below it, and goes on with what comes in its place', (t) => {
  const store = openStore(t);
  const all = history(5);
  take(store, ...all);
  store.transaction(() => store.giveWay([{ ...AZ, sequence: sequence(3) }]));
  assert.equal(store.chains.top(AZ), 2);
  const other = update(AZ, 3, [attempt(77)]);
  take(store, other);
  assert.equal(store.chains.at(AZ, 5), chainOf([all[0]!, all[1]!, other, all[3]!, all[4]!]));
});

test('a commit that fails leaves the chains as they were', (t) => {
  const store = openStore(t);
  const [first, second] = history(2);
  take(store, first!);
  assert.throws(() =>
    store.transaction(() => {
      store.log.append(second!);
      store.apply(second!);
      throw new Error('no');
    }),
  );
  assert.equal(store.chains.top(AZ), 1);
  take(store, second!);
  assert.equal(store.chains.at(AZ, 2), chainOf([first!, second!]));
});
