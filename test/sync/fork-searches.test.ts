import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Chain } from '../../src/clocks/chain.ts';
import { fabId, type Origin, sequence } from '../../src/clocks/dot.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { type ForkFound, ForkSearches } from '../../src/sync/fork-searches.ts';
import type { PullRequest } from '../../src/sync/messages.ts';
import { originOf } from '../support/mesh-messages.ts';
import { modelUpdate } from '../support/mesh-replica.ts';

const AZ = fabId('az');
const TW: Origin = originOf('tw');
const LANE = 7;

/** Chains of a log of `top` updates that is another one from `fork` on; 0 for never. */
function chainsOf(top: number, fork: number, mark: string) {
  const at = (_origin: Origin, height: number) =>
    height > top ? null : `${height}${fork > 0 && height >= fork ? mark : ''}`;
  return { at, top: () => top };
}

/** Lets a node search with a peer until nothing is asked any more; the requests that it took, and what came of it. */
function search(
  own: ReturnType<typeof chainsOf>,
  peer: ReturnType<typeof chainsOf>,
  begin: (searches: ForkSearches) => void,
  /** Updates that fit into an answer; the newest of what is wanted. */
  fitting = Number.POSITIVE_INFINITY,
) {
  const searches = new ForkSearches(own);
  begin(searches);
  const requests: PullRequest[] = [];
  let found: ForkFound | null = null;
  for (let id = 1; ; id++) {
    const request = searches.plan(AZ, LANE, () => id);
    if (!request) return { requests, found };
    requests.push(request);
    assert.ok(requests.length < 20, 'it ends');
    for (const [origin, set] of request.wanted.entries()) {
      for (const { from, to } of set.intervals) {
        const newest = Math.min(to, peer.top());
        for (let n = newest; n >= Math.max(from, newest - fitting + 1); n--)
          searches.take(LANE, modelUpdate({ ...origin, sequence: sequence(n) }, 1));
      }
    }
    const chains = (request.chains ?? []).flatMap(({ origin, heights }): Chain[] =>
      heights.flatMap((height) => {
        const hash = peer.at(origin, height);
        return hash === null ? [] : [{ origin, height, hash }];
      }),
    );
    found =
      searches.ended(LANE, { id, unavailable: TransportVector.empty, missingPrograms: [], chains }) ?? found;
  }
}

test('the first update that differs is found in a few rounds, however long the logs are', () => {
  const size = fc.integer({ min: 1, max: 2_000_000 });
  fc.assert(
    fc.property(size, size, size, (own, peer, at) => {
      const common = Math.min(own, peer);
      const fork = 1 + (at % common);
      const theirs = chainsOf(peer, fork, 'b');
      const { requests, found } = search(chainsOf(own, fork, 'a'), theirs, (searches) =>
        searches.heard(AZ, [{ origin: TW, height: common, hash: theirs.at(TW, common)! }]),
      );
      const fetched = found?.updates.map(({ header }) => header.dot.sequence as number) ?? [];
      assert.equal(Math.min(...fetched), fork);
      assert.equal(fetched.length, Math.min(64, peer - fork + 1));
      assert.ok(requests.length <= 8, `${requests.length} requests`);
    }),
  );
});

test('equal chains begin no search; a suspicion that proves wrong ends after one question', () => {
  const same = chainsOf(100, 0, '');
  const heard = search(same, same, (searches) =>
    searches.heard(AZ, [{ origin: TW, height: 60, hash: '60' }]),
  );
  assert.deepEqual(heard, { requests: [], found: null });
  const suspected = search(same, chainsOf(80, 0, ''), (searches) => searches.suspect(AZ, TW, null));
  assert.equal(suspected.requests.length, 1);
  assert.equal(suspected.found, null);
});

test('who is to renew its epoch does so when nothing differs as well, and when the peer tells nothing', () => {
  const renewal = { reason: 'behind' as const, above: TW.epoch };
  for (const peer of [chainsOf(80, 0, ''), chainsOf(0, 0, '')]) {
    const { found } = search(chainsOf(50, 0, ''), peer, (searches) => searches.suspect(AZ, TW, renewal));
    assert.deepEqual(found?.renewal, renewal);
    assert.deepEqual(found?.updates, []);
  }
});

test('a lane that goes down is asked again on the next one', () => {
  const searches = new ForkSearches(chainsOf(100, 0, ''));
  searches.suspect(AZ, TW, null);
  assert.ok(searches.plan(AZ, 1, () => 1));
  assert.equal(
    searches.plan(AZ, 2, () => 2),
    null,
    'one request at a time',
  );
  searches.laneDown(1);
  assert.ok(searches.plan(AZ, 2, () => 3));
});

test('of two wishes to go on as another life the one that goes above both is kept', () => {
  for (const aboves of [
    [1, 2],
    [2, 1],
  ]) {
    const { found } = search(chainsOf(9, 0, ''), chainsOf(9, 0, ''), (searches) => {
      for (const above of aboves) {
        searches.suspect(AZ, TW, { reason: 'superseded', above: originOf('tw', 1 + above).epoch });
        searches.suspect(AZ, TW, null);
      }
    });
    assert.equal(found?.renewal?.above, originOf('tw', 3).epoch);
  }
});

test('where not all that was asked for fits into an answer, less is asked for until the first that differs comes', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.nat(200),
      fc.integer({ min: 1, max: 80 }),
      (fork, more, fitting) => {
        const top = fork + more;
        const { found, requests } = search(
          chainsOf(top, 0, ''),
          chainsOf(top, fork, 'x'),
          (searches) => searches.heard(AZ, [{ origin: TW, height: top, hash: `${top}x` }]),
          fitting,
        );
        const sequences = found!.updates.map(({ header }) => header.dot.sequence).sort((a, b) => a - b);
        assert.equal(sequences[0], fork);
        assert.equal(new Set(sequences).size, sequences.length);
        assert.ok(sequences.length <= 64 && requests.length < 20);
      },
    ),
  );
});

test('what a lane brought before it went down is asked for again, and counted once', () => {
  const searches = new ForkSearches(chainsOf(3, 0, ''));
  searches.heard(AZ, [{ origin: TW, height: 1, hash: 'x' }]);
  for (const lane of [1, 2]) {
    assert.ok(searches.plan(AZ, lane, () => lane));
    for (const n of lane === 1 ? [3, 2] : [3, 2, 1])
      searches.take(lane, modelUpdate({ ...TW, sequence: sequence(n) }, 1));
    if (lane === 1) searches.laneDown(1);
  }
  const found = searches.ended(2, { id: 2, unavailable: TransportVector.empty, missingPrograms: [] });
  assert.deepEqual(found?.updates.map(({ header }) => header.dot.sequence).sort(), [1, 2, 3]);
});
