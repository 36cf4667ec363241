import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamIntake, type StreamParts } from '../../src/ingest/stream/stream-intake.ts';
import type { StreamResult } from '../../src/ingest/stream/stream-result.ts';
import { decodeAttempts } from '../../src/wafer/payload/decode.ts';
import { encodeAttempts } from '../../src/wafer/payload/encode.ts';
import { ProgramBuilder, readProgram } from '../../src/wafer/program-codec.ts';
import { FakeStore, fakeNode, result } from './fake-node.ts';

/** A store that keeps attempts and programs as bytes, and gives out what it reads from them. */
class ByteStore extends FakeStore {
  override async attemptAt(...place: Parameters<FakeStore['attemptAt']>) {
    const stored = await super.attemptAt(...place);
    const batch = this.batches.find(({ attempts }) => stored && attempts.includes(stored.attempt));
    if (!stored || !batch) return stored;
    const attempts = decodeAttempts(encodeAttempts(batch.attempts));
    const attempt = attempts.find(({ index }) => index === stored.attempt.index)!;
    return { ...stored, attempt, tests: readProgram(batch.program.body, batch.program.digest).tests };
  }
}

const T = 1_700_000_000_000_000;
const limits = (lowLimit: number | null, highLimit: number | null) => ({
  test: { number: 4_294_967_295, name: 'Iddq µ', units: 'µA', lowLimit, highLimit },
});
/** Whatever a stream may hold: values, flags, times, limits, bins, places. */
const STREAM: readonly StreamResult[] = [
  result({ value: Math.fround(0.1), timestampUs: T, ...limits(Math.fround(0.1), null) }),
  result({ value: Number.NaN, timestampUs: T - 5_000_000, ...limits(null, Number.POSITIVE_INFINITY) }),
  result({ value: -0, timestampUs: 0, ...limits(0.1, -0) }),
  result({ value: null, timestampUs: T + 1, testFlags: 0x40, passed: false }),
  result({ value: Number.NEGATIVE_INFINITY, timestampUs: Number.MAX_SAFE_INTEGER, lastOfDie: true }),
  result({ x: null, y: null, partId: 'β-7', value: 0.1, timestampUs: 0, hardBin: 65_535 }),
  result({ x: null, y: null, partId: 'β-7', value: 1 / 3, timestampUs: T, softBin: 65_534, passed: false }),
  result({ x: -(2 ** 31), y: 2 ** 31 - 1, value: 5e-324, timestampUs: 0 }),
].map((each, i) => ({ ...each, streamSequence: 1 + i * 1000 }));

function byteNode() {
  const store = new ByteStore();
  const parts: StreamParts = { ...fakeNode(store).parts, newProgram: () => new ProgramBuilder() };
  const stream = async (results: readonly StreamResult[]) => {
    const session = new StreamIntake(parts);
    for (const each of results) await session.take(each);
    return session.finish();
  };
  return { store, stream };
}

test('attempts of a stream come back from their stored form bit for bit', async () => {
  const { store, stream } = byteNode();
  await stream(STREAM);
  assert.equal(store.batches.length, 1);
  const [{ attempts, program }] = store.batches as [(typeof store.batches)[number]];
  assert.equal(attempts.length, 3);
  assert.deepEqual(decodeAttempts(encodeAttempts(attempts)), attempts);
  assert.deepEqual(readProgram(program.body).tests, program.tests);
});

test('results sent again are found equal to the stored form', async () => {
  const { store, stream } = byteNode();
  await stream(STREAM);
  const again = await stream(STREAM);
  assert.deepEqual([again.accepted, again.duplicates], [0, STREAM.length]);
  const within = await stream(STREAM.slice(3));
  assert.deepEqual([within.accepted, within.duplicates], [0, STREAM.length - 3]);
  assert.equal(store.batches.length, 1);
  const changed = STREAM.map((each, i) => (i === 2 ? { ...each, value: 0 } : each));
  await assert.rejects(stream(changed), { code: 'conflict' });
});
