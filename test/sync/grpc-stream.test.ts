import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { WafersyncError } from '../../src/errors.ts';
import { grpcStream } from '../../src/sync/transport/grpc-stream.ts';

/** A stream over a call whose handlers all fail. */
function failing() {
  const call = Object.assign(new EventEmitter(), { write: () => true });
  const ended: string[] = [];
  const down: string[] = [];
  const fail = () => {
    throw new WafersyncError('damaged', 'it cannot be read');
  };
  const codec = {
    ...{ decode: (text: string) => text, encode: (text: string) => text },
    failure: WafersyncError.from,
    end: (error: WafersyncError) => {
      ended.push(error.message);
      throw new Error('the call is gone');
    },
  };
  grpcStream(call, codec, { message: fail, writable: fail, down: ({ code }) => down.push(code) });
  return { call, ended, down };
}

for (const event of ['data', 'drain']) {
  test(`what a handler throws on ${event} ends the stream, which is told though the call cannot be ended`, () => {
    const { call, ended, down } = failing();
    assert.throws(() => call.emit(event, 'hello'), /the call is gone/);
    assert.deepEqual([ended, down], [['it cannot be read'], ['damaged']]);
    call.emit(event, 'again');
    assert.equal(down.length, 1);
  });
}
