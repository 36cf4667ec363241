import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LaneWriter } from '../../src/sync/lane-writer.ts';
import type { LaneMessage } from '../../src/sync/messages.ts';
import { updateOf } from '../support/mesh-messages.ts';

/** A writer on a stream that takes `room` messages until it is told to take more. */
function writerWithRoom(room: number) {
  const written: number[] = [];
  const told: string[] = [];
  const state = { room };
  const stream = {
    send: (message: LaneMessage) => {
      assert.equal(message.type, 'update');
      if (message.type === 'update') written.push(message.update.header.dot.sequence);
      state.room--;
      return state.room > 0;
    },
    close: () => {},
  };
  const handlers = { blocked: () => told.push('blocked'), writable: () => told.push('writable') };
  const writer = new LaneWriter(stream, handlers);
  const send = (n: number) => writer.send(() => ({ type: 'update', update: updateOf('tw', n) }));
  return { writer, send, written, told, state };
}

test('messages are written in order, and wait while the stream does not take them', () => {
  const { writer, send, written, told, state } = writerWithRoom(2);
  for (const n of [1, 2, 3, 4, 5]) send(n);
  assert.deepEqual(written, [1, 2]);
  assert.deepEqual(told, ['blocked']);
  assert.equal(writer.waiting, 3);
  state.room = 2;
  writer.resume();
  assert.deepEqual(written, [1, 2, 3, 4]);
  assert.deepEqual(told, ['blocked'], 'still blocked');
  state.room = 10;
  writer.resume();
  assert.deepEqual(written, [1, 2, 3, 4, 5]);
  assert.deepEqual(told, ['blocked', 'writable']);
  assert.equal(writer.waiting, 0);
});

test('a message is made when its turn comes, and left out if there is nothing to say then', () => {
  const { writer, send, written, state } = writerWithRoom(1);
  send(1);
  let made = 0;
  writer.send(() => {
    made++;
    return null;
  });
  send(2);
  assert.equal(made, 0);
  state.room = 10;
  writer.resume();
  assert.equal(made, 1);
  assert.deepEqual(written, [1, 2]);
});
