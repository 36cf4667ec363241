import assert from 'node:assert/strict';
import { test } from 'node:test';
import { similarLots } from '../../src/api/similar-lots.ts';

/** A store that knows these lots, and remembers how many names it was asked for; `-` ahead of one of which no update has come. */
function storeOf(...known: readonly string[]) {
  const asked: number[] = [];
  const names = known.map((name) => name.replace(/^-/, '')).sort();
  const lots = {
    namesAbout: (_: string, each: number) => {
      asked.push(each);
      return names;
    },
    countWafers: (lot: string) => (known.includes(lot) ? 1 : 0),
  };
  return { store: { lots } as unknown as Parameters<typeof similarLots>[0], asked };
}

test('the nearest names come first, then those that begin alike; three at most', () => {
  const { store, asked } = storeOf('LOT-07', 'LOT-7', 'LOT-8', 'LOT-70A', 'LOT-70B', 'OTHER');
  assert.deepEqual(similarLots(store, 'lot7'), ['LOT-7', 'LOT-07', 'LOT-8']);
  assert.deepEqual(similarLots(store, 'LOT-70'), ['LOT-07', 'LOT-7', 'LOT-70A']);
  assert.deepEqual(similarLots(store, 'OTH'), ['OTHER']);
  assert.deepEqual(similarLots(store, 'QQQQQQ'), []);
  assert.ok(asked.every((each) => each === 500));
});

test('a name that nothing but a row has is not told', () => {
  assert.deepEqual(similarLots(storeOf('-LOT-1').store, 'LOT-2'), []);
});
