import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import Long from 'long';
import { wafersync } from '../../src/gen/wafersync.js';
import { fromNumber, toNumber } from '../../src/wire/long.ts';

const { GetRunResponse } = wafersync.v1;

test('every safe integer crosses int64 and, from 0 on, uint64 fields unchanged', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.maxSafeNat(), (signed, unsigned) => {
      const message = { started_at_us: fromNumber(signed), attempts: fromNumber(unsigned) };
      const back = GetRunResponse.decode(GetRunResponse.encode(message).finish());
      assert.equal(toNumber(back.started_at_us), signed);
      assert.equal(toNumber(back.attempts), unsigned);
    }),
  );
});

test('an absent field is 0', () => {
  assert.equal(toNumber(undefined), 0);
  assert.equal(toNumber(null), 0);
  assert.equal(toNumber(GetRunResponse.decode(new Uint8Array()).attempts), 0);
});

test('what a number cannot hold exactly is refused by name, in both directions', () => {
  const invalid = { code: 'invalid' };
  assert.throws(() => toNumber(Long.fromString('9007199254740992'), 'attempts'), {
    ...invalid,
    message: 'attempts is 9007199254740992, which is beyond 2^53 - 1',
  });
  assert.throws(() => toNumber(Long.MAX_UNSIGNED_VALUE), invalid);
  assert.throws(() => toNumber(Long.MIN_VALUE), invalid);
  assert.throws(() => fromNumber(2 ** 53), invalid);
  assert.throws(() => fromNumber(0.5), invalid);
  assert.throws(() => fromNumber(Number.NaN), invalid);
});
