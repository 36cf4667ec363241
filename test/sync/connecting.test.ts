import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectivityState } from '@grpc/grpc-js';
import { fabId } from '../../src/clocks/dot.ts';
import { unlessConnected } from '../../src/sync/transport/connecting.ts';
import { StillWorld } from '../support/grpc-client.ts';

/** What is told of a connection that is in some state when its time is over, and whether that is cancelled before. */
function told(state: connectivityState, cancelled = false): string[] {
  const world = new StillWorld();
  const lines: string[] = [];
  const client = { getChannel: () => ({ getConnectivityState: () => state }) as never };
  const connecting = { client, world, peer: fabId('az'), address: 'az:5', withinMs: 15_000 };
  const cancel = unlessConnected(connecting, ({ code, line }) => lines.push(`${code}: ${line}`));
  world.advance(14_999);
  assert.deepEqual(lines, [], 'not before its time');
  if (cancelled) cancel();
  world.advance(1);
  world.advance(60_000);
  return lines;
}

test('a connection that does not come about in time is told once, with what to look at', () => {
  const { CONNECTING, IDLE, READY, TRANSIENT_FAILURE } = connectivityState;
  for (const state of [CONNECTING, TRANSIENT_FAILURE]) {
    assert.deepEqual(told(state), [
      'unavailable: no node answers at az:5 (no answer in 15 s). Look whether the node of az stands still, or a tunnel takes connections and its other end is gone.',
    ]);
  }
  assert.deepEqual(told(READY), []);
  assert.deepEqual(told(IDLE), [], 'its calls go on');
  assert.deepEqual(told(CONNECTING, true), []);
});
