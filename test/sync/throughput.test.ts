import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Throughput } from '../../src/sync/throughput.ts';

test('a steady rate is told as it is, from the first second to long after', () => {
  const throughput = new Throughput(0);
  for (let ms = 0; ms < 60_000; ms += 100) {
    throughput.count(1_000, ms);
    if (ms < 1_000) continue;
    const { updatesPerS, bytesPerS, windowMs } = throughput.rate(ms + 100);
    assert.ok(Math.abs(updatesPerS - 10) < 1.2, `${updatesPerS} at ${ms}`);
    assert.ok(Math.abs(bytesPerS - updatesPerS * 1_000) < 1e-6);
    assert.ok(windowMs <= 10_000 && windowMs >= Math.min(9_000, ms), `${windowMs} at ${ms}`);
  }
});

test('what is older than the window counts no more', () => {
  const throughput = new Throughput(0);
  for (let i = 0; i < 500; i++) throughput.count(10, 50_000);
  assert.ok(throughput.rate(59_999).updatesPerS > 49);
  assert.deepEqual(throughput.rate(60_000), { updatesPerS: 0, bytesPerS: 0, windowMs: 9_000 });
});

test('a moment after the start the rate is that of a second', () => {
  const throughput = new Throughput(5_000);
  throughput.count(10, 5_001);
  assert.deepEqual(throughput.rate(5_002), { updatesPerS: 1, bytesPerS: 10, windowMs: 1_000 });
});
