import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FabId, fabId } from '../../src/clocks/dot.ts';
import { IntervalSet } from '../../src/clocks/interval-set.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { WafersyncError } from '../../src/errors.ts';
import { EventSource } from '../../src/replica/event-source.ts';
import type { PausedLanes } from '../../src/store/pauses.ts';
import type { PeerView } from '../../src/sync/events.ts';
import { PeerBook, type PeerBookOptions } from '../../src/sync/peer-facts.ts';
import { PeerTraffic } from '../../src/sync/peer-traffic.ts';
import type { Report } from '../../src/sync/report.ts';
import type { MemberState } from '../../src/wafer/document/members.ts';
import { ManualWorld } from '../support/manual-world.ts';
import { originOf } from '../support/mesh-messages.ts';

const AZ = fabId('az');

function vector(fab: string, through: number): TransportVector {
  return through === 0
    ? TransportVector.empty
    : TransportVector.of([[originOf(fab), IntervalSet.range(1, through)]]);
}

interface Scene {
  readonly fabs?: readonly { fab: FabId; state: MemberState; address: string | null }[];
  readonly views?: readonly Partial<PeerView>[];
  readonly own?: TransportVector;
  readonly reports?: readonly Report[];
  readonly fenced?: WafersyncError;
  readonly paused?: PausedLanes;
}

/** A book over what a scene says; blocks of 10 updates, of 7 bytes each. */
function bookOf(scene: Scene) {
  const world = new ManualWorld();
  const traffic = new PeerTraffic(world);
  const fences = new EventSource<WafersyncError>();
  const fabs = scene.fabs ?? [{ fab: AZ, state: 'member', address: 'az:1' }];
  let gaveWay = 0;
  const measures = {
    *sizes(wanted: TransportVector) {
      let updates = 0;
      while (updates < wanted.size) {
        updates = Math.min(wanted.size, updates + 10);
        yield { updates, bytes: updates * 7 };
      }
      return { updates, bytes: updates * 7 };
    },
    oldestMs: (wanted: TransportVector) => (wanted.isEmpty ? null : 1_000),
    meanBytes: () => 7.5,
  };
  const options = {
    self: fabId('tw'),
    store: {
      log: { measures },
      vectors: { received: scene.own ?? TransportVector.empty },
      peers: { heardAtMs: () => new Map([[AZ, 77]]) },
    },
    sync: {
      peers: () => scene.views ?? [],
      reports: () => scene.reports ?? [],
      fenced: scene.fenced ?? null,
      fences,
      clocks: { offsetOf: () => null },
    },
    membership: {
      fabs: () => fabs,
      stateOf: (fab: FabId) => fabs.find((known) => known.fab === fab)?.state ?? null,
      addressOf: (fab: FabId) => fabs.find((known) => known.fab === fab)?.address ?? null,
    },
    traffic,
    lags: { of: () => null },
    world,
    pauses: { of: () => (scene.paused ? { lanes: scene.paused, sinceMs: 777 } : null) },
    saidAtMs: () => 555,
    giveWay: async () => void gaveWay++,
  } as unknown as PeerBookOptions;
  return { book: new PeerBook(options), world, traffic, fences, gaveWay: () => gaveWay };
}

test('the condition of a peer is that of both live lanes, unless something stands above it', async () => {
  const lanes = (outboundUp: boolean, inboundUp: boolean) => ({
    views: [{ peer: AZ, outboundUp, inboundUp, liveFabs: [], rttMs: 0 }],
  });
  const fabs = (state: MemberState, address: string | null) => [{ fab: AZ, state, address }];
  const fenced = new WafersyncError('precondition', 'another database runs');
  for (const [scene, condition] of [
    [lanes(true, true), 'connected'],
    [lanes(true, false), 'only-to'],
    [lanes(false, true), 'only-from'],
    [lanes(false, false), 'dialling'],
    [{ fabs: fabs('member', null) }, 'no-address'],
    [{ ...lanes(true, true), fabs: fabs('evicted', 'az:1') }, 'evicted'],
    [{ ...lanes(true, true), fabs: fabs('removed', 'az:1') }, 'removed'],
    [{ ...lanes(true, true), fenced }, 'fenced'],
    [{ ...lanes(false, false), paused: 'all' }, 'paused'],
    [{ ...lanes(true, true), paused: 'live' }, 'connected'],
  ] as const) {
    const [facts] = await bookOf(scene).book.all();
    assert.equal(facts?.condition, condition);
  }
});

test('a condition began when the latest live lane changed; what the mesh said, when it was said', async () => {
  const { book, world, traffic } = bookOf({ views: [] });
  const start = world.nowMs();
  const since = async () => (await book.all())[0]?.sinceMs;
  assert.equal(await since(), start);
  world.advance(10);
  traffic.lane(AZ, 'live-from').up();
  world.advance(10);
  const to = traffic.lane(AZ, 'live-to');
  to.up();
  world.advance(10);
  traffic.lane(AZ, 'catch-up-from').up();
  assert.equal(await since(), start + 20);
  world.advance(10);
  to.down(new WafersyncError('unavailable', 'gone'));
  traffic.lane(AZ, 'live-to').down(new WafersyncError('unavailable', 'refused'));
  assert.equal(await since(), start + 40);
  const evicted = bookOf({ fabs: [{ fab: AZ, state: 'evicted', address: null }] });
  assert.equal((await evicted.book.all())[0]?.sinceMs, 555);
});

test('what a peer lacks is told with all its bytes; what is missing here with an estimate', async () => {
  const report: Report = {
    node: originOf('az'),
    number: 1,
    received: vector('tw', 40).join(vector('az', 6)),
    held: TransportVector.empty,
  };
  const { book } = bookOf({ own: vector('tw', 100), reports: [report] });
  const [facts] = await book.all();
  assert.deepEqual(facts?.lacks, { updates: 60, bytes: 420, counted: true, sinceMs: 1_000 });
  assert.deepEqual(facts?.missing, { updates: 6, bytesEstimate: 45 });
  assert.deepEqual([facts?.reportedAtMs, facts?.epoch], [77, originOf('az').epoch]);
});

test('a peer that was never heard of lacks everything', async () => {
  const [facts] = await bookOf({ own: vector('tw', 100) }).book.all();
  assert.deepEqual([facts?.lacks.updates, facts?.missing.updates, facts?.epoch], [100, 0, null]);
});

test('counting bytes gives way to what else waits, and ends after some reads; the rest counts as the mean', async () => {
  const { book, gaveWay } = bookOf({ own: vector('tw', 1_000_000) });
  const [facts] = await book.all();
  assert.deepEqual(facts?.lacks, { updates: 1_000_000, bytes: 7_000_000, counted: false, sinceMs: 1_000 });
  assert.equal(gaveWay(), 256);
});
