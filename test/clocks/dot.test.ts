import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  compareDots,
  type Dot,
  epoch,
  fabId,
  formatDot,
  formatEpoch,
  mintEpoch,
  mintEpochAt,
  originKey,
  parseOriginKey,
  sameDot,
  sequence,
} from '../../src/clocks/dot.ts';
import { anyDot, dot } from '../support/clock-arbitraries.ts';

const nearOrAny = fc.oneof(dot, anyDot);

test('dots are totally ordered', () => {
  fc.assert(
    fc.property(nearOrAny, nearOrAny, nearOrAny, (a, b, c) => {
      assert.equal(Math.sign(compareDots(a, b)) + Math.sign(compareDots(b, a)), 0);
      assert.equal(compareDots(a, b) === 0, sameDot(a, b));
      if (compareDots(a, b) <= 0 && compareDots(b, c) <= 0) assert.ok(compareDots(a, c) <= 0);
    }),
  );
});

test('dots of one origin are ordered by sequence', () => {
  fc.assert(
    fc.property(anyDot, anyDot, (a, b) => {
      const sibling: Dot = { ...a, sequence: b.sequence };
      assert.equal(Math.sign(compareDots(a, sibling)), Math.sign(a.sequence - b.sequence));
    }),
  );
});

test('dots are ordered by fab, then by life, then by sequence', () => {
  const at = (fab: string, life: number, position: number): Dot => ({
    fab: fabId(fab),
    epoch: epoch(life),
    sequence: sequence(position),
  });
  const inOrder = [at('a', 1, 2), at('a', 2, 1), at('a', 2, 10), at('a-b', 1, 1), at('tw', 0, 1)];
  assert.deepEqual([...inOrder].reverse().sort(compareDots), inOrder);
});

test('an origin key read back is the same origin', () => {
  fc.assert(
    fc.property(anyDot, ({ fab, epoch: life }) => {
      assert.deepEqual(parseOriginKey(originKey({ fab, epoch: life })), { fab, epoch: life });
    }),
  );
});

test('a text is an origin key only if writing its origin gives it again', () => {
  const alike = fc.stringMatching(/^[a-z-]{1,3}\.[0-9]{1,4}-[0-9a-f]{10}$/);
  fc.assert(
    fc.property(fc.oneof(alike, fc.string()), (text) => {
      try {
        assert.equal(originKey(parseOriginKey(text)), text);
      } catch (error) {
        assert.equal((error as { code?: unknown }).code, 'invalid', String(error));
      }
    }),
  );
});

test('dots are the same just when their texts are', () => {
  fc.assert(
    fc.property(nearOrAny, nearOrAny, (a, b) => {
      assert.equal(formatDot(a) === formatDot(b), sameDot(a, b));
    }),
  );
});

test('a minted epoch says which life it is, and its random part sets it apart', () => {
  const bytes = fc.uint8Array({ minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8191 }), bytes, bytes, (life, a, b) => {
      const minted = mintEpoch(life, () => a);
      assert.ok(Number.isSafeInteger(minted));
      assert.equal(formatEpoch(minted), `${life}-${Buffer.from(a).toString('hex')}`);
      assert.equal(minted === mintEpoch(life, () => b), Buffer.compare(a, b) === 0);
      if (life > 1) assert.ok(mintEpoch(life - 1, () => b) < minted, 'a later life is greater');
    }),
  );
});

test('what is no fab id, epoch, sequence or life is refused with a remedy where there is one', () => {
  for (const text of ['', 'TW', '1a', '-a', 'a_b', 'a.b', 'abcdefghijklmnopq', 'tw\n']) {
    assert.throws(() => fabId(text), { code: 'invalid', hint: /1 to 16/ });
  }
  for (const value of [-1, 0.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => epoch(value), { code: 'invalid' });
    assert.throws(() => sequence(value), { code: 'invalid' });
  }
  assert.throws(() => sequence(0), { code: 'invalid' });
  for (const life of [0, 1.5, 8192]) assert.throws(() => mintEpoch(life), { code: 'invalid' });
});

test('a database that is created later has a greater epoch, whatever the random bits; two of one second differ by them', () => {
  const from = Date.UTC(2020, 0, 2);
  const moment = fc.integer({ min: from, max: Date.UTC(2042, 0, 1) });
  const random = fc.uint8Array({ minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(
      moment,
      fc.integer({ min: 1000, max: 10 * 86_400_000 }),
      random,
      random,
      (nowMs, laterMs, a, b) => {
        const minted = mintEpochAt(nowMs, () => a);
        assert.ok(mintEpochAt(nowMs + laterMs, () => b) > minted);
        assert.deepEqual(parseOriginKey(originKey({ fab: fabId('tw'), epoch: minted })).epoch, minted);
        const bits = (bytes: Uint8Array) => ((bytes[0]! & 0x7f) << 16) | (bytes[1]! << 8) | bytes[2]!;
        assert.equal(mintEpochAt(nowMs, () => b) === minted, bits(a) === bits(b));
      },
    ),
  );
  assert.throws(() => mintEpochAt(Date.UTC(2019, 0, 1)), { code: 'precondition' });
});
