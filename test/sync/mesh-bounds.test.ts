import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshNetwork } from '../support/mesh-network.ts';
import { HIGH_WATER } from '../support/mesh-stream.ts';

test('a peer that never reads makes no queue grow, and hinders no other peer', () => {
  const window = { updates: 64, bytes: 64_000 };
  const network = new MeshNetwork({ seed: 51, fabs: ['tw', 'az', 'kr'], window });
  network.start();
  network.settle();
  network.stall('tw', 'az');
  network.stall('kr', 'az');
  network.traffic.forget();
  for (let i = 0; i < 500; i++) {
    network.commit('tw');
    network.runFor(20);
  }
  network.runFor(200);
  const handed = network.traffic.messages.filter(({ from, to }) => from === 'tw' && to === 'az');
  assert.ok(handed.length <= 2 * HIGH_WATER, `${handed.length} messages were handed to the stalled streams`);
  // The writer of the lane holds what the window allows, and the stream what it took.
  assert.ok(network.at('tw').waiting <= window.updates, `${network.at('tw').waiting} messages wait`);
  assert.equal(network.at('kr').replica.report.received.size, 500);
  network.healAll();
  network.settle();
  network.assertConverged();
});

test('a reader that is behind is told of it all when it reads again, in few words', () => {
  const network = new MeshNetwork({ seed: 52, fabs: ['tw', 'az'] });
  network.start();
  network.settle();
  network.stall('az', 'tw');
  for (let i = 0; i < 300; i++) {
    network.commit('az');
    network.runFor(20);
  }
  network.traffic.forget();
  network.healAll();
  network.settle();
  network.assertConverged();
  const said = network.traffic.messages.filter(({ from, kind }) => from === 'az' && kind === 'status');
  assert.ok(said.length < 60, `${said.length} statuses`);
});
