import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fabId } from '../../src/clocks/dot.ts';
import { WafersyncError } from '../../src/errors.ts';
import { countedAnswers, countedFrom, countedTransport } from '../../src/sync/counted-lanes.ts';
import type { LaneMessage, PeerStatus } from '../../src/sync/messages.ts';
import { type LaneKind, PeerTraffic } from '../../src/sync/peer-traffic.ts';
import type { Stream, StreamHandlers, Transport } from '../../src/sync/transport/transport.ts';
import { updateBytes } from '../../src/wafer/update.ts';
import { ManualWorld } from '../support/manual-world.ts';
import { statusOf, updateOf } from '../support/mesh-messages.ts';

const AZ = fabId('az');
const REFUSED = new WafersyncError('unavailable', 'connection refused');

function bench() {
  const world = new ManualWorld();
  const traffic = new PeerTraffic(world);
  let news = 0;
  traffic.changes.subscribe(() => news++);
  const lane = (kind: LaneKind) => traffic.of(AZ).lanes.find((known) => known.kind === kind)!;
  return { world, traffic, lane, news: () => news };
}

test('a lane is up since its first stream came up, and down since its last one ended', () => {
  const { world, traffic, lane } = bench();
  const start = world.nowMs();
  assert.deepEqual(
    [lane('live-from').up, lane('live-from').sinceMs, lane('live-from').wasUp],
    [false, start, false],
  );
  world.advance(1_000);
  const first = traffic.lane(AZ, 'live-from');
  first.up();
  first.up();
  world.advance(1_000);
  const second = traffic.lane(AZ, 'live-from');
  second.up();
  first.down(new WafersyncError('cancelled', 'az dialled again'));
  first.down(REFUSED);
  assert.deepEqual([lane('live-from').up, lane('live-from').sinceMs], [true, start + 1_000]);
  world.advance(1_000);
  second.down(REFUSED);
  assert.deepEqual([lane('live-from').up, lane('live-from').sinceMs], [false, start + 3_000]);
});

test('dials that fail leave since when a lane is down as it was; the last failure is kept when it comes up', () => {
  const { world, traffic, lane, news } = bench();
  const start = world.nowMs();
  for (let i = 0; i < 3; i++) {
    world.advance(1_000);
    traffic.lane(AZ, 'live-to').down(REFUSED);
  }
  assert.equal(lane('live-to').sinceMs, start);
  assert.deepEqual(traffic.of(AZ).failure, { kind: 'live-to', error: REFUSED, atMs: start + 3_000 });
  assert.equal(news(), 1, 'the same again is no news');
  traffic.lane(AZ, 'live-to').up();
  assert.equal(traffic.of(AZ).failure?.error, REFUSED);
  assert.equal(news(), 2);
});

test('an offer that is taken back has not failed', () => {
  const { traffic } = bench();
  const offer = traffic.lane(AZ, 'offered-to');
  offer.up();
  offer.down(new WafersyncError('cancelled', 'az dials itself'));
  assert.equal(traffic.of(AZ).failure, null);
});

/** A transport whose streams a test plays the other side of. */
function played() {
  const said: { handlers: StreamHandlers<never>; sent: unknown[] }[] = [];
  const dial = (_: unknown, handlers: StreamHandlers<never>): Stream<never> => {
    const sent: unknown[] = [];
    said.push({ handlers, sent });
    return { send: (message) => sent.push(message) > 0, close: (error) => handlers.down(error) };
  };
  const transport = {
    dialLive: dial,
    dialPull: dial,
    dialOffer: dial,
    close: () => {},
  } as unknown as Transport;
  return { transport, said };
}

const SILENT: StreamHandlers<unknown> = { message: () => {}, writable: () => {}, down: () => {} };

test('updates are counted on every lane, each its way, and nothing else is', async () => {
  const { traffic, lane } = bench();
  const { transport, said } = played();
  const counted = countedTransport(transport, traffic);
  const update = updateOf('tw', 1, 500);
  const message: LaneMessage = { type: 'update', update };
  const program: LaneMessage = { type: 'program', digest: 'ab' as never, body: new Uint8Array(99) };

  const live = counted.dialLive(AZ, SILENT);
  assert.equal(lane('live-to').up, false, 'dialled, and nothing came');
  (said[0]!.handlers as StreamHandlers<PeerStatus>).message(statusOf());
  assert.equal(lane('live-to').up, true);
  live.send(message);
  live.send(program);
  counted.dialPull(AZ, SILENT);
  (said[1]!.handlers as StreamHandlers<LaneMessage>).message(message);
  counted.dialOffer(AZ, SILENT).send(message);
  for (const kind of ['live-from', 'offered-from'] as const) {
    countedFrom(traffic, AZ, kind, SILENT).message(message);
    assert.equal(lane(kind).up, true);
  }
  const answers = countedAnswers(
    traffic,
    AZ,
    (async function* () {
      yield program;
      yield message;
    })(),
  );
  for await (const _ of answers) assert.equal(lane('catch-up-to').up, true);
  assert.equal(lane('catch-up-to').up, false);

  for (const { kind, updates, bytes } of traffic.of(AZ).lanes) {
    assert.deepEqual([updates, bytes], [1, updateBytes(update)], kind);
  }
  const { sent, received } = traffic.of(AZ);
  assert.deepEqual([sent.updatesPerS, received.updatesPerS], [3, 3]);
});

test('what is not understood on a lane never made it come up', () => {
  const { traffic, lane } = bench();
  const { transport, said } = played();
  let stream: Stream<LaneMessage> | null = null;
  stream = countedTransport(transport, traffic).dialLive(AZ, {
    ...SILENT,
    message: () => stream?.close(new WafersyncError('invalid', 'the peer is de')),
  });
  (said[0]!.handlers as StreamHandlers<PeerStatus>).message(statusOf());
  assert.deepEqual([lane('live-to').up, lane('live-to').wasUp], [false, false]);
  assert.equal(traffic.of(AZ).failure?.error.message, 'the peer is de');
});
