import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fabId, sequence } from '../../src/clocks/dot.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { CatchUp } from '../../src/sync/catch-up.ts';
import type { PullRequest } from '../../src/sync/messages.ts';
import type { ProgramDigest } from '../../src/wafer/program.ts';
import { transportVector } from '../support/clock-arbitraries.ts';
import { originOf } from '../support/mesh-messages.ts';
import { dots } from '../support/mesh-replica.ts';

const BOUNDS = { chunkBytes: 1_000, chunkUpdates: 8, requestsPerLane: 2, pendingBytes: 5_000 };
const PEERS = ['az', 'de', 'kr'].map(fabId);
const [AZ] = PEERS as [(typeof PEERS)[0]];
const PROGRAM = 'cd'.repeat(32) as ProgramDigest;
const none = TransportVector.empty;
const all = () => everything;
const everything = dots(originOf('tw'), 1, 1_000);

/** What a lane may meet with. */
const happening = fc.record({
  lane: fc.nat(2),
  kind: fc.constantFrom('plan', 'arrive', 'end', 'close', 'open', 'report'),
  picks: fc.array(fc.nat(40), { maxLength: 6 }),
});

test('no update is in two open requests, lanes have few requests, and each asks only for what its peer has', () => {
  const peerHas = fc.array(transportVector, { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(transportVector, peerHas, fc.array(happening, { maxLength: 40 }), (ripe, has, happenings) => {
      const catchUp = new CatchUp(BOUNDS);
      const open = new Map<number, Map<number, TransportVector>>();
      const hasOf = (peer: string) => has[PEERS.indexOf(fabId(peer))]!;
      for (const { lane, kind, picks } of happenings) {
        const requests = open.get(lane);
        if (kind === 'open' && !requests) {
          catchUp.opened(lane, PEERS[lane]!);
          open.set(lane, new Map());
        }
        if (kind === 'close' && requests) {
          assert.equal(catchUp.closed(lane), PEERS[lane]);
          open.delete(lane);
        }
        if (kind === 'report') catchUp.reported(PEERS[lane]!, hasOf(PEERS[lane]!));
        const [id] = requests?.keys() ?? [];
        if (kind === 'arrive' && requests && id !== undefined) {
          const wanted = requests.get(id)!;
          for (const [origin, set] of wanted.entries()) {
            for (const n of picks.filter((pick) => set.has(pick))) {
              catchUp.arrived(lane, { ...origin, sequence: sequence(n) });
              requests.set(id, requests.get(id)!.with(origin, requests.get(id)!.get(origin).without(n)));
            }
          }
        }
        if (kind === 'end' && requests && id !== undefined) {
          catchUp.ended(lane, { id, unavailable: none, missingPrograms: [] });
          requests.delete(id);
        }
        if (kind !== 'plan') continue;
        for (const { lane: on, request } of catchUp.plan(ripe, hasOf, [], 0)) {
          const { wanted } = request;
          for (const lanes of open.values()) {
            for (const other of lanes.values()) assert.ok(wanted.intersection(other).isEmpty);
          }
          assert.ok(ripe.covers(wanted) && hasOf(PEERS[on]!).covers(wanted) && !wanted.isEmpty);
          assert.ok(wanted.size <= Math.max(BOUNDS.chunkUpdates, wanted.entries().length));
          open.get(on)!.set(request.id, wanted);
          assert.ok(open.get(on)!.size <= BOUNDS.requestsPerLane);
        }
      }
    }),
  );
});

test('nothing is asked for while too many bytes wait to be stored', () => {
  const catchUp = new CatchUp(BOUNDS);
  catchUp.opened(1, AZ);
  assert.equal(catchUp.plan(everything, all, [PROGRAM], 5_000).length, 0);
  assert.equal(catchUp.plan(everything, all, [PROGRAM], 4_999).length, 2);
});

/** The request that a lane makes now. */
function asked(
  catchUp: CatchUp,
  ripe: TransportVector,
  programs: readonly ProgramDigest[] = [],
): PullRequest {
  const [planned] = catchUp.plan(ripe, all, programs, 0);
  assert.ok(planned, 'a request was expected');
  return planned.request;
}

function oneLane(): CatchUp {
  const catchUp = new CatchUp({ ...BOUNDS, requestsPerLane: 1 });
  catchUp.opened(1, AZ);
  return catchUp;
}

test('what an answer passed over is not asked for again on that lane, what it did not reach is', () => {
  const catchUp = oneLane();
  const ripe = dots(originOf('tw'), 1, 8);
  const { id } = asked(catchUp, ripe);
  for (const n of [8, 6]) catchUp.arrived(1, { ...originOf('tw'), sequence: sequence(n) });
  catchUp.ended(1, { id, unavailable: none, missingPrograms: [] });
  const rest = ripe.difference(dots(originOf('tw'), 8, 8)).difference(dots(originOf('tw'), 6, 6));
  assert.equal(asked(catchUp, rest).wanted.get(originOf('tw')).toString(), '1-5');
});

test('an answer without a good update costs the first that was asked for, and nothing else', () => {
  const catchUp = oneLane();
  const ripe = dots(originOf('az'), 1, 4).join(dots(originOf('tw'), 1, 4));
  const has = () => ripe;
  const [first] = catchUp.plan(ripe, has, [], 0);
  catchUp.ended(1, { id: first!.request.id, unavailable: none, missingPrograms: [] });
  const [second] = catchUp.plan(ripe, has, [], 0);
  assert.equal(second!.request.wanted.get(originOf('az')).toString(), '1-3');
  assert.equal(second!.request.wanted.get(originOf('tw')).toString(), '1-4');
});

test('what a peer lacks is asked of it again after it said that it has not, and then that it has; or now and then', () => {
  const catchUp = oneLane();
  const ripe = dots(originOf('tw'), 3, 3);
  const { id } = asked(catchUp, ripe);
  catchUp.ended(1, { id, unavailable: none, missingPrograms: [] });
  catchUp.reported(AZ, everything);
  assert.equal(catchUp.plan(ripe, all, [], 0).length, 0, 'a report that repeats it does not help');
  catchUp.reported(AZ, none);
  const again = asked(catchUp, ripe);
  catchUp.ended(1, { id: again.id, unavailable: ripe, missingPrograms: [] });
  assert.equal(catchUp.plan(ripe, all, [], 0).length, 0);
  catchUp.retry();
  assert.equal(asked(catchUp, ripe).wanted.size, 1);
});

test('what a peer did not give is asked for again once a purge is stored, which may name it', () => {
  const catchUp = oneLane();
  const ripe = dots(originOf('tw'), 3, 3);
  const { id } = asked(catchUp, ripe);
  catchUp.ended(1, { id, unavailable: ripe, missingPrograms: [] });
  catchUp.committed(false);
  assert.equal(catchUp.plan(ripe, all, [], 0).length, 0);
  catchUp.committed(true);
  assert.equal(asked(catchUp, ripe).wanted.size, 1);
});

test('a program is asked for once while it is under way, and again if the commit did not bring it', () => {
  const catchUp = oneLane();
  const { id, programs } = asked(catchUp, none, [PROGRAM]);
  assert.deepEqual(programs, [PROGRAM]);
  catchUp.ended(1, { id, unavailable: none, missingPrograms: [] });
  assert.equal(catchUp.plan(none, all, [PROGRAM], 0).length, 0, 'it waits to be stored');
  assert.equal(catchUp.wouldUse(none, none, [PROGRAM]), false);
  catchUp.committed(false);
  assert.deepEqual(asked(catchUp, none, [PROGRAM]).programs, [PROGRAM]);
});

test('a program that one peer has not is asked of the next', () => {
  const catchUp = oneLane();
  catchUp.opened(2, PEERS[1]!);
  const [first] = catchUp.plan(none, all, [PROGRAM], 0);
  catchUp.ended(first!.lane, { id: first!.request.id, unavailable: none, missingPrograms: [PROGRAM] });
  const [second] = catchUp.plan(none, all, [PROGRAM], 0);
  assert.notEqual(second!.lane, first!.lane);
});

test('what a lane was asked for is missing again when it ends', () => {
  const catchUp = oneLane();
  const first = asked(catchUp, everything, [PROGRAM]);
  assert.equal(catchUp.closed(1), AZ);
  catchUp.opened(2, AZ);
  const second = asked(catchUp, everything, [PROGRAM]);
  assert.ok(second.wanted.equals(first.wanted));
  assert.deepEqual(second.programs, [PROGRAM]);
});

test('the lane with the fewest open requests is asked first', () => {
  const catchUp = new CatchUp(BOUNDS);
  catchUp.opened(1, AZ);
  asked(catchUp, dots(originOf('tw'), 1, 1));
  catchUp.opened(2, PEERS[1]!);
  const [planned] = catchUp.plan(dots(originOf('tw'), 2, 2), all, [], 0);
  assert.equal(planned?.lane, 2);
});
