import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PART_FAILED } from '../../src/wafer/attempt.ts';
import { decodeAttempts } from '../../src/wafer/payload/decode.ts';
import { encodeAttempts } from '../../src/wafer/payload/encode.ts';
import { ResultsBuilder } from '../../src/wafer/results-builder.ts';
import type { Update, UpdateHeader } from '../../src/wafer/update.ts';
import { decoders } from '../../src/wire/decoders.ts';
import { sealUpdate } from '../../src/wire/header.ts';
import { encodeRunRecord } from '../../src/wire/run-record.ts';
import { attempt, openStore, origin, record, runUpdate, take, update } from './fixtures.ts';

/** The update with its bytes as the wire has them. */
const sealed = ({ header }: { header: UpdateHeader }, payload: Uint8Array): Update =>
  sealUpdate(header, payload);

test('updates in the bytes of the wire are folded and given back', (t) => {
  const store = openStore(t, { decoders });
  const results = () => {
    const builder = new ResultsBuilder();
    builder.result(0, 0, 0);
    builder.value64(1.5);
    return builder.take();
  };
  const attempts = [0, 1, 5].map((index) => {
    const { resultCount: _, ...summary } = attempt(index, {
      x: index - 2,
      y: 3,
      partFlags: index ? PART_FAILED : 0,
    });
    return { ...summary, results: results() };
  });
  const az = origin('az');
  const brought = sealed(update(az, 1, []), encodeAttempts(attempts));
  const ended = sealed(runUpdate(az, 2, record()), encodeRunRecord(record()));
  take(store, brought, ended);
  assert.deepEqual(store.stats(), { updates: 2, held: 0, damaged: 0, attempts: 3, results: 3, wafers: 1 });
  const kept = store.log.get(brought.header.dot)!;
  assert.deepEqual(kept.header, brought.header);
  assert.deepEqual(decodeAttempts(kept.payload), attempts);
  assert.deepEqual(store.runs.get(brought.header.run!.id)!.record, record());
  assert.equal(store.wafers.find({})[0]!.passedDies, 1);
  const digest = store.foldDigest();
  assert.equal(store.rebuild().digest, digest);
});

test('a payload that is not what it should be is refused by the fold, and can be held', (t) => {
  const store = openStore(t, { decoders });
  const bad = sealed(update(origin('az'), 1, []), Uint8Array.of(1, 2, 3));
  store.transaction(() => {
    store.log.append(bad);
    assert.throws(() => store.savepoint(() => store.apply(bad)), { code: 'damaged' });
    store.log.hold(bad.header.dot, 'fold', 'cannot be read');
  });
  assert.equal(store.log.heldCount, 1);
});
