import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fabId } from '../../src/clocks/dot.ts';
import { MeshNetwork } from '../support/mesh-network.ts';

const RECONNECT = { minMs: 100, maxMs: 2_000 };

function peersOf(network: MeshNetwork, fab: string) {
  return new Map(
    network
      .at(fab)
      .mesh.peers()
      .map((view) => [view.peer as string, view]),
  );
}

test('a peer that is new is dialled at once, gets what is there and what is born from then on', () => {
  const links = [['tw', 'az']] as const;
  const network = new MeshNetwork({ seed: 71, fabs: ['tw', 'az', 'kr'], links, reconnect: RECONNECT });
  network.start();
  network.commit('az', 40);
  network.settle();
  assert.equal(network.at('kr').mesh.reports().length, 0);
  network.at('tw').post({ type: 'peers', peers: ['az', 'kr'].map(fabId), moved: [] });
  network.runFor(500);
  network.commit('tw', 1);
  network.settle();
  assert.ok(peersOf(network, 'tw').get('kr')?.outboundUp);
  network.assertConverged();
  const live = network.at('kr').arrivals.filter(({ via }) => via === 'live');
  assert.ok(
    live.some(({ dot }) => dot.startsWith('tw.')),
    'what is born comes live',
  );
});

test('a peer that is dialled no more loses the lanes to it, and both keep in step by its own', () => {
  const network = new MeshNetwork({ seed: 72, fabs: ['tw', 'az'], reconnect: RECONNECT, heartbeatMs: 1_000 });
  network.start();
  network.commit('tw', 3);
  network.runFor(2_000);
  const before = network.at('tw').dials.length;
  network.at('tw').post({ type: 'peers', peers: [], moved: [] });
  network.runFor(5_000);
  assert.equal(network.at('tw').dials.length, before, 'nobody dials it');
  const az = peersOf(network, 'tw').get('az');
  assert.deepEqual([az?.outboundUp, az?.inboundUp], [false, true]);
  network.commit('tw', 5);
  network.commit('az', 7);
  network.runFor(20_000);
  network.assertConverged();
});

test('what was to be dialled later is forgotten with its peer, and dialling begins anew when it comes back', () => {
  const network = new MeshNetwork({ seed: 73, fabs: ['tw', 'az'], reconnect: RECONNECT });
  network.start();
  network.settle();
  network.kill('az');
  network.runFor(3_000);
  const tw = network.at('tw');
  tw.post({ type: 'peers', peers: [], moved: [] });
  const before = tw.dials.length;
  network.runFor(60_000);
  assert.equal(tw.dials.length, before);
  assert.deepEqual(tw.mesh.peers(), []);
  network.restore('az', null);
  tw.post({ type: 'peers', peers: [fabId('az')], moved: [] });
  network.settle();
  assert.ok(peersOf(network, 'tw').get('az')?.outboundUp);
  network.assertConverged();
});

test('a peer that has moved is dialled at once, whatever was left to wait; one that is connected is left alone', () => {
  const reconnect = { minMs: 100, maxMs: 600_000 };
  const network = new MeshNetwork({ seed: 74, fabs: ['tw', 'az'], reconnect });
  network.start();
  network.settle();
  const tw = network.at('tw');
  const moved = { type: 'peers', peers: [fabId('az')], moved: [fabId('az')] } as const;
  const dialled = tw.dials.length;
  tw.post(moved);
  assert.equal(tw.dials.length, dialled);
  network.cut('tw', 'az');
  network.runFor(1_500_000);
  network.heal('tw', 'az');
  tw.post(moved);
  network.runFor(200);
  assert.ok(peersOf(network, 'tw').get('az')?.outboundUp);
});
