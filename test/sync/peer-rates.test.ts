import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fabId } from '../../src/clocks/dot.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { WafersyncError } from '../../src/errors.ts';
import type { PeerLimit } from '../../src/store/limits.ts';
import type { PeerStatus, PullRequest } from '../../src/sync/messages.ts';
import { minuteOfDay, PeerRates, rateAt } from '../../src/sync/peer-rates.ts';
import { TokenBucket } from '../../src/sync/token-bucket.ts';
import { fromSyncStatus, toSyncStatus } from '../../src/sync/transport/lane-codec.ts';
import { pacedTransport } from '../../src/sync/transport/paced-transport.ts';
import type { StreamHandlers, Transport } from '../../src/sync/transport/transport.ts';
import { dataSync } from '../../src/wire/services.ts';
import { ManualWorld } from '../support/manual-world.ts';
import { MeshNetwork } from '../support/mesh-network.ts';

const AZ = fabId('az');
const SAID = { author: 'kim', reason: 'office hours', sinceMs: 0 };

function ratesOf(limit: Partial<PeerLimit>, minute = () => 0) {
  const world = new ManualWorld();
  const limits = new Map([[AZ, { bytesPerS: 0, windows: [], ...SAID, ...limit }]]);
  return { world, rates: new PeerRates({ world, minuteOfDay: minute, limits }) };
}

const STATUS: PeerStatus = {
  ...{ hello: null, report: null, acknowledged: 1, wants: null, relayed: [], echoUs: 0 },
};

function overTheWire(message: ReturnType<typeof toSyncStatus>) {
  const { responseSerialize, responseDeserialize } = dataSync.methods.SyncWaferData;
  return responseDeserialize(responseSerialize(message));
}

function request(id: number): PullRequest {
  return { id, wanted: TransportVector.empty, programs: [], maxBytes: 1024 * 1024 };
}

test('a window holds from its first minute to its last, over midnight too; the first that holds counts', () => {
  const day = { fromMinute: 8 * 60, toMinute: 18 * 60, bytesPerS: 2_000 };
  const night = { fromMinute: 22 * 60, toMinute: 6 * 60, bytesPerS: 0 };
  const limit = { bytesPerS: 9_000, windows: [day, night, { ...day, bytesPerS: 1 }] };
  const at = (hour: number, minute = 0) => rateAt(limit, hour * 60 + minute);
  assert.deepEqual([at(7, 59), at(8), at(17, 59), at(18)], [9_000, 2_000, 2_000, 9_000]);
  assert.deepEqual([at(21, 59), at(22), at(0), at(5, 59), at(6)], [9_000, null, null, null, 9_000]);
  assert.equal(rateAt({ bytesPerS: 0, windows: [] }, 0), null);
});

test('the minute of the day is that of the time zone', () => {
  const noon = Date.UTC(2026, 6, 1, 12, 34);
  assert.deepEqual(
    ['UTC', 'Asia/Taipei', 'Europe/Berlin'].map((zone) => minuteOfDay(zone)(noon)),
    [12 * 60 + 34, 20 * 60 + 34, 14 * 60 + 34],
  );
});

test('whatever passes and when, over time no more passes than the rate and what a bucket holds twice', () => {
  const step = fc.record({
    waitMs: fc.nat(3_000),
    fresh: fc.boolean(),
    bytes: fc.integer({ min: 1, max: 500 }),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1_024, max: 100_000 }),
      fc.array(step, { maxLength: 200 }),
      (rate, steps) => {
        let [nowMs, passed] = [0, 0];
        const bucket = new TokenBucket(rate, nowMs);
        for (const { waitMs, fresh, bytes } of steps) {
          nowMs += waitMs;
          if (fresh ? !bucket.takesFresh(nowMs) : bucket.backlogWaitMs(nowMs) > 0) continue;
          bucket.spend(bytes, nowMs);
          passed += bytes;
          assert.ok(passed <= (rate * nowMs) / 1_000 + 2 * rate + 500, `${passed} B in ${nowMs} ms`);
        }
      },
    ),
  );
});

test('a limit holds for what is pushed and for a backlog of large updates, as a clock goes on between any two looks', () => {
  let nowMs = 0;
  const world = { nowMs: () => 0, steadyMs: () => (nowMs += 1e-6), after: () => () => {} };
  const limits = new Map([[AZ, { bytesPerS: 10_000, windows: [], ...SAID }]]);
  const rates = new PeerRates({ world, minuteOfDay: () => 0, limits });
  let pushed = 0;
  for (; nowMs < 20_000; nowMs += 10) if (rates.mayPush(AZ, 5_000)) pushed += 5_000;
  assert.ok(pushed <= 20 * 10_000 + 3 * 10_000, `${pushed} bytes were pushed in 20 s`);
  let [asked, turns] = [0, 0];
  for (const untilMs = nowMs + 100_000; nowMs < untilMs; nowMs += 100) {
    rates.inTurn(AZ, 'from', () => {
      turns++;
      asked += 200_000;
      rates.spend(AZ, 'from', 200_000);
    });
  }
  assert.ok(turns > 1 && asked <= 100 * 10_000 + 200_000, `${asked} bytes came in 100 s`);
});

test('what is fresh passes while a backlog waits, and a backlog passes after just its wait', () => {
  const bucket = new TokenBucket(10_000, 0);
  bucket.spend(10_000, 0);
  assert.ok(bucket.takesFresh(0));
  const waitMs = bucket.backlogWaitMs(0);
  assert.equal(waitMs, 500);
  assert.equal(bucket.backlogWaitMs(waitMs - 1) > 0, true);
  assert.equal(bucket.backlogWaitMs(waitMs), 0);
  bucket.spend(20_000, waitMs);
  assert.ok(!bucket.takesFresh(waitMs));
});

test('a peer is asked for as much as its limit lets through, when it does; at once where none holds', () => {
  const minute = { now: 0 };
  const { world, rates } = ratesOf(
    { windows: [{ fromMinute: 0, toMinute: 10, bytesPerS: 20_000 }] },
    () => minute.now,
  );
  const sent: PullRequest[] = [];
  const dialled = { send: (sentOne: PullRequest) => sent.push(sentOne) > 0, close: () => {} };
  const transport = { dialPull: () => dialled, close: () => {} } as unknown as Transport;
  const lane = pacedTransport(transport, rates).dialPull(AZ, { message() {}, writable() {}, down() {} });
  lane.send(request(1));
  assert.deepEqual(
    sent.map(({ id, maxBytes }) => [id, maxBytes]),
    [[1, 10_000]],
  );
  rates.spend(AZ, 'from', 40_000);
  lane.send(request(2));
  world.advance(1_000);
  assert.equal(sent.length, 1, 'it waits');
  rates.spend(AZ, 'to', 100_000);
  world.advance(1_000);
  assert.equal(sent.length, 2, 'what goes the other way does not count');
  rates.spend(AZ, 'from', 40_000);
  lane.send(request(3));
  minute.now = 600;
  world.advance(60_000);
  assert.deepEqual(
    sent.map(({ maxBytes }) => maxBytes),
    [10_000, 10_000, 1024 * 1024],
    'its window is over',
  );
  assert.equal(rates.now(AZ), null);
});

test('a peer says how much it takes pushed: that holds beside the limit here, and while its lane is up', () => {
  const { world, rates } = ratesOf({ bytesPerS: 0 });
  let [handlers, heard]: [StreamHandlers<PeerStatus> | null, number] = [null, 0];
  const transport = {
    dialLive: (_: unknown, given: StreamHandlers<PeerStatus>) => {
      handlers = given;
      return { send: () => true, close() {} };
    },
  } as unknown as Transport;
  const lane = { message: () => heard++, writable() {}, down: () => heard++ };
  pacedTransport(transport, rates).dialLive(AZ, lane);
  /** A status as it comes over the wire. */
  const says = (bytesPerS?: number) =>
    handlers!.message(fromSyncStatus(overTheWire(toSyncStatus(STATUS, 0, bytesPerS))));
  const pushes = () => [1, 2, 3, 4].filter(() => rates.mayPush(AZ, 15_000)).length;
  assert.equal(pushes(), 4, 'nothing was said');
  says();
  assert.equal(pushes(), 4, 'so says a peer without a limit, and one of a version before');
  says(10_000);
  assert.equal(pushes(), 2, 'what a second lets through, and as much overdrawn');
  says(10_000);
  assert.equal(pushes(), 0, 'to say it again changes nothing');
  world.advance(1_100);
  assert.equal(pushes(), 1);
  assert.ok(rates.mayPush(fabId('de'), 1_000_000), 'it is said by one peer, for itself');
  handlers!.down(new WafersyncError('unavailable', 'gone'));
  assert.equal(pushes(), 4, 'a lane that comes up says it anew');
  says(10_000);
  assert.equal(pushes(), 0, 'what was overdrawn before is not forgiven');
  assert.equal(heard, 5, 'all is passed on');
});

test('the lesser of two limits holds for what is pushed', () => {
  for (const [own, theirs] of [
    [10_000, 50_000],
    [50_000, 10_000],
  ] as const) {
    const { rates } = ratesOf({ bytesPerS: own });
    rates.said(AZ, theirs);
    const pushes = Array.from({ length: 100 }, () => rates.mayPush(AZ, 5_000)).filter(Boolean);
    assert.equal(pushes.length, 4, `${own} here, ${theirs} there`);
  }
});

test('nothing that waits is done once all is stopped', () => {
  const { world, rates } = ratesOf({ bytesPerS: 2_000 });
  rates.spend(AZ, 'to', 8_000);
  let done = 0;
  rates.inTurn(AZ, 'to', () => done++);
  rates.stop();
  world.advance(60_000);
  rates.inTurn(AZ, 'to', () => done++);
  assert.deepEqual([done, world.waiting('pace')], [0, 0]);
});

test('an update that may not be pushed is let go, becomes a gap, and is asked for', () => {
  let pushes = 3;
  const mayPush = () => pushes-- > 0;
  const network = new MeshNetwork({ seed: 98, fabs: ['tw', 'az'], mayPush });
  network.start();
  network.settle();
  for (let i = 0; i < 10; i++) {
    network.commit('tw');
    network.runFor(100);
  }
  network.settle();
  network.assertConverged();
  const vias = network.at('az').arrivals.map(({ via }) => via);
  assert.deepEqual([vias.filter((via) => via === 'live').length, vias.length], [3, 10]);
});
