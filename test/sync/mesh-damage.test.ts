import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PullRequest } from '../../src/sync/messages.ts';
import type { ProgramDigest } from '../../src/wafer/program.ts';
import { MeshNetwork } from '../support/mesh-network.ts';

const PROGRAM = 'ab'.repeat(32) as ProgramDigest;

function requests(network: MeshNetwork, from: string, to: string): PullRequest[] {
  return network.traffic.messages
    .filter((sent) => sent.kind === 'request' && sent.from === from && sent.to === to)
    .map(({ message }) => message as PullRequest);
}

test('a live update that came damaged is pulled, though no heartbeat ever comes', () => {
  const network = new MeshNetwork({ seed: 31, fabs: ['tw', 'az'] });
  network.start();
  network.settle();
  network.faults.damageNext('tw', 'az', 3);
  network.commit('tw', 5);
  network.settle();
  network.assertConverged();
  assert.equal(network.traffic.pulled('tw', 'az').length, 3);
});

test('an update whose copy at one peer is damaged comes from another', () => {
  const network = new MeshNetwork({ seed: 32, fabs: ['tw', 'az', 'kr'] });
  network.start();
  network.settle();
  network.commit('tw', 100, 500);
  network.settle();
  const { origin } = network.at('tw').replica;
  network.faults.rot('tw', origin, [100, 99, 40]);
  network.faults.rot('kr', origin, [98, 10]);
  network.restore('az', null);
  network.traffic.forget();
  network.settle(20_000);
  network.assertConverged();
  assert.ok(network.traffic.count('request') < 40, `${network.traffic.count('request')} requests`);
});

test('one damaged update keeps back none of those that are asked for with it', () => {
  const network = new MeshNetwork({ seed: 33, fabs: ['tw', 'az'] });
  network.start();
  network.settle();
  network.cut('tw', 'az');
  network.commit('tw', 100, 900);
  network.runFor(500);
  // Of the newest there is not one good among the first that fit into an answer.
  const rotten = [100, 99, 98, 97, 96, 95, 94, 93, 92, 91, 60];
  network.faults.rot('tw', network.at('tw').replica.origin, rotten);
  network.heal('tw', 'az');
  network.settle(20_000);
  const { received } = network.at('az').replica.report;
  assert.equal(received.size, 100 - rotten.length);
});

test('a damaged copy is asked for once a heartbeat, not with every report of its peer', () => {
  const network = new MeshNetwork({ seed: 34, fabs: ['tw', 'az'], heartbeatMs: 10_000 });
  network.start();
  network.runFor(1_000);
  network.cut('tw', 'az');
  network.commit('tw', 20);
  network.runFor(500);
  const { origin } = network.at('tw').replica;
  network.faults.rot('tw', origin, [7]);
  network.heal('tw', 'az');
  network.runFor(3_000);
  network.traffic.forget();
  for (let i = 0; i < 300; i++) {
    network.commit('tw');
    network.runFor(100);
  }
  const asked = requests(network, 'az', 'tw').filter(({ wanted }) => wanted.get(origin).has(7));
  assert.ok(asked.length >= 2 && asked.length <= 4, `asked ${asked.length} times in 30 s`);
});

test('a program that an update waits for is asked for once, from a peer that has it, and the update is applied', () => {
  const network = new MeshNetwork({ seed: 35, fabs: ['tw', 'az', 'kr'], commitMs: 200, delayMs: [1, 2] });
  network.faults.losePrograms('tw', 'az');
  network.faults.losePrograms('tw', 'kr');
  network.start();
  network.settle();
  network.traffic.forget();
  network.commit('tw', 3, 100, PROGRAM);
  network.settle();
  for (const node of network.nodes) {
    assert.ok(node.replica.report.held.isEmpty, `${node.fab} holds ${node.replica.report.held}`);
    assert.equal(node.replica.applied.size, 3);
  }
  for (const fab of ['az', 'kr']) {
    for (const peer of ['tw', 'az', 'kr']) {
      const asked = requests(network, fab, peer).filter(({ programs }) => programs.length > 0);
      assert.ok(asked.length <= 2, `${fab} asked ${peer} ${asked.length} times`);
    }
  }
});

test('a program that no peer has is not asked for without end, and comes once some peer has it', () => {
  const network = new MeshNetwork({ seed: 36, fabs: ['tw', 'az', 'kr'] });
  network.faults.losePrograms('tw', 'az');
  network.start();
  network.settle();
  network.cut('tw', 'kr');
  network.cutDial('az', 'tw');
  network.runFor(500);
  network.commit('tw', 1, 100, PROGRAM);
  while (network.at('az').replica.report.held.isEmpty) network.runFor(1);
  const backup = network.backup('tw');
  network.kill('tw');
  network.runFor(2_000);
  network.traffic.forget();
  network.runFor(20_000);
  assert.equal(network.at('az').replica.report.held.size, 1);
  assert.equal(network.traffic.count('request'), 0, 'all were asked, none has it');
  network.heal('tw', 'kr');
  network.restore('tw', backup);
  network.runFor(5_000);
  assert.ok(network.at('az').replica.report.held.isEmpty);
  assert.ok(network.at('kr').replica.report.held.isEmpty);
});
