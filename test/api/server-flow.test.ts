import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { clientStream, serverStream, unary } from '../../src/api/call.ts';
import { makeClient } from '../../src/api/client.ts';
import type { HandlersOf } from '../../src/api/handlers.ts';
import { WafersyncError } from '../../src/errors.ts';
import { fromNumber } from '../../src/wire/long.ts';
import { runService } from '../../src/wire/services.ts';
import { closing, serve, settled } from '../support/grpc-client.ts';

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

test('a generator is not resumed while the client takes nothing, and goes on when it does', async (t) => {
  const total = 300;
  let produced = 0;
  const { client } = await runs(t, {
    ReadRun: serverStream(async function* () {
      for (; produced < total; produced += 1) yield { payload: Buffer.alloc(100_000) };
    }),
  });
  const messages = client.ReadRun({})[Symbol.asyncIterator]();
  await messages.next();
  // Quiet at last: as many as the stream objects of both sides hold, and the HTTP/2 windows.
  await settled(() => produced);
  assert.ok(produced >= 16 && produced < 48, `${produced} messages were produced ahead`);
  let got = 1;
  while (!(await messages.next()).done) got += 1;
  assert.equal(got, total);
});

test('of large messages none waits behind the one that is leaving', async (t) => {
  const ahead = async (sized: 'small' | 'large') => {
    let produced = 0;
    const { client } = await runs(t, {
      ReadRun: serverStream(async function* () {
        for (; produced < 300; produced += 1) yield { payload: Buffer.alloc(200_000) };
      }, sized),
    });
    const messages = client.ReadRun({})[Symbol.asyncIterator]();
    await messages.next();
    await settled(() => produced);
    let got = 1;
    const before = produced;
    while (!(await messages.next()).done) got += 1;
    assert.equal(got, 300);
    return before;
  };
  // What the client has taken is the same; what differs is what waits at the node.
  const [small, large] = [await ahead('small'), await ahead('large')];
  assert.ok(small - large >= 14, `${small} and ${large} were produced ahead`);
});

test('a client that goes away ends a generator of large messages', async (t) => {
  const { open, opened } = gate();
  const { client } = await runs(t, {
    ReadRun: serverStream(async function* () {
      try {
        for (;;) yield { payload: Buffer.alloc(200_000) };
      } finally {
        open();
      }
    }, 'large'),
  });
  const messages = client.ReadRun({})[Symbol.asyncIterator]();
  await messages.next();
  await messages.return?.(undefined);
  await opened;
});

test('a client of small messages is held back by the windows alone: nothing is kept for retries', async (t) => {
  const { open, opened } = gate();
  const { client } = await runs(t, {
    ImportRun: clientStream(async () => {
      await opened;
      throw new WafersyncError('invalid', 'not wanted');
    }),
  });
  const call = client.ImportRun();
  let sent = 0;
  const sending = (async () => {
    for (; ; sent += 1) await call.write({ data: Buffer.alloc(1000) });
  })();
  await settled(() => sent);
  assert.ok(sent < 400, `${sent} messages of 1,000 bytes were taken ahead`);
  open();
  await assert.rejects(sending, { message: 'not wanted' });
});

test('a client is held back while the handler works, and goes on when it does', async (t) => {
  const { open, opened } = gate();
  const { client } = await runs(t, {
    ImportRun: clientStream(async (pieces) => {
      let bytes = 0;
      for await (const { data } of pieces) {
        await opened;
        bytes += data.length;
      }
      return { results: fromNumber(bytes) };
    }),
  });
  const call = client.ImportRun();
  let sent = 0;
  const sending = (async () => {
    for (; sent < 300; sent += 1) await call.write({ data: Buffer.alloc(100_000) });
  })();
  await settled(() => sent);
  assert.ok(sent >= 16 && sent < 48, `${sent} messages were taken ahead`);
  open();
  await sending;
  assert.equal(Number((await call.finish()).results), 300 * 100_000);
});

test('an upload that the server refuses stops its writer with the reason', async (t) => {
  const { client } = await runs(t, {
    ImportRun: clientStream(async (pieces) => {
      for await (const _ of pieces) throw new WafersyncError('invalid', 'this is no STDF');
      return {};
    }),
  });
  const call = client.ImportRun();
  const sending = (async () => {
    for (;;) await call.write({ data: Buffer.alloc(100_000) });
  })();
  await assert.rejects(sending, { code: 'invalid', message: 'this is no STDF' });
});
