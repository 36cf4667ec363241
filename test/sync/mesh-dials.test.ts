import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshNetwork } from '../support/mesh-network.ts';

const RECONNECT = { minMs: 100, maxMs: 2_000 };

test('a peer that is gone is dialled again after a wait that doubles up to its cap, jittered by up to a half', () => {
  const network = new MeshNetwork({ seed: 61, fabs: ['tw', 'az', 'kr'], reconnect: RECONNECT });
  network.start();
  network.settle();
  network.kill('az');
  const before = network.at('tw').dials.length;
  network.runFor(30_000);
  const waits = network
    .at('tw')
    .dials.slice(before)
    .map(({ afterMs }) => afterMs);
  for (const [i, wait] of waits.entries()) {
    const full = Math.min(2_000, 100 * 2 ** i);
    assert.ok(wait >= full / 2 && wait <= full, `wait ${i} is ${wait} ms of ${full}`);
  }
  assert.ok(waits.length > 15 && waits.length < 40, `${waits.length} dials`);
  const others = network
    .at('kr')
    .dials.slice(-waits.length)
    .map(({ afterMs }) => afterMs);
  assert.notDeepEqual(waits.slice(5), others.slice(5), 'two fabs do not dial in step');
});

test('a peer that dials is dialled at once, whatever was left to wait', () => {
  const reconnect = { minMs: 100, maxMs: 600_000 };
  const network = new MeshNetwork({ seed: 62, fabs: ['tw', 'az'], reconnect });
  network.start();
  network.settle();
  network.commit('tw', 5);
  network.settle();
  const backup = network.backup('az');
  network.kill('az');
  network.runFor(1_500_000);
  network.restore('az', backup);
  network.runFor(200);
  const [az] = network.at('tw').mesh.peers();
  assert.ok(az?.outboundUp && az.inboundUp);
});

test('nodes that refuse each other keep to their backoff, though each hears the other dial', () => {
  const network = new MeshNetwork({ seed: 63, fabs: ['tw', 'az'], reconnect: RECONNECT });
  network.faults.speakProtocol('tw', 99);
  network.faults.speakProtocol('az', 98);
  network.start();
  network.runFor(60_000);
  for (const node of network.nodes) {
    assert.ok(
      node.dials.length > 20 && node.dials.length < 80,
      `${node.fab} dialled ${node.dials.length} times`,
    );
  }
  const [az] = network.at('tw').mesh.peers();
  assert.equal(az?.outboundUp, false);
  assert.match(az?.lastError ?? '', /az speaks protocol 98, this node 1/);
});
