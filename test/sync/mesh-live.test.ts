import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshNetwork, pairsOf } from '../support/mesh-network.ts';

const FIVE = ['tw', 'az', 'de', 'il', 'kr'];

/** A network whose nodes have found each other. */
function settled(...args: ConstructorParameters<typeof MeshNetwork>): MeshNetwork {
  const network = new MeshNetwork(...args);
  network.start();
  network.settle();
  network.traffic.forget();
  return network;
}

test('in a full mesh of five every update goes over each of its four links once, pushed, and none is pulled', () => {
  const network = settled({ seed: 1, fabs: FIVE });
  for (let i = 0; i < 10; i++) {
    for (const fab of FIVE) network.commit(fab, 2);
    network.runFor(7);
  }
  network.settle();
  network.assertConverged();
  for (const [a, b] of [...pairsOf(FIVE), ...pairsOf(FIVE.toReversed())]) {
    const pushed = network.traffic.pushed(a, b);
    assert.equal(pushed.length, 20, `${a} to ${b}`);
    assert.equal(new Set(pushed).size, 20);
    assert.ok(pushed.every((dot) => dot.startsWith(`${a}.`)));
  }
  assert.equal(network.traffic.count('live'), 5 * 4 * 20, 'nothing else is said on those lanes');
  assert.equal(network.traffic.count('request'), 0);
});

test('an update is at every peer after one commit, one delay and one commit', () => {
  const network = settled({ seed: 2, fabs: FIVE, delayMs: [30, 30], commitMs: 5 });
  const bornMs = network.time.nowMs;
  network.commit('tw');
  network.settle();
  for (const fab of FIVE.slice(1)) {
    const [arrival] = network.at(fab).arrivals;
    assert.equal(arrival?.atMs, bornMs + 35);
  }
});

test('updates pass on through a third fab while the direct link is down, and come directly when it is back', () => {
  const network = settled({ seed: 3, fabs: ['tw', 'az', 'kr'] });
  network.cut('tw', 'az');
  network.runFor(3_000);
  network.traffic.forget();
  network.commit('tw', 3);
  network.runFor(1_000);
  network.assertConverged();
  assert.equal(network.traffic.pushed('kr', 'az').length, 3);
  assert.equal(network.traffic.count('request'), 0, 'they were pushed, not pulled');

  network.heal('tw', 'az');
  network.settle();
  network.traffic.forget();
  network.commit('tw', 3);
  network.settle();
  network.assertConverged();
  assert.equal(network.traffic.pushed('tw', 'az').length, 3);
  assert.equal(network.traffic.pushed('kr', 'az').length, 0);
});

test('what was committed while a route moves arrives nevertheless', () => {
  const network = settled({ seed: 4, fabs: ['tw', 'az', 'kr'] });
  network.cut('tw', 'az');
  for (let i = 0; i < 60; i++) {
    network.commit('tw');
    network.runFor(10);
  }
  network.heal('tw', 'az');
  for (let i = 0; i < 60; i++) {
    network.commit('tw');
    network.runFor(40);
  }
  network.settle();
  network.assertConverged();
  assert.equal(network.at('az').replica.report.received.size, 120);
});

test('a fab that is reachable through kr alone gets all live, and all get its updates live', () => {
  const links = [...pairsOf(['tw', 'de', 'il', 'kr']), ['kr', 'az']] as const;
  const network = settled({ seed: 5, fabs: FIVE, links });
  for (const fab of FIVE) network.commit(fab, 4);
  network.settle();
  network.assertConverged();
  assert.equal(network.traffic.pushed('kr', 'az').length, 16);
  assert.equal(network.traffic.pushed('az', 'kr').length, 4);
  assert.equal(network.traffic.count('request'), 0);
});

test('a full window lets go: the updates that did not fit are pulled, and none is lost', () => {
  const network = settled({ seed: 6, fabs: ['tw', 'az'], window: { updates: 8, bytes: 64_000 } });
  network.commit('tw', 50);
  network.settle();
  network.assertConverged();
  assert.equal(network.traffic.pushed('tw', 'az').length, 8);
  assert.equal(network.traffic.pulled('tw', 'az').length, 42);
});

test('a window counts bytes too, and lets one update through that is larger than it', () => {
  const network = settled({ seed: 7, fabs: ['tw', 'az'], window: { updates: 64, bytes: 500 } });
  network.commit('tw', 1, 900);
  network.settle();
  assert.equal(network.traffic.pushed('tw', 'az').length, 1);
  network.commit('tw', 10, 200);
  network.settle();
  network.assertConverged();
  assert.equal(network.traffic.pushed('tw', 'az').length, 1 + 2);
});
