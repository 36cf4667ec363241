import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timestampAt, timestampMs } from '../../src/clocks/hlc.ts';
import { IntervalSet } from '../../src/clocks/interval-set.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import type { Measured } from '../../src/store/log-measures.ts';
import type { Store } from '../../src/store/store.ts';
import { type Update, updateBytes } from '../../src/wafer/update.ts';
import { batch } from '../replica/replica-fixture.ts';
import { DocumentFab } from '../support/document-bench.ts';
import { openStore, origin, record, runUpdate, stillWorld, take } from './fixtures.ts';

const AZ = origin('az');
const KR = origin('kr');

function some(from = AZ, ...intervals: [number, number][]): TransportVector {
  return TransportVector.of([[from, IntervalSet.of(intervals.map(([from, to]) => ({ from, to })))]]);
}

/** All of it, and how often something was read. */
function measure(store: Store, wanted: TransportVector): Measured & { reads: number } {
  const counting = store.log.measures.sizes(wanted);
  let reads = 0;
  let next = counting.next();
  for (; !next.done; next = counting.next()) reads++;
  return { ...next.value, reads };
}

/** az with so many run records, of various sizes. */
function filled(t: Parameters<typeof openStore>[0], count: number) {
  const store = openStore(t);
  const updates = Array.from({ length: count }, (_, i) =>
    runUpdate(AZ, i + 1, record({ fileName: 'x'.repeat(i % 97) }), {
      timestamp: timestampAt(Date.UTC(2026, 0, 1) + i),
    }),
  );
  take(store, ...updates);
  const bytes = (from: number, to: number) =>
    updates.slice(from - 1, to).reduce((sum, update) => sum + updateBytes(update), 0);
  return { store, updates, bytes };
}

test('bytes are those of the updates, wherever intervals begin and end', (t) => {
  const { store, bytes } = filled(t, 3_000);
  for (const [from, to] of [
    [1, 3_000],
    [1, 1_024],
    [1_024, 1_025],
    [7, 2_500],
    [3_000, 3_000],
  ] as const) {
    const { updates, bytes: counted } = measure(store, some(AZ, [from, to]));
    assert.deepEqual([updates, counted], [to - from + 1, bytes(from, to)], `${from} to ${to}`);
  }
  const { bytes: parts } = measure(store, some(AZ, [1, 10], [2_000, 2_100]));
  assert.equal(parts, bytes(1, 10) + bytes(2_000, 2_100));
  assert.deepEqual(measure(store, TransportVector.empty), { updates: 0, bytes: 0, reads: 0 });
});

test('whole blocks are read once', (t) => {
  const { store, bytes } = filled(t, 3_000);
  assert.equal(measure(store, some(AZ, [1, 3_000])).reads, 3);
  assert.deepEqual(measure(store, some(AZ, [1, 3_000])), {
    updates: 3_000,
    bytes: bytes(1, 3_000),
    reads: 1,
  });
});

test('what was read so far is told between two reads', (t) => {
  const { store, bytes } = filled(t, 3_000);
  const counting = store.log.measures.sizes(some(AZ, [1, 3_000]));
  assert.deepEqual(counting.next(), { done: false, value: { updates: 1_024, bytes: bytes(1, 1_024) } });
  assert.deepEqual(counting.next(), { done: false, value: { updates: 2_048, bytes: bytes(1, 2_048) } });
});

test('the oldest is the lowest sequence of any origin, by this clock, and never later than it came', (t) => {
  const { store, updates } = filled(t, 20);
  const born = (update: Update) => timestampMs(update.header.timestamp);
  const { measures } = store.log;
  const none = () => 0;
  assert.equal(measures.oldestMs(some(AZ, [5, 9], [12, 20]), none), born(updates[4]!));
  assert.equal(
    measures.oldestMs(some(AZ, [5, 9]), () => 400),
    born(updates[4]!) - 400,
  );
  const older = runUpdate(KR, 3, record(), { timestamp: timestampAt(Date.UTC(2025, 0, 1)) });
  take(store, older);
  assert.equal(measures.oldestMs(some(AZ, [5, 9]).join(some(KR, [3, 3])), none), Date.UTC(2025, 0, 1));
  take(store, runUpdate(KR, 4, record(), { timestamp: timestampAt(Date.UTC(2031, 0, 1)) }));
  assert.equal(measures.oldestMs(some(KR, [4, 4]), none), stillWorld.nowMs(), 'its clock is years ahead');
  assert.equal(measures.oldestMs(TransportVector.empty, none), null);
});

test('the mean is that of the latest updates of an origin, else of any, else none is known', (t) => {
  const { store, bytes } = filled(t, 200);
  assert.equal(store.log.measures.meanBytes(AZ), bytes(137, 200) / 64);
  assert.equal(store.log.measures.meanBytes(KR), bytes(137, 200) / 64);
  assert.equal(openStore(t).log.measures.meanBytes(KR), null);
});

test('a sum is read again once something in it was purged', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  for (let i = 0; i < 1_024; i++) void tw.bench.replica.write(batch([i]));
  await tw.bench.commit();
  const { store } = tw;
  // One batch an update: the first block is whole.
  const wanted = some(store.origin, [1, 1_024]);
  const before = measure(store, wanted);
  assert.equal(before.reads, 1);
  assert.equal(measure(store, wanted).reads, 0);
  const dots = [tw.born[0]!.header.dot];
  const purged = tw.bench.replica.purge(() => ({ author: 'kim', reason: 'old', termDays: 1, dots }));
  await tw.bench.commit();
  const { freedBytes } = await purged;
  assert.ok(freedBytes > 0);
  assert.deepEqual(measure(store, wanted), { updates: 1_024, bytes: before.bytes - freedBytes, reads: 1 });
});
