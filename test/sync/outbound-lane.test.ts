import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fabId } from '../../src/clocks/dot.ts';
import { OutboundLane } from '../../src/sync/outbound-lane.ts';
import { routesOf } from '../../src/sync/routes.ts';
import type { ProgramDigest } from '../../src/wafer/program.ts';
import { helloOf, only, originOf, reportOf, updateOf } from '../support/mesh-messages.ts';
import { modelUpdate } from '../support/mesh-replica.ts';

const AZ = fabId('az');
const TW = fabId('tw');
const ROUTES = routesOf(TW, new Map());

function lane(updates: number, bytes: number): OutboundLane {
  const open = new OutboundLane(1, AZ);
  open.greet(helloOf('az', { window: { updates, bytes } }), 0);
  open.want([TW]);
  return open;
}

test('what is in flight never passes the window, unless a single update is larger than it', () => {
  const bound = { updates: fc.integer({ min: 1, max: 10 }), bytes: fc.integer({ min: 1, max: 2_000 }) };
  const moves = fc.array(
    fc.oneof(fc.record({ offer: fc.integer({ min: 1, max: 900 }) }), fc.record({ acknowledge: fc.nat(4) })),
  );
  fc.assert(
    fc.property(fc.record(bound), moves, (window, happenings) => {
      const open = lane(window.updates, window.bytes);
      const flight: number[] = [];
      let acknowledged = 0;
      for (const [i, move] of happenings.entries()) {
        if ('offer' in move) {
          const [sent] = only(open.offer(updateOf('tw', i + 1, move.offer), 'local'), 'send-update');
          if (sent) flight.push(move.offer);
          else assert.notEqual(flight.length, 0, 'an empty lane has room for any update');
        } else {
          const count = Math.min(move.acknowledge, flight.length);
          flight.splice(0, count);
          acknowledged += count;
          open.acknowledge(acknowledged);
        }
        const bytes = flight.reduce((sum, size) => sum + size, 0);
        assert.ok(flight.length <= window.updates);
        assert.ok(flight.length <= 1 || bytes <= window.bytes);
      }
    }),
  );
});

test('a skipped update is announced once half of the window is acknowledged', () => {
  const open = lane(4, 10_000);
  const say = (number: number) =>
    only(open.announce(reportOf('tw', number, number), ROUTES, [], false), 'send-announcement');
  say(0);
  for (const n of [1, 2, 3, 4, 5]) open.offer(updateOf('tw', n), 'local');
  assert.deepEqual(say(5), []);
  open.acknowledge(1);
  assert.deepEqual(say(5), []);
  open.acknowledge(2);
  const [told] = say(5);
  assert.equal(told?.announcement.report?.received.size, 5);
  assert.deepEqual(say(5), [], 'once');
});

test('half of the window counts in bytes too', () => {
  const open = lane(10, 1_000);
  const say = () => only(open.announce(reportOf('tw', 5, 5), ROUTES, [], false), 'send-announcement');
  only(open.announce(reportOf('tw', 0, 0), ROUTES, [], false), 'send-announcement');
  for (const n of [1, 2, 3]) open.offer(updateOf('tw', n, 400), 'local');
  assert.deepEqual(say(), []);
  open.acknowledge(1);
  assert.equal(say().length, 1);
});

test('a blocked lane announces nothing until it is writable, then once', () => {
  const open = lane(4, 10_000);
  const say = (number: number) => open.announce(reportOf('tw', number, number), ROUTES, [], true);
  open.setWritable(false);
  for (const number of [1, 2, 3]) {
    open.beat(number);
    assert.deepEqual(say(number), []);
  }
  open.setWritable(true);
  const [told] = only(say(4), 'send-announcement');
  assert.equal(told?.announcement.report?.received.size, 4);
  assert.equal(told.announcement.sentAtUs, 3);
  assert.deepEqual(say(4), []);
});

test('what was pulled is announced, not pushed', () => {
  const open = lane(4, 10_000);
  open.announce(reportOf('tw', 0, 0), ROUTES, [], false);
  assert.deepEqual(open.offer(updateOf('tw', 1), 'pull'), []);
  const [told] = only(open.announce(reportOf('tw', 1, 1), ROUTES, [], false), 'send-announcement');
  assert.equal(told?.announcement.report?.received.size, 1);
});

test('updates of a fab that is not wanted are neither pushed nor announced', () => {
  const open = lane(4, 10_000);
  open.announce(reportOf('tw', 0, 0), ROUTES, [], false);
  assert.deepEqual(open.offer(updateOf('kr', 1), 'live'), []);
  assert.deepEqual(open.announce(reportOf('tw', 1, 1), ROUTES, [], false), []);
});

test('a program goes before the first update that uses it, once', () => {
  const open = lane(4, 10_000);
  const program = 'ef'.repeat(32) as ProgramDigest;
  const offer = (n: number) => {
    const { dot } = updateOf('tw', n).header;
    return open.offer(modelUpdate(dot, 10, program), 'local').map(({ type }) => type);
  };
  assert.deepEqual(offer(1), ['send-program', 'send-update']);
  assert.deepEqual(offer(2), ['send-update']);
});

test('a want is answered with the fabs that follow live, and with what the node has', () => {
  const open = new OutboundLane(1, AZ);
  open.greet(helloOf('az'), 0);
  open.want([fabId('tw'), fabId('kr')]);
  const [told] = only(open.announce(reportOf('tw', 3, 3), ROUTES, [], false), 'send-announcement');
  assert.deepEqual(told?.announcement.live, ['kr', 'tw']);
  assert.equal(told.announcement.report?.node.fab, originOf('tw').fab);
});
