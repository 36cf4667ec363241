import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogSink, MAX_WAITING_BYTES } from '../../src/log-sink.ts';

/** A destination that takes at most `room` bytes at a time, or fails with a system error. */
function destination() {
  const state = { room: Number.POSITIVE_INFINITY, failsWith: '', written: '', calls: 0 };
  const write = (bytes: Uint8Array) => {
    state.calls++;
    if (state.failsWith) throw Object.assign(new Error('write failed'), { code: state.failsWith });
    const taken = bytes.subarray(0, state.room);
    state.written += Buffer.from(taken).toString();
    return taken.length;
  };
  const sink = new LogSink(write, (lines) => `dropped ${lines}\n`);
  return { state, sink };
}

test('a line is written at once, in parts where the system takes parts', () => {
  const { state, sink } = destination();
  state.room = 2;
  sink.write('wafer\n');
  assert.equal(state.written, 'wafer\n');
});

test('lines wait while the disk is full, and come in order when it is not', () => {
  const { state, sink } = destination();
  state.failsWith = 'ENOSPC';
  sink.write('1\n');
  sink.write('2\n');
  state.failsWith = '';
  sink.write('3\n');
  assert.equal(state.written, '1\n2\n3\n');
});

test('a line of which a part was written is finished before the next', () => {
  let written = '';
  let calls = 0;
  const halting = new LogSink(
    (bytes) => {
      if (calls++ === 1) throw Object.assign(new Error('full'), { code: 'EAGAIN' });
      written += Buffer.from(bytes.subarray(0, 3)).toString();
      return Math.min(3, bytes.length);
    },
    () => '',
  );
  halting.write('abcdef\n');
  assert.equal(written, 'abc');
  halting.write('xyz\n');
  assert.equal(written, 'abcdef\nxyz\n');
});

test('what waits is bounded; what was dropped is counted and told', () => {
  const { state, sink } = destination();
  state.failsWith = 'EAGAIN';
  const line = `${'x'.repeat(1023)}\n`;
  const held = MAX_WAITING_BYTES / line.length;
  for (let count = 0; count < held + 7; count++) sink.write(line);
  state.failsWith = '';
  sink.write('after\n');
  assert.equal(state.written, `${line.repeat(held)}dropped 7\nafter\n`);
  sink.write('more\n');
  assert.match(state.written, /after\nmore\n$/);
});

test('a reader that is gone is not written to again', () => {
  const { state, sink } = destination();
  state.failsWith = 'EPIPE';
  sink.write('1\n');
  state.failsWith = '';
  const { calls } = state;
  sink.write('2\n');
  assert.equal(state.written, '');
  assert.equal(state.calls, calls);
});

test('what waits is written by a flush', () => {
  const { state, sink } = destination();
  state.failsWith = 'EAGAIN';
  sink.write('last\n');
  state.failsWith = '';
  sink.flush();
  assert.equal(state.written, 'last\n');
});
