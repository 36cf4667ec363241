import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Announcement, LaneMessage, PeerStatus } from '../../src/sync/messages.ts';
import { MeshNetwork } from '../support/mesh-network.ts';
import type { Sent } from '../support/mesh-traffic.ts';

const FIVE = ['tw', 'az', 'de', 'il', 'kr'];

/** The part of a message in which its sender speaks of others. */
function relayedIn({ kind, message }: Sent): number {
  if (kind === 'status') return (message as PeerStatus).relayed.length;
  const lane = message as LaneMessage;
  return kind === 'live' && lane.type === 'announcement' ? lane.announcement.relayed.length : 0;
}

test('every node learns what every other has applied, near or far', () => {
  const links = FIVE.slice(1).map((fab, i) => [FIVE[i]!, fab] as const);
  const network = new MeshNetwork({ seed: 41, fabs: FIVE, links });
  network.start();
  for (const fab of FIVE) network.commit(fab, 3);
  network.settle();
  for (const { mesh, fab } of network.nodes) {
    const told = mesh.reports().map(({ node, received }) => [node.fab, received.size]);
    assert.deepEqual(
      told,
      FIVE.filter((other) => other !== fab)
        .sort()
        .map((other) => [other, 15]),
    );
  }
});

test('reports are relayed to those alone who do not hear the node themselves', () => {
  const network = new MeshNetwork({ seed: 42, fabs: FIVE });
  network.start();
  network.settle();
  network.traffic.forget();
  for (const fab of FIVE) network.commit(fab, 3);
  network.settle();
  assert.equal(network.traffic.messages.filter((sent) => relayedIn(sent) > 0).length, 0);

  network.cut('tw', 'az');
  network.runFor(1_000);
  network.traffic.forget();
  network.commit('tw', 3);
  network.runFor(1_000);
  const to = new Set(network.traffic.messages.filter((sent) => relayedIn(sent) > 0).map((sent) => sent.to));
  assert.deepEqual([...to].sort(), ['az', 'tw']);
});

test('once all have all and nothing is committed, nothing is said', () => {
  const network = new MeshNetwork({ seed: 43, fabs: FIVE });
  network.start();
  for (const fab of FIVE) network.commit(fab, 20);
  network.settle();
  network.assertConverged();
  const steps = network.nodes.map((node) => node.steps);
  network.traffic.forget();
  network.runFor(3_600_000);
  assert.equal(network.traffic.messages.length, 0);
  assert.deepEqual(
    network.nodes.map((node) => node.steps),
    steps,
  );
});

test('a heartbeat costs each live lane one question and one echo, which measure its round trip', () => {
  const network = new MeshNetwork({ seed: 44, fabs: FIVE, heartbeatMs: 10_000, delayMs: [30, 30] });
  network.start();
  for (const fab of FIVE) network.commit(fab, 20);
  network.runFor(15_000);
  network.assertConverged();
  network.traffic.forget();
  network.runFor(50_000);
  for (const { kind, message } of network.traffic.messages) {
    if (kind === 'status') assert.notEqual((message as PeerStatus).echoUs, 0);
    else {
      assert.equal(kind, 'live');
      const { announcement } = message as { announcement: Announcement };
      assert.notEqual(announcement.sentAtUs, 0);
      assert.equal(announcement.report, null);
    }
  }
  assert.equal(network.traffic.messages.length, 5 * 20 * 2);
  for (const { mesh } of network.nodes) for (const { rttMs } of mesh.peers()) assert.equal(rttMs, 60);
});

test('a restart keeps what was known of nodes that are not there', () => {
  const network = new MeshNetwork({ seed: 45, fabs: ['tw', 'az'] });
  network.start();
  network.commit('az', 5);
  network.settle();
  network.kill('az');
  network.restart('tw');
  const known = network
    .at('tw')
    .mesh.reports()
    .map(({ node, received }) => [node.fab, received.size]);
  assert.deepEqual(known, [['az', 5]]);
});

test('a fab that cannot dial hears what the others have on the lanes that they dialled', () => {
  const links = [
    ['tw', 'az'],
    ['tw', 'kr'],
  ] as const;
  const network = new MeshNetwork({ seed: 46, fabs: ['tw', 'az', 'kr'], links });
  network.cutDial('az', 'tw');
  network.start();
  network.runFor(1_000);
  for (const fab of ['tw', 'az', 'kr']) network.commit(fab, 3);
  network.runFor(1_000);
  const told = network
    .at('az')
    .mesh.reports()
    .map(({ node, received }) => [node.fab, received.size]);
  assert.deepEqual(told, [
    ['kr', 9],
    ['tw', 9],
  ]);
});
