import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshNetwork } from '../support/mesh-network.ts';

const RECONNECT = { minMs: 100, maxMs: 2_000 };

/** How many updates a node has. */
function here(network: MeshNetwork, fab: string): number {
  return network.at(fab).replica.report.received.size;
}

function peerOf(network: MeshNetwork, fab: string, peer: string) {
  return network
    .at(fab)
    .mesh.peers()
    .find((view) => view.peer === peer);
}

test('nothing goes to a paused peer or comes from it, over a restart too; once resumed both have all', () => {
  const network = new MeshNetwork({ seed: 91, fabs: ['tw', 'az'], reconnect: RECONNECT });
  network.start();
  network.commit('tw', 3);
  network.settle();
  network.pause('tw', 'az', 'all');
  network.runFor(1_000);
  network.commit('tw', 5);
  network.commit('az', 7);
  network.runFor(10_000);
  network.restart('tw');
  network.runFor(10_000);
  assert.deepEqual([here(network, 'tw'), here(network, 'az')], [8, 10]);
  const view = peerOf(network, 'tw', 'az');
  assert.deepEqual([view?.outboundUp, view?.inboundUp], [false, false]);
  network.pause('tw', 'az', null);
  network.settle();
  network.assertConverged();
  assert.equal(here(network, 'az'), 15);
});

test('a peer that is paused is told so, and dials ever less often', () => {
  const reconnect = { minMs: 100, maxMs: 10_000 };
  const network = new MeshNetwork({ seed: 92, fabs: ['tw', 'az'], reconnect });
  network.start();
  network.settle();
  network.pause('tw', 'az', 'all');
  const before = network.at('az').dials.length;
  network.runFor(100_000);
  const dials = network.at('az').dials.length - before;
  assert.ok(dials > 5 && dials < 40, `${dials} dials in 100 s`);
  assert.match(
    peerOf(network, 'az', 'tw')!.lastError,
    /tw has paused az: a test\. Nothing is lost: az catches up after `wafersync peer resume az` at tw\./,
  );
  network.healAll();
  network.settle();
  network.assertConverged();
});

test('what others pass on still flows, live and without being asked for', () => {
  const network = new MeshNetwork({ seed: 93, fabs: ['tw', 'az', 'kr'], reconnect: RECONNECT });
  network.start();
  network.settle();
  network.pause('tw', 'az', 'all');
  network.runFor(2_000);
  network.traffic.forget();
  for (let i = 0; i < 10; i++) {
    network.commit('tw');
    network.commit('az');
    network.runFor(100);
  }
  network.runFor(1_000);
  assert.deepEqual([here(network, 'tw'), here(network, 'az')], [20, 20]);
  assert.equal(network.traffic.count('request'), 0);
  assert.ok(
    peerOf(network, 'az', 'kr')!.liveFabs.some((fab) => fab === 'tw'),
    'the way goes round',
  );
});

test('where only the live lanes of a peer rest nothing is pushed on them, and everything comes by being asked for', () => {
  const network = new MeshNetwork({ seed: 94, fabs: ['tw', 'az'], reconnect: RECONNECT });
  network.start();
  network.settle();
  network.pause('tw', 'az', 'live');
  network.settle();
  network.commit('tw', 4);
  network.commit('az', 4);
  network.settle();
  network.assertConverged();
  for (const fab of ['tw', 'az']) {
    const { arrivals } = network.at(fab);
    assert.ok(arrivals.length === 4 && arrivals.every(({ via }) => via === 'pull'), fab);
    assert.ok(peerOf(network, 'tw', 'az')!.outboundUp);
  }
  network.pause('tw', 'az', null);
  network.settle();
  network.commit('tw');
  network.settle();
  assert.equal(network.at('az').arrivals.at(-1)!.via, 'live', 'and is pushed again afterwards');
});

test('where only the catch-up lanes of a peer rest news still comes live, and a backlog waits, in both directions', () => {
  const network = new MeshNetwork({ seed: 95, fabs: ['tw', 'az'], reconnect: RECONNECT });
  network.start();
  network.settle();
  network.cut('tw', 'az');
  network.commit('tw', 50);
  network.commit('az', 30);
  network.pause('tw', 'az', 'catch-up');
  network.heal('tw', 'az');
  network.runFor(5_000);
  network.commit('tw');
  network.commit('az');
  network.runFor(20_000);
  assert.deepEqual([here(network, 'tw'), here(network, 'az')], [52, 32]);
  network.pause('tw', 'az', null);
  network.settle();
  network.assertConverged();
});

test('a catch-up lane that is up is ended by a pause, and what was under way on it comes after', () => {
  const window = { updates: 10, bytes: 10_000 };
  const network = new MeshNetwork({ seed: 96, fabs: ['tw', 'az'], reconnect: RECONNECT, window });
  network.start();
  network.settle();
  network.commit('tw', 2_000, 2_000);
  while (network.at('az').arrivals.length < 50) network.runFor(10);
  network.pause('az', 'tw', 'catch-up');
  network.runFor(1_000);
  const stopped = here(network, 'az');
  network.runFor(10_000);
  assert.equal(here(network, 'az'), stopped);
  assert.ok(stopped < 2_000, `${stopped}`);
  network.pause('az', 'tw', null);
  network.settle();
  network.assertConverged();
});

test('a fab that cannot be dialled is not asked on the lanes that it offers while it is paused', () => {
  const network = new MeshNetwork({ seed: 97, fabs: ['tw', 'az'], reconnect: RECONNECT });
  network.cutDial('tw', 'az');
  network.start();
  network.pause('tw', 'az', 'catch-up');
  network.commit('az', 200, 500);
  network.runFor(1_000);
  network.at('az').post({ type: 'heartbeat', nowUs: 0 });
  network.runFor(10_000);
  const before = here(network, 'tw');
  assert.ok(before < 200);
  network.pause('tw', 'az', null);
  network.runFor(30_000);
  network.assertConverged();
});
