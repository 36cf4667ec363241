import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ClockSamples } from '../../src/sync/clock-samples.ts';

/** A heartbeat over a way that takes so long there and back, answered by a clock that is ahead by `offsetMs`. */
function beat(
  samples: ClockSamples,
  atMs: number,
  thereMs: number,
  backMs: number,
  offsetMs: number,
): number {
  const nowMs = atMs + thereMs + backMs;
  samples.take({ sentMs: atMs, answeredMs: atMs + thereMs + offsetMs, nowMs }, nowMs);
  return nowMs;
}

test('whatever the ways take, the offset of the clocks is within what it is told to be off by', () => {
  const way = fc.double({ min: 0, max: 2_000, noNaN: true });
  const property = fc.property(
    fc.array(fc.tuple(way, way), { minLength: 1, maxLength: 40 }),
    fc.double({ min: -1e7, max: 1e7, noNaN: true }),
    (ways, offsetMs) => {
      const samples = new ClockSamples();
      let now = 0;
      for (const [there, back] of ways) now = beat(samples, now + 5_000, there, back, offsetMs);
      const found = samples.offset(now)!;
      assert.ok(Math.abs(found.offsetMs - offsetMs) <= found.uncertaintyMs + 1e-6);
      assert.equal(found.samples, Math.min(16, ways.length), 'none was taken for a clock that was set');
    },
  );
  fc.assert(property);
});

test('of the latest heartbeats the one with the least round trip counts', () => {
  const samples = new ClockSamples();
  assert.equal(samples.offset(0), null);
  beat(samples, 0, 5, 5, 40);
  const now = beat(samples, 5_000, 300, 10, 40);
  const found = samples.offset(now)!;
  assert.deepEqual([found.offsetMs, found.samples, found.measuredAtMs], [40, 2, 10]);
  assert.ok(found.uncertaintyMs > 5 && found.uncertaintyMs < 6, 'half the round trip, and its age');
});

test('a good heartbeat counts less as it ages, and is forgotten behind sixteen others', () => {
  const aged = new ClockSamples();
  beat(aged, 0, 1, 1, 40);
  const late = beat(aged, 600_000, 50, 60, 40);
  assert.equal(aged.offset(late)!.measuredAtMs, late, 'clocks may have drifted apart by more in ten minutes');
  const samples = new ClockSamples();
  beat(samples, 0, 1, 1, 40);
  let now = 0;
  for (let i = 1; i <= 15; i++) now = beat(samples, i * 5_000, 50, 60, 40);
  assert.equal(samples.offset(now)!.measuredAtMs, 2);
  now = beat(samples, 16 * 5_000, 50, 60, 40);
  assert.notEqual(samples.offset(now)!.measuredAtMs, 2);
});

test('where heartbeats contradict each other a clock was set, and only what came since counts', () => {
  const samples = new ClockSamples();
  for (let i = 0; i < 5; i++) beat(samples, i * 5_000, 1, 1, 40);
  const now = beat(samples, 30_000, 100, 100, -90_000);
  assert.deepEqual([samples.offset(now)!.offsetMs, samples.offset(now)!.samples], [-90_000, 1]);
});

test('an answer that seems to have come before it was asked for is none', () => {
  const samples = new ClockSamples();
  samples.take({ sentMs: 1_000, answeredMs: 1_000, nowMs: 400 }, 1_000);
  assert.equal(samples.offset(1_000), null);
});
