import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  HLC_EPOCH_MS,
  HybridClock,
  type Timestamp,
  timestamp,
  timestampAt,
  timestampMs,
} from '../../src/clocks/hlc.ts';

const LAST_MS = HLC_EPOCH_MS + 2 ** 41 - 1;

/** A wall clock reading that timestamps can hold. */
const reading = fc.integer({ min: HLC_EPOCH_MS, max: LAST_MS - 100_000 });

/** How a wall clock moves between two ticks: stands, goes on, jumps back, jumps ahead. */
const move = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 5 }),
  fc.integer({ min: -1_000_000, max: -1 }),
  fc.integer({ min: 1, max: 1_000_000 }),
);

const start = HLC_EPOCH_MS + 100_000_000;
const moves = fc.array(move, { minLength: 1, maxLength: 50 });

function wall(): { nowMs: number; readonly read: () => number } {
  const clock = { nowMs: start, read: () => clock.nowMs };
  return clock;
}

test('timestamps grow strictly while the wall clock stands, jumps back and jumps ahead', () => {
  fc.assert(
    fc.property(moves, (steps) => {
      const clock = wall();
      const hybrid = new HybridClock(clock.read);
      let last = hybrid.tick();
      for (const step of steps) {
        clock.nowMs = Math.max(HLC_EPOCH_MS, clock.nowMs + step);
        const next = hybrid.tick();
        assert.ok(next > last, `${next} is not above ${last}`);
        assert.ok(Number.isSafeInteger(next));
        assert.ok(timestampMs(next) >= clock.nowMs, 'a timestamp is not behind the wall clock');
        last = next;
      }
    }),
  );
});

test('a timestamp is the wall clock where that has gone on', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1_000 })), (steps) => {
      const clock = wall();
      const hybrid = new HybridClock(clock.read);
      for (const step of steps) {
        clock.nowMs += step;
        assert.equal(hybrid.tick(), timestampAt(clock.nowMs));
      }
    }),
  );
});

test('a full counter runs over into the milliseconds', () => {
  const clock = wall();
  const hybrid = new HybridClock(clock.read);
  const first = hybrid.tick();
  let last = first;
  for (let count = 0; count < 4096; count++) last = hybrid.tick();
  assert.equal(last - first, 4096);
  assert.equal(timestampMs(last), clock.nowMs + 1);
});

test('after a restart no timestamp is issued again, whatever the wall clock does', () => {
  fc.assert(
    fc.property(moves, moves, (before, after) => {
      const clock = wall();
      const issued = new Set<Timestamp>();
      let hybrid = new HybridClock(clock.read);
      for (const [lap, steps] of [before, after].entries()) {
        if (lap === 1) hybrid = new HybridClock(clock.read, hybrid.last);
        for (const step of steps) {
          clock.nowMs = Math.max(HLC_EPOCH_MS, clock.nowMs + step);
          const next = hybrid.tick();
          assert.ok(!issued.has(next), `${next} was issued twice`);
          issued.add(next);
        }
      }
    }),
  );
});

test('what was observed is below every later timestamp', () => {
  const seen = fc.array(fc.integer({ min: -1_000_000, max: 60_000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(seen, (offsets) => {
      const clock = wall();
      const hybrid = new HybridClock(clock.read);
      for (const offset of offsets) {
        const theirs = timestampAt(clock.nowMs + offset);
        assert.equal(hybrid.observe(theirs, 60_000), true);
        assert.ok(hybrid.last >= theirs);
        assert.ok(hybrid.tick() > theirs);
      }
    }),
  );
});

test('a timestamp from too far ahead is refused and leaves the clock alone, to the millisecond', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 100_000 }),
      fc.integer({ min: -5, max: 5 }),
      (maxDriftMs, beyond) => {
        const clock = wall();
        const hybrid = new HybridClock(clock.read);
        const before = hybrid.tick();
        const theirs = timestamp(timestampAt(clock.nowMs + maxDriftMs + beyond) + 4095);
        assert.equal(hybrid.observe(theirs, maxDriftMs), beyond <= 0);
        assert.equal(hybrid.last, beyond <= 0 ? Math.max(before, theirs) : before);
      },
    ),
  );
});

test('observing never takes the clock further than the drift ahead of the wall clock', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 1_000_000_000 })), fc.nat({ max: 100_000 }), (offsets, maxDriftMs) => {
      const clock = wall();
      const hybrid = new HybridClock(clock.read);
      for (const offset of offsets) hybrid.observe(timestampAt(clock.nowMs + offset), maxDriftMs);
      assert.ok(timestampMs(hybrid.last) <= clock.nowMs + maxDriftMs);
    }),
  );
});

test('a moment packed into a timestamp is read back, and order is kept', () => {
  fc.assert(
    fc.property(reading, reading, (a, b) => {
      assert.equal(timestampMs(timestampAt(a)), a);
      assert.ok(Number.isSafeInteger(timestampAt(a)));
      assert.equal(Math.sign(timestampAt(a) - timestampAt(b)), Math.sign(a - b));
    }),
  );
});

test('a wall clock outside 2020 to 2089 is refused with a remedy', () => {
  assert.equal(timestampAt(HLC_EPOCH_MS), 0);
  assert.equal(timestampMs(timestampAt(LAST_MS)), LAST_MS);
  for (const outside of [HLC_EPOCH_MS - 1, LAST_MS + 1, 0, Number.NaN]) {
    assert.throws(() => timestampAt(outside), { code: 'precondition', hint: /clock/ });
  }
});

test('the clock stops with an error where timestamps end, and never leaves the safe integers', () => {
  const hybrid = new HybridClock(() => LAST_MS, timestamp(Number.MAX_SAFE_INTEGER - 1));
  assert.equal(hybrid.tick(), Number.MAX_SAFE_INTEGER);
  assert.throws(() => hybrid.tick(), { code: 'precondition' });
  assert.equal(hybrid.last, Number.MAX_SAFE_INTEGER);
});

test('what is no timestamp is refused', () => {
  for (const value of [-1, 0.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => timestamp(value), { code: 'invalid' });
  }
});
