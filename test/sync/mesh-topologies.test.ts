import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshNetwork, pairsOf } from '../support/mesh-network.ts';

const FIVE = ['tw', 'az', 'de', 'il', 'kr'];

const TOPOLOGIES: readonly [string, readonly (readonly [string, string])[]][] = [
  ['line', FIVE.slice(1).map((fab, i) => [FIVE[i]!, fab] as const)],
  ['ring', FIVE.map((fab, i) => [fab, FIVE[(i + 1) % 5]!] as const)],
  ['star', FIVE.slice(1).map((fab) => ['tw', fab] as const)],
];

for (const [name, links] of TOPOLOGIES) {
  test(`a ${name} gets every update to every fab, live, and to each once`, () => {
    const network = new MeshNetwork({ seed: 11, fabs: FIVE, links });
    network.start();
    network.settle();
    network.traffic.forget();
    for (const fab of FIVE) network.commit(fab, 5);
    network.settle();
    network.assertConverged();
    assert.equal(network.traffic.count('request'), 0);
    for (const { arrivals, fab } of network.nodes) assert.equal(arrivals.length, 20, fab);
  });
}

test('a mesh with half of its links cut still gets every update to every fab', () => {
  const network = new MeshNetwork({ seed: 12, fabs: FIVE });
  network.start();
  network.settle();
  const cuts = [
    ['tw', 'az'],
    ['tw', 'de'],
    ['az', 'il'],
    ['de', 'kr'],
    ['il', 'kr'],
  ] as const;
  for (const [a, b] of cuts) network.cut(a, b);
  for (let i = 0; i < 20; i++) {
    for (const fab of FIVE) network.commit(fab, 2);
    network.runFor(50);
  }
  network.runFor(5_000);
  network.assertConverged();
  assert.equal(network.at('tw').replica.report.received.size, 200);
});

test('a fab that nobody can dial gets all live and gives all live, when nothing is skipped', () => {
  const network = new MeshNetwork({ seed: 13, fabs: ['tw', 'az', 'kr'] });
  network.cutDial('tw', 'az');
  network.cutDial('kr', 'az');
  network.start();
  network.runFor(1_000);
  for (let i = 0; i < 20; i++) {
    for (const fab of ['tw', 'az', 'kr']) network.commit(fab);
    network.runFor(50);
  }
  network.runFor(5_000);
  network.assertConverged();
});

test('two relays never choose each other: what a fab that is gone left at one of them, the other pulls', () => {
  const network = new MeshNetwork({ seed: 14, fabs: ['tw', 'az', 'kr'] });
  network.start();
  network.settle();
  network.cut('tw', 'kr');
  network.cut('az', 'kr');
  network.runFor(1_000);
  network.commit('tw', 5);
  network.runFor(1_000);
  network.kill('tw');
  network.heal('az', 'kr');
  network.runFor(5_000);
  network.assertConverged();
  assert.equal(network.at('kr').replica.report.received.size, 5);
  for (const node of network.nodes) {
    for (const { peer, liveFabs } of node.mesh.peers()) {
      assert.ok(!liveFabs.some((fab) => fab === 'tw'), `${node.fab} wants tw from ${peer}`);
    }
  }
});

test('a fab that goes down is forgotten as a way after few messages, even in a full mesh of ten', () => {
  const fabs = Array.from({ length: 10 }, (_, i) => `f${i}`);
  const network = new MeshNetwork({ seed: 15, fabs, reconnect: { minMs: 60_000, maxMs: 60_000 } });
  network.start();
  network.settle();
  network.traffic.forget();
  network.kill('f0');
  network.runFor(20_000);
  for (const node of network.nodes) {
    const ways = node.mesh.peers().flatMap(({ liveFabs }) => liveFabs);
    assert.deepEqual(
      ways.sort(),
      fabs.filter((fab) => fab !== 'f0' && fab !== node.fab),
    );
  }
  const { length } = network.traffic.messages;
  assert.ok(length < 2_000, `${length} messages`);
});

test('a line of nine, longer than any way that is taken, gets every update to every fab by pulling', () => {
  const fabs = Array.from({ length: 9 }, (_, i) => `f${i}`);
  const links = fabs.slice(1).map((fab, i) => [fabs[i]!, fab] as const);
  const network = new MeshNetwork({ seed: 17, fabs, links });
  network.start();
  network.settle();
  for (let i = 0; i < 10; i++) {
    for (const fab of fabs) network.commit(fab);
    network.runFor(30);
  }
  network.settle();
  network.assertConverged();
  assert.equal(network.at('f8').replica.report.received.size, 90);
});

test('a mesh of fabs that are cut off in pairs heals whole', () => {
  const fabs = ['f0', 'f1', 'f2', 'f3'];
  const network = new MeshNetwork({ seed: 16, fabs });
  network.start();
  network.settle();
  for (const [a, b] of pairsOf(fabs)) network.cut(a, b);
  for (const fab of fabs) network.commit(fab, 30);
  network.runFor(10_000);
  for (const { replica } of network.nodes) assert.equal(replica.report.received.size, 30);
  network.healAll();
  network.settle();
  network.assertConverged();
  assert.equal(network.at('f0').replica.report.received.size, 120);
});

test('a fab that nobody can dial gives what its live lanes skipped as well: it is asked on lanes that it dials', () => {
  const network = new MeshNetwork({
    seed: 14,
    fabs: ['tw', 'az', 'kr'],
    window: { updates: 2, bytes: 2_000 },
  });
  network.cutDial('tw', 'az');
  network.cutDial('kr', 'az');
  network.start();
  network.runFor(1_000);
  network.commit('az', 100);
  network.runFor(20_000);
  network.assertConverged();
  assert.ok(network.traffic.pulled('az', 'tw').length > 0, 'tw asked az on the lane that az had dialled');
});

test('a peer that dials itself is made no offer', () => {
  const network = new MeshNetwork({ seed: 15, fabs: ['tw', 'az'] });
  network.start();
  network.settle();
  for (const { performed } of network.nodes) assert.equal(performed.get('dial-offer') ?? 0, 0);
  network.cutDial('az', 'tw');
  network.runFor(5_000);
  assert.ok((network.at('tw').performed.get('dial-offer') ?? 0) > 0, 'az cannot dial: tw offers');
  network.heal('az', 'tw');
  network.runFor(10_000);
  network.traffic.forget();
  network.commit('tw', 50, 1_000);
  network.settle();
  network.assertConverged();
});
