import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type FabId, fabId, mintEpoch } from '../../src/clocks/dot.ts';
import { IntervalSet } from '../../src/clocks/interval-set.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { silentLog } from '../../src/log.ts';
import { EventSource } from '../../src/replica/event-source.ts';
import type { PeerPause } from '../../src/store/pauses.ts';
import type { PeerView } from '../../src/sync/events.ts';
import { FabControl } from '../../src/sync/fab-control.ts';
import { Membership } from '../../src/sync/membership.ts';
import type { Report } from '../../src/sync/report.ts';
import { DocumentFab } from '../support/document-bench.ts';

const [AZ, DE, IL, TW] = ['az', 'de', 'il', 'tw'].map(fabId) as [FabId, FabId, FabId, FabId];
const AUTHOR = { author: 'mia', reason: 'moved' };

/** What a node has, by the fab where it was born: how many updates. */
type Has = { readonly [fab: string]: number };

function reportOf(fab: FabId, has: Has): Report {
  const received = Object.entries(has).map(([born, count]) => {
    const origin = { fab: fabId(born), epoch: mintEpoch(1, (bytes) => new Uint8Array(bytes)) };
    return [origin, IntervalSet.of([{ from: 1, to: count }])] as const;
  });
  const node = { fab, epoch: mintEpoch(1, (bytes) => new Uint8Array(bytes)) };
  return { node, number: 1, received: TransportVector.of(received), held: TransportVector.empty };
}

/** Control at tw, which has heard these reports, and has lanes to these fabs. */
function controlAt(t: TestContext, reports: readonly Report[], connected: readonly FabId[]) {
  const { store, bench } = new DocumentFab(t, 'tw');
  const { replica } = bench;
  const configured = { members: [AZ, DE, TW], addresses: new Map() };
  const membership = new Membership({
    ...{ self: TW, configured, store, commits: replica.commits, log: silentLog },
  });
  const peers = connected.map(
    (peer): PeerView => ({
      ...{ peer, outboundUp: false, inboundUp: true, liveFabs: [], rttMs: 0, lastError: '' },
      behind: TransportVector.empty,
    }),
  );
  const changes = new EventSource<void>();
  const told = [...reports];
  const sync = { reports: () => told, peers: () => peers, changes };
  const paused = new Map<FabId, PeerPause>();
  const pauses = { of: (fab: FabId) => paused.get(fab) ?? null };
  const control = new FabControl({ store, replica, sync, membership, pauses, world: bench.world });
  const settled = async (asked: Promise<unknown>) => {
    const done = asked.then(
      () => null,
      (error: Error) => error,
    );
    for (let i = 0; i < 4; i++) await bench.commit();
    return done;
  };
  return { control, membership, settled, told, changes, bench, paused };
}

test('a fab leaves once all others have what was born there, and nobody is the only one to have what it has', async (t) => {
  const cases: [Has, Has, Has, RegExp | null][] = [
    [{ de: 3 }, { de: 3 }, { de: 2 }, /what de has is not everywhere yet: az lacks 1 update born there/],
    [{ de: 3 }, { de: 2 }, { de: 3 }, /tw lacks 1 update born there/],
    [{ de: 3, il: 2 }, { de: 3 }, { de: 3, il: 1 }, /no other member has 1 update that it has/],
    [{ de: 3, il: 2 }, { de: 3 }, { de: 3, il: 2 }, null],
  ];
  for (const [de, tw, az, refusal] of cases) {
    const reports = [reportOf(TW, tw), reportOf(AZ, az), reportOf(DE, de)];
    const { control, membership, settled } = controlAt(t, reports, [DE]);
    const error = await settled(control.remove(DE, AUTHOR));
    if (refusal) assert.match(String(error), refusal);
    else assert.equal(error, null);
    assert.equal(membership.stateOf(DE), refusal ? 'member' : 'removed');
  }
});

test('of a fab that is not connected nobody can tell whether it may leave', async (t) => {
  const reports = [TW, AZ, DE].map((fab) => reportOf(fab, { de: 1 }));
  const { control, settled } = controlAt(t, reports, [AZ]);
  assert.match(String(await settled(control.remove(DE, AUTHOR))), /de is not connected/);
  const unheard = controlAt(t, reports.slice(0, 2), [DE]);
  assert.match(String(await unheard.settled(unheard.control.remove(DE, AUTHOR))), /de is not connected/);
});

test('an eviction names the members that lack something of the fab, and is audited', async (t) => {
  const reports = [reportOf(TW, { de: 5 }), reportOf(AZ, { de: 2 })];
  const { control, membership, settled } = controlAt(t, reports, []);
  let behind: readonly FabId[] = [];
  const asked = control.evict(DE, 'de', AUTHOR).then((fabs) => {
    behind = fabs;
  });
  assert.equal(await settled(asked), null);
  assert.deepEqual(behind, [AZ]);
  const { state, author, reason, sinceMs, updatesMissingHere } = control.facts(DE);
  assert.deepEqual([state, author, reason], ['evicted', 'mia', 'moved']);
  assert.ok(sinceMs > 0);
  assert.equal(updatesMissingHere, 5);
  assert.deepEqual(membership.members(), [AZ, TW]);
});

test('the members that only configurations name are told to a new fab, as if before all time', async (t) => {
  const { control, membership, settled } = controlAt(t, [], []);
  assert.equal(await settled(control.add(IL, 'il.example:1', AUTHOR)), null);
  assert.deepEqual(membership.members(), [AZ, DE, IL, TW]);
  assert.deepEqual(control.facts(AZ).sinceMs, 0, 'nobody in person said so');
  assert.equal(control.facts(IL).author, 'mia');
  assert.equal(control.facts(IL).address, 'il.example:1');
});

test('a fab that says at its own node that it leaves is told once another has heard of it, or that none has', async (t) => {
  const reports = [TW, AZ, DE].map((fab) => reportOf(fab, {}));
  const alone = controlAt(t, reports, []);
  assert.match(
    String(await alone.settled(alone.control.remove(TW, AUTHOR))),
    /nobody would learn that tw leaves/,
  );
  for (const heard of [true, false]) {
    const { control, bench, told, changes } = controlAt(t, reports, [AZ]);
    let ended: unknown = 'open';
    control.remove(TW, AUTHOR).then(
      () => (ended = 'done'),
      (error: Error) => (ended = error.message),
    );
    await bench.commit();
    assert.equal(ended, 'open');
    if (heard) {
      told.push({ ...reportOf(AZ, {}), received: bench.store.vectors.received });
      changes.emit();
    } else bench.world.advance(10_000);
    await bench.commit();
    assert.equal(ended, heard ? 'done' : 'tw leaves, and no other fab has heard of it yet');
  }
});

test('a fab that nobody names, but whose results are here, is shown and can be evicted', async (t) => {
  const reports = [reportOf(TW, { kr: 2 }), reportOf(AZ, { kr: 1 }), reportOf(fabId('kr'), { kr: 2 })];
  const { control, membership, settled } = controlAt(t, reports, [AZ]);
  assert.deepEqual(
    control.all().map(({ fab }) => fab),
    [AZ, DE, 'kr', TW],
  );
  const kr = fabId('kr');
  assert.equal(await settled(control.evict(kr, 'kr', AUTHOR)), null);
  assert.equal(membership.stateOf(kr), 'evicted');
});

test('a fab that is paused is not let leave, and the answer names the pause', async (t) => {
  const reports = [reportOf(TW, {}), reportOf(AZ, {}), reportOf(DE, {})];
  const { control, settled, paused } = controlAt(t, reports, [AZ]);
  const pause = { author: 'kim', reason: 'their line is full', sinceMs: 0, untilMs: null };
  const refused = async () => String(await settled(control.remove(DE, AUTHOR)));
  assert.match(await refused(), /de is not connected: what it has cannot be told/);
  paused.set(DE, { ...pause, lanes: 'catch-up' });
  assert.match(await refused(), /de is not connected/, 'its live lanes do not rest');
  paused.set(DE, { ...pause, lanes: 'all' });
  assert.match(await refused(), /de is paused here, and so what it has .*; kim said: their line is full/);
});
