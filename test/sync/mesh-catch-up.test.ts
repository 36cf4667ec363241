import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshNetwork } from '../support/mesh-network.ts';

/** Sequences of dots, in their order. */
function sequences(dots: readonly string[]): number[] {
  return dots.map((dot) => Number(dot.split(':')[1]));
}

test('after a cut the receiver pulls its gap while fresh updates keep arriving live', () => {
  const network = new MeshNetwork({ seed: 21, fabs: ['tw', 'az'] });
  network.start();
  network.settle();
  network.cut('tw', 'az');
  network.commit('tw', 600, 500);
  network.runFor(500);
  network.heal('tw', 'az');
  while (network.at('az').arrivals.length === 0) network.runFor(10);
  const fresh: number[] = [];
  while (network.at('az').replica.report.received.size < 600) {
    network.commit('tw');
    fresh.push(600 + fresh.length + 1);
    network.runFor(20);
  }
  assert.ok(fresh.length > 10, 'the backlog took a while');
  const { arrivals } = network.at('az');
  const live = sequences(arrivals.filter(({ via }) => via === 'live').map(({ dot }) => dot));
  assert.deepEqual(live.slice(0, 10), fresh.slice(0, 10), 'the fresh ones came live, one by one');
  const tenth = arrivals.findIndex(({ dot }) => dot.endsWith(`:${fresh[9]}`));
  assert.ok(
    arrivals.slice(tenth).some(({ via }) => via === 'pull'),
    'among the backlog, not behind it',
  );
  network.settle();
  network.assertConverged();
});

test('the newest is pulled first', () => {
  const network = new MeshNetwork({ seed: 22, fabs: ['tw', 'az'] });
  network.start();
  network.settle();
  network.cut('tw', 'az');
  network.commit('tw', 300, 500);
  network.runFor(1_000);
  network.heal('tw', 'az');
  network.settle();
  network.assertConverged();
  const pulled = sequences(network.traffic.pulled('tw', 'az'));
  assert.equal(new Set(pulled).size, 300);
  // Two requests of 32 are under way at once, so an answer may begin at most that far ahead of the one before.
  for (const [i, n] of pulled.entries()) assert.ok(Math.abs(300 - i - n) <= 64, `${n} came as number ${i}`);
  assert.deepEqual(pulled.slice(0, 8), [300, 299, 298, 297, 296, 295, 294, 293]);
});

test('a long gap is pulled from several peers at once, nothing twice', () => {
  const network = new MeshNetwork({ seed: 23, fabs: ['tw', 'az', 'kr'] });
  network.start();
  network.settle();
  network.commit('tw', 500, 500);
  network.settle();
  const mark = network.at('kr').replica.report.received.size;
  assert.equal(mark, 500);
  network.traffic.forget();
  network.restore('kr', null);
  network.settle();
  network.assertConverged();
  const [fromTw, fromAz] = [network.traffic.pulled('tw', 'kr'), network.traffic.pulled('az', 'kr')];
  assert.ok(fromTw.length > 50 && fromAz.length > 50, `${fromTw.length} and ${fromAz.length}`);
  assert.equal(fromTw.length + fromAz.length, 500);
});

test('a node that was down gets what it missed, from what it kept on', () => {
  const network = new MeshNetwork({ seed: 24, fabs: ['tw', 'az', 'kr'] });
  network.start();
  network.settle();
  network.commit('tw', 40);
  network.commit('az', 40);
  network.settle();
  const backup = network.backup('az');
  network.kill('az');
  network.commit('tw', 40);
  network.runFor(3_000);
  network.traffic.forget();
  network.restore('az', backup);
  network.settle();
  network.assertConverged();
  const pulled = [...network.traffic.pulled('tw', 'az'), ...network.traffic.pulled('kr', 'az')];
  assert.deepEqual(
    sequences(pulled).sort((a, b) => a - b),
    Array.from({ length: 40 }, (_, i) => 41 + i),
  );
});

test('a node that lost its database gets its own updates back, and bears new ones under another epoch', () => {
  const network = new MeshNetwork({ seed: 25, fabs: ['tw', 'az', 'kr'] });
  network.start();
  network.settle();
  network.commit('tw', 30);
  network.settle();
  network.restore('tw', null);
  network.commit('tw', 5);
  network.settle();
  network.assertConverged();
  const origins = network.at('tw').replica.report.received.entries();
  assert.deepEqual(
    origins.map(([, set]) => set.toString()),
    ['1-30', '1-5'],
  );
});

test('updates that a fab lost reach it even from a fab that it has no link with', () => {
  const links = [
    ['tw', 'az'],
    ['az', 'kr'],
    ['tw', 'kr'],
  ] as const;
  const network = new MeshNetwork({ seed: 26, fabs: ['tw', 'az', 'kr'], links });
  network.start();
  network.settle();
  network.cut('az', 'tw');
  network.cut('az', 'kr');
  network.runFor(500);
  network.commit('tw', 30);
  network.runFor(3_000);
  network.cut('tw', 'kr');
  network.runFor(500);
  network.restore('tw', null);
  network.heal('tw', 'az');
  network.heal('az', 'kr');
  network.runFor(10_000);
  network.assertConverged();
  assert.equal(network.at('tw').replica.report.received.size, 30);
});

test('a node whose disk is full asks for nothing and keeps its lanes, and gets all once there is room', () => {
  const network = new MeshNetwork({ seed: 27, fabs: ['tw', 'az'], commitMs: 100, delayMs: [1, 3] });
  network.start();
  network.settle();
  network.fillDisk('az', true);
  network.commit('tw', 100, 500);
  // The commit that finds the disk full ends the lane that brought it.
  network.runFor(5_000);
  const { dials, arrivals } = network.at('az');
  const before = [network.at('tw').dials.length, dials.length, arrivals.length];
  network.commit('tw', 100, 500);
  network.runFor(60_000);
  assert.deepEqual([network.at('tw').dials.length, dials.length, arrivals.length], before);
  assert.equal(network.at('az').replica.report.received.size, 0);
  assert.equal(network.at('tw').mesh.peers()[0]?.behind.size, 200, 'nothing is taken for received');
  network.fillDisk('az', false);
  network.settle();
  network.assertConverged();
});
