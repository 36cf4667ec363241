import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { bidi, type CallContext, clientStream, contextOf, serverStream, unary } from '../../src/api/call.ts';
import { makeClient } from '../../src/api/client.ts';
import type { HandlersOf } from '../../src/api/handlers.ts';
import { WafersyncError } from '../../src/errors.ts';
import { dataSync, runService, testEquipment } from '../../src/wire/services.ts';
import { closing, collect, serve } from '../support/grpc-client.ts';
import { unusedHandlers } from '../support/unused-handlers.ts';

type Runs = HandlersOf<(typeof runService)['methods']>;

/** Handlers that a test does not call. */
const UNUSED: Runs = {
  ImportRun: clientStream(async () => ({})),
  GetRun: unary(() => ({})),
  ReadRun: serverStream(async function* () {}),
  WatchRun: serverStream(async function* () {}),
};

async function runs(t: TestContext, handlers: Partial<Runs>) {
  const served = await serve(t, (server) => server.add(runService, { ...UNUSED, ...handlers }));
  return { ...served, client: closing(t, makeClient(runService, served.address)) };
}

/** A promise and its key. */
function gate(): { open: () => void; opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
}

test('a unary call takes a message and gives one', async (t) => {
  const { client } = await runs(t, { GetRun: unary(({ run_id }) => ({ run_id: run_id.toUpperCase() })) });
  assert.equal((await client.GetRun({ run_id: 'ab' })).run_id, 'AB');
});

test('a server stream gives every message in order and then ends', async (t) => {
  const { client } = await runs(t, {
    ReadRun: serverStream(async function* () {
      for (let i = 0; i < 500; i += 1) yield { payload: Buffer.from([i >> 8, i & 255]) };
    }),
  });
  const got: number[] = [];
  for await (const { payload } of client.ReadRun({})) got.push((payload[0] ?? 0) * 256 + (payload[1] ?? 0));
  assert.deepEqual(
    got,
    Array.from({ length: 500 }, (_, i) => i),
  );
});

test('a client stream takes every message in order and gives one', async (t) => {
  const { client } = await runs(t, {
    ImportRun: clientStream(async (pieces) => {
      let text = '';
      for await (const { data } of pieces) text += Buffer.from(data).toString();
      return { run_id: text };
    }),
  });
  const call = client.ImportRun();
  for (let i = 0; i < 200; i += 1) await call.write({ data: Buffer.from(`${i},`) });
  const expected = Array.from({ length: 200 }, (_, i) => `${i},`).join('');
  assert.equal((await call.finish()).run_id, expected);
});

test('a two-way stream answers while the client is still sending', async (t) => {
  const { address } = await serve(t, (server) =>
    server.add(dataSync, {
      SyncWaferData: bidi(async function* (updates) {
        for await (const { wafer_id } of updates) yield { wafer_id };
      }),
      PullWaferData: bidi(async function* () {}),
      OfferWaferData: bidi(async function* () {}),
    }),
  );
  const call = closing(t, makeClient(dataSync, address)).SyncWaferData();
  const statuses = call[Symbol.asyncIterator]();
  for (const wafer of ['W1', 'W2', 'W3']) {
    await call.write({ wafer_id: wafer });
    assert.equal((await statuses.next()).value?.wafer_id, wafer);
  }
  call.end();
  assert.equal((await statuses.next()).done, true);
});

test('an error of each kind of handler reaches the client with code, message and hint', async (t) => {
  const fail = () => {
    throw new WafersyncError('conflict', 'the run is another', { hint: 'Look again.' });
  };
  const { client } = await runs(t, {
    GetRun: unary(fail),
    ImportRun: clientStream(async () => fail()),
    // biome-ignore lint/correctness/useYield: it fails before it yields.
    ReadRun: serverStream(async function* () {
      fail();
    }),
    WatchRun: fail,
  });
  const expected = { code: 'conflict', message: 'the run is another', hint: 'Look again.' };
  await assert.rejects(client.GetRun({}), expected);
  await assert.rejects(client.ImportRun().finish(), expected);
  await assert.rejects(collect(client.ReadRun({})), expected);
  await assert.rejects(collect(client.WatchRun({})), expected);
});

test('what a server stream yielded before it failed is sent before the error', async (t) => {
  const read = gate();
  const { client } = await runs(t, {
    ReadRun: serverStream(async function* () {
      for (let i = 0; i < 40; i += 1) yield { payload: Buffer.alloc(1000) };
      // A grpc-js client drops what it has not read when an error comes.
      await read.opened;
      throw new WafersyncError('damaged', 'page 41 is rotten');
    }),
  });
  let got = 0;
  const reading = async () => {
    for await (const _ of client.ReadRun({})) {
      got += 1;
      if (got === 40) read.open();
    }
  };
  await assert.rejects(reading(), { code: 'damaged', message: 'page 41 is rotten' });
});

test('a handler that throws later, or while it takes a message, ends its call and nothing else', async (t) => {
  const { client, journal } = await runs(t, {
    GetRun: async () => {
      await null;
      throw new TypeError('x is not a function');
    },
    ImportRun: (call) => {
      call.on('data', () => {
        throw new WafersyncError('invalid', 'the piece is empty');
      });
    },
  });
  await assert.rejects(client.GetRun({}), { code: 'internal', message: 'x is not a function' });
  const upload = client.ImportRun();
  await upload.write({});
  await assert.rejects(upload.finish(), { code: 'invalid', message: 'the piece is empty' });
  const line = await journal.line(({ event }) => event === 'handler.failed');
  assert.ok(line.error instanceof TypeError);
  await assert.rejects(client.GetRun({}), { code: 'internal' });
});

test('a response that cannot be encoded fails its call and is logged with the reason', async (t) => {
  const { client, journal } = await runs(t, {
    GetRun: unary(() => ({ wafers: [null] as unknown as [] })),
  });
  await assert.rejects(client.GetRun({}), { code: 'internal' });
  const line = await journal.line(({ event }) => event === 'response.not_encoded');
  assert.match(String(line.error), /response of .*GetRun cannot be encoded/);
});

test('a client that goes away aborts the work of its call', async (t) => {
  for (const method of ['GetRun', 'ReadRun', 'ImportRun'] as const) {
    const began = gate();
    const stopped = gate();
    const work = async ({ signal }: CallContext) => {
      began.open();
      await once(signal, 'abort');
      stopped.open();
    };
    const { client, server } = await runs(t, {
      GetRun: unary(async (_, context) => {
        await work(context);
        return {};
      }),
      // biome-ignore lint/correctness/useYield: it waits for the client to go.
      ReadRun: serverStream(async function* (_, context) {
        await work(context);
      }),
      ImportRun: clientStream(async (_, context) => {
        await work(context);
        return {};
      }),
    });
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const result =
      method === 'GetRun'
        ? client.GetRun({}, options)
        : method === 'ReadRun'
          ? collect(client.ReadRun({}, options))
          : client.ImportRun(options).finish();
    const rejected = assert.rejects(result, { code: 'cancelled' });
    await began.opened;
    assert.equal(server.openCalls, 1, method);
    controller.abort();
    await rejected;
    await stopped.opened;
    assert.equal(server.openCalls, 0, method);
  }
});

test('iterating a client stream whose client went away throws cancelled, unread messages or not', async (t) => {
  const seen = Promise.withResolvers<unknown>();
  const first = gate();
  const { address } = await serve(t, (server) =>
    server.add(testEquipment, {
      StreamTestResults: clientStream(async (results, { signal }) => {
        try {
          for await (const _ of results) {
            first.open();
            await once(signal, 'abort');
          }
          seen.resolve('ended');
        } catch (error) {
          seen.resolve(error);
        }
        return {};
      }),
      ...unusedHandlers,
    }),
  );
  const call = closing(t, makeClient(testEquipment, address)).StreamTestResults();
  for (let i = 0; i < 5; i += 1) await call.write({ die_x: i });
  await first.opened;
  call.cancel();
  const error = await seen.promise;
  assert.ok(error instanceof WafersyncError && error.code === 'cancelled', String(error));
});

test('a client that leaves a server stream early makes its generator return', async (t) => {
  const returned = gate();
  const { client } = await runs(t, {
    ReadRun: serverStream(async function* () {
      try {
        for (;;) yield { payload: Buffer.alloc(10) };
      } finally {
        returned.open();
      }
    }),
  });
  for await (const _ of client.ReadRun({})) break;
  await returned.opened;
});

test('a handler of grpc-js itself learns request id and end of its call from its context', async (t) => {
  const over = gate();
  const ids: string[] = [];
  const { client } = await runs(t, {
    WatchRun: (call) => {
      const { requestId, signal } = contextOf(call);
      ids.push(requestId);
      signal.addEventListener('abort', over.open);
      call.write({});
    },
  });
  for await (const _ of client.WatchRun({}, { requestId: 'abc-1' })) break;
  await over.opened;
  assert.deepEqual(ids, ['abc-1']);
});

test('a node that is not there is unavailable, and the error says where', async (t) => {
  const client = closing(t, makeClient(runService, '127.0.0.1:1'));
  await assert.rejects(client.GetRun({}), (error: WafersyncError) => {
    assert.equal(error.code, 'unavailable');
    assert.match(error.line, /GetRun at 127\.0\.0\.1:1: .*ECONNREFUSED.*\. Check that a node runs there\./);
    return true;
  });
  await assert.rejects(client.ready(50), { code: 'unavailable' });
});
