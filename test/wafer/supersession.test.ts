import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PART_FAILED } from '../../src/wafer/attempt.ts';
import { SUPERSEDES_ID, SUPERSEDES_XY, Supersession } from '../../src/wafer/supersession.ts';
import { YieldTally } from '../../src/wafer/yield.ts';

const BOTH = SUPERSEDES_ID | SUPERSEDES_XY;

const terms = fc.array(
  fc.record({
    partFlags: fc.constantFrom(0, SUPERSEDES_ID, SUPERSEDES_XY, BOTH, PART_FAILED, BOTH | PART_FAILED),
    id: fc.constantFrom(null, 'p', 'q'),
    place: fc.constantFrom(null, '0|0', '0|1'),
  }),
  { maxLength: 12 },
);

test('an attempt is ended once or stands', () => {
  fc.assert(
    fc.property(terms, (all) => {
      const supersession = new Supersession<object>();
      const ended = all.flatMap((one) => supersession.add(one, one));
      const standing = [...supersession.standing()];
      assert.equal(ended.length + standing.length, all.length);
      assert.equal(new Set([...ended, ...standing]).size, all.length);
    }),
  );
});

test('the yield by flags counts those that stand', () => {
  fc.assert(
    fc.property(terms, (all) => {
      const supersession = new Supersession<(typeof all)[number]>();
      const tally = new YieldTally();
      for (const one of all) {
        const [x, y] = one.place === null ? [null, null] : one.place.split('|').map(Number);
        supersession.add(one, one);
        tally.add({ x: x!, y: y!, partId: one.id ?? '', partFlags: one.partFlags }, 'W1');
      }
      const standing = [...supersession.standing()];
      const { parts, fail } = tally.rules().supersede_flags_only;
      const failed = standing.filter(({ partFlags }) => partFlags & PART_FAILED);
      assert.deepEqual([parts, fail], [standing.length, failed.length]);
    }),
  );
});
