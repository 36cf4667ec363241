import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { bidi, clientStream, serverStream, unary } from '../../src/api/call.ts';
import type { MethodPolicy } from '../../src/api/call-policy.ts';
import { makeClient } from '../../src/api/client.ts';
import { fromNumber } from '../../src/wire/long.ts';
import { dataSync, runService } from '../../src/wire/services.ts';
import { closing, collect, serve, settled, until } from '../support/grpc-client.ts';

/** A run service whose methods do nothing, or wait until their call is over, and tell when they began and stopped. */
async function runs(t: TestContext, policies: Record<string, MethodPolicy> = {}) {
  const began = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<unknown>();
  const count = { began: 0, taken: 0, produced: 0 };
  const wait = async (signal: AbortSignal) => {
    count.began += 1;
    began.resolve();
    await once(signal, 'abort');
    stopped.resolve(signal.reason);
  };
  const served = await serve(t, (server) =>
    server.add(
      runService,
      {
        GetRun: unary(async (_, { signal }) => {
          await wait(signal);
          return {};
        }),
        ImportRun: clientStream(async (pieces) => {
          try {
            for await (const _ of pieces) count.taken += 1;
          } catch (error) {
            stopped.resolve(error);
            throw error;
          }
          return { attempts: fromNumber(count.taken) };
        }),
        ReadRun: serverStream(async function* (_, { signal }) {
          try {
            for (; ; count.produced += 1) yield { payload: Buffer.alloc(100_000) };
          } finally {
            stopped.resolve(signal.reason);
          }
        }),
        WatchRun: serverStream(async function* () {}),
      },
      policies,
    ),
  );
  const client = closing(t, makeClient(runService, served.address));
  return { ...served, client, count, began: began.promise, stopped: stopped.promise };
}

test('the deadline of a unary call stops its work', async (t) => {
  const { client, count, stopped } = await runs(t);
  // On a busy machine a short deadline passes before the work has begun.
  for (let deadlineMs = 30; count.began === 0; deadlineMs *= 2) {
    await assert.rejects(client.GetRun({}, { deadlineMs }), { code: 'cancelled' });
  }
  await stopped;
});

test('a unary call without a deadline ends at the default one, and its work stops', async (t) => {
  const { client, began, stopped, world } = await runs(t, { GetRun: { deadlineMs: 5000 } });
  const rejected = assert.rejects(client.GetRun({}, { deadlineMs: Number.POSITIVE_INFINITY }), {
    code: 'cancelled',
    message: 'wafersync.v1.RunService/GetRun was not answered within 5000 ms',
    hint: 'Set a longer deadline, or try later.',
  });
  await began;
  world.advance(4999);
  assert.deepEqual(world.timers, ['idle']);
  world.advance(1);
  await rejected;
  await stopped;
  assert.deepEqual(world.timers, []);
});

test('a stream whose client sends nothing ends when the idle limit has passed, and keeps its past', async (t) => {
  const { client, count, stopped, world } = await runs(t, { ImportRun: { idleMs: 1000 } });
  const call = client.ImportRun();
  await call.write({});
  await until(() => count.taken === 1);
  world.advance(700);
  await call.write({});
  await until(() => count.taken === 2);
  // Its silence began with the last message.
  world.advance(999);
  world.advance(1);
  await assert.rejects(call.finish(), {
    code: 'cancelled',
    message: 'the client sent nothing for 1000 ms on wafersync.v1.RunService/ImportRun',
  });
  await stopped;
  assert.deepEqual(world.timers, []);
});

test('a stream that sends now and then is not idle', async (t) => {
  const { client, count, server, world } = await runs(t, { ImportRun: { idleMs: 1000 } });
  const call = client.ImportRun();
  for (let i = 1; i <= 6; i += 1) {
    await call.write({});
    await until(() => count.taken === i);
    world.advance(900);
  }
  assert.equal(Number((await call.finish()).attempts), 6);
  await until(() => server.openCalls === 0);
  assert.deepEqual(world.timers, [], 'no timer outlives its call');
});

test('the time in which the node itself is busy is no silence of the client', async (t) => {
  const busy = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  const { address, server, world } = await serve(t, (api) =>
    api.add(
      dataSync,
      {
        // biome-ignore lint/correctness/useYield: it only reads.
        SyncWaferData: bidi(async function* (updates) {
          for await (const _ of updates) {
            began.resolve();
            await busy.promise;
          }
        }),
        PullWaferData: bidi(async function* () {}),
        OfferWaferData: bidi(async function* () {}),
      },
      { SyncWaferData: { idleMs: 1000 } },
    ),
  );
  const call = closing(t, makeClient(dataSync, address)).SyncWaferData();
  // More than are read ahead: the node has no read pending.
  for (let i = 0; i < 40; i += 1) await call.write({ delta_data: Buffer.alloc(10) });
  await began.promise;
  await settled(() => server.openCalls);
  world.advance(5000);
  busy.resolve();
  call.end();
  assert.deepEqual(await collect(call), []);
});

test('a subscription may be silent for as long as it likes', async (t) => {
  const { address, server, world } = await serve(t, (api) =>
    api.add(
      dataSync,
      {
        SyncWaferData: bidi(async function* (updates) {
          for await (const { wafer_id } of updates) yield { wafer_id };
        }),
        PullWaferData: bidi(async function* () {}),
        OfferWaferData: bidi(async function* () {}),
      },
      { SyncWaferData: { subscription: true } },
    ),
  );
  const call = closing(t, makeClient(dataSync, address)).SyncWaferData();
  const statuses = call[Symbol.asyncIterator]();
  await call.write({ wafer_id: 'W1' });
  assert.equal((await statuses.next()).value?.wafer_id, 'W1');
  world.advance(10_000_000);
  await call.write({ wafer_id: 'W2' });
  assert.equal((await statuses.next()).value?.wafer_id, 'W2');
  assert.equal(server.openCalls, 1);
  call.end();
});

test('a client that takes no data is let go when the stall limit has passed', async (t) => {
  const { client, count, stopped, server, world } = await runs(t, { ReadRun: { stallMs: 2000 } });
  const messages = client.ReadRun({})[Symbol.asyncIterator]();
  await messages.next();
  await settled(() => count.produced);
  world.advance(2000);
  await stopped;
  assert.equal(server.openCalls, 0);
  await messages.return?.();
});

test('a message over the bound is refused as exhausted, one at the bound is taken', async (t) => {
  const { address } = await serve(
    t,
    (server) =>
      server.add(dataSync, {
        SyncWaferData: bidi(async function* (updates) {
          for await (const { delta_data } of updates) yield { wafer_id: String(delta_data.length) };
        }),
        PullWaferData: bidi(async function* () {}),
        OfferWaferData: bidi(async function* () {}),
      }),
    { maxMessageBytes: 10_000 },
  );
  const send = async (bytes: number) => {
    const call = closing(t, makeClient(dataSync, address)).SyncWaferData();
    await call.write({ delta_data: Buffer.alloc(bytes) });
    call.end();
    return collect(call);
  };
  assert.equal((await send(9997))[0]?.wafer_id, '9997');
  await assert.rejects(send(9998), { code: 'exhausted', message: /larger than max \(10001 vs\.? 10000\)/ });
});
