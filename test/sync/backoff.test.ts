import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs } from '../../src/sync/backoff.ts';

const bounds = fc
  .tuple(fc.integer({ min: 1, max: 10_000 }), fc.nat(1_000_000))
  .map(([minMs, more]) => ({ minMs, maxMs: minMs + more }));
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('a wait lies between half of its full length and all of it, and never passes the cap', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), bounds, chance, (failures, { minMs, maxMs }, random) => {
      const full = Math.min(maxMs, minMs * 2 ** (failures - 1));
      const wait = backoffMs(failures, { minMs, maxMs }, random);
      assert.ok(wait >= Math.floor(full / 2) && wait <= full, `${wait} of ${full}`);
    }),
  );
});

test('waits do not shrink with failures, for the same chance', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 }), bounds, chance, (failures, between, random) => {
      assert.ok(backoffMs(failures + 1, between, random) >= backoffMs(failures, between, random));
    }),
  );
});

test('without a failure there is no wait', () => {
  assert.equal(backoffMs(0, { minMs: 100, maxMs: 1_000 }, 0.5), 0);
});
