import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { serverStream, unary } from '../../src/api/call.ts';
import { makeClient } from '../../src/api/client.ts';
import { createServer } from '../../src/api/server.ts';
import type { WafersyncError } from '../../src/errors.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import { closing, collect, Journal, StillWorld, settled, until } from '../support/grpc-client.ts';
import { unusedMonitorHandlers } from '../support/unused-handlers.ts';
import { WanProxy } from '../support/wan-proxy.ts';

/** A server that a test closes by itself. WatchNode waits for its end; GetNode for `open`, whatever becomes of it. */
async function monitor(t: TestContext) {
  const world = new StillWorld();
  const journal = new Journal();
  const server = createServer({ log: journal, world });
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  server.add(
    syncMonitor,
    {
      ...unusedMonitorHandlers,
      GetNode: unary(async () => {
        await opened;
        return { node: { fab_id: 'tw' } };
      }),
      WatchNode: serverStream(async function* (_, { signal }) {
        yield {};
        await once(signal, 'abort');
      }),
    },
    { WatchNode: { subscription: true } },
  );
  const port = await server.bind('127.0.0.1', 0);
  const client = closing(t, makeClient(syncMonitor, `127.0.0.1:${port}`));
  return { server, client, world, journal, open, port };
}

test('a port that is taken is said in one line with the remedy, and nothing else is printed', async (t) => {
  const other = createTcpServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const printed = t.mock.method(console, 'error', () => {});
  const server = createServer({ log: new Journal(), world: new StillWorld() });
  await assert.rejects(server.bind('127.0.0.1', port), (error: WafersyncError) => {
    assert.equal(error.code, 'unavailable');
    assert.equal(
      error.line,
      `port ${port} on 127.0.0.1 is taken. Stop the other process or set listen.port.`,
    );
    return true;
  });
  assert.equal(printed.mock.callCount(), 0);
  await server.close(0);
});

test('only loopback hosts are listened on', async () => {
  const server = createServer({ log: new Journal(), world: new StillWorld() });
  for (const host of ['0.0.0.0', '::', '10.0.0.5', 'tw.example', '', '127.0.0.1.example', '128.0.0.1']) {
    await assert.rejects(server.bind(host, 0), (error: WafersyncError) => {
      assert.equal(error.code, 'invalid');
      assert.match(
        error.line,
        /listen\.host ".*" is not a loopback address\. Set listen\.host to 127\.0\.0\.1/,
      );
      return true;
    });
  }
  for (const port of [-1, 65_536, 1.5]) {
    await assert.rejects(server.bind('127.0.0.1', port), { code: 'invalid' });
  }
  assert.ok((await server.bind('localhost', 0)) > 0);
  await server.close(0);
});

test('closing waits for calls that are open and takes no others', async (t) => {
  const { server, client, open, world, port } = await monitor(t);
  const pending = client.GetNode({});
  await until(() => server.openCalls === 1);
  const closed = server.close(1000);
  world.advance(999);
  const late = closing(t, makeClient(syncMonitor, `127.0.0.1:${port}`));
  await assert.rejects(late.GetNode({}), { code: 'unavailable' });
  open();
  assert.equal((await pending).node?.fab_id, 'tw');
  await closed;
  assert.deepEqual(world.timers, []);
});

test('closing ends subscriptions at once, with a status that says why', async (t) => {
  const { server, client } = await monitor(t);
  const watching = collect(client.WatchNode({}));
  const rejected = assert.rejects(watching, {
    code: 'unavailable',
    message: 'the node is stopping',
    hint: 'Try again when it is back.',
  });
  await until(() => server.openCalls === 1);
  await server.close(1000);
  await rejected;
});

test('after the grace what is open ends with unavailable', async (t) => {
  const { server, client, world } = await monitor(t);
  const rejected = assert.rejects(client.GetNode({}), {
    code: 'unavailable',
    message: 'the node is stopping',
  });
  await until(() => server.openCalls === 1);
  const closed = server.close(1000);
  world.advance(1000);
  await rejected;
  await closed;
  assert.deepEqual(world.timers, []);
});

/** A server whose WatchNode says without end what is large. */
function flooding() {
  const world = new StillWorld();
  const server = createServer({ log: new Journal(), world });
  let produced = 0;
  server.add(syncMonitor, {
    ...unusedMonitorHandlers,
    GetNode: unary(() => ({})),
    WatchNode: serverStream(async function* () {
      for (; ; produced += 1) yield { node: { fab_id: 'x'.repeat(100_000) } };
    }),
  });
  return { server, world, produced: () => produced };
}

test('a client that takes not even the last words is cut', async (t) => {
  const { server, world, produced } = flooding();
  const port = await server.bind('127.0.0.1', 0);
  const client = closing(t, makeClient(syncMonitor, `127.0.0.1:${port}`));
  const states = client.WatchNode({})[Symbol.asyncIterator]();
  await states.next();
  await settled(produced);
  const closed = server.close(1000);
  world.advance(1000);
  assert.equal(server.openCalls, 1);
  await until(() => server.openCalls === 0);
  assert.deepEqual(world.timers, ['shutdown']);
  world.advance(500);
  await closed;
  await states.return?.();
});

test('a link that takes nothing any more does not keep a server from closing', async (t) => {
  const { server, world, produced } = flooding();
  const link = await WanProxy.open(await server.bind('127.0.0.1', 0));
  t.after(() => link.close());
  const client = closing(t, makeClient(syncMonitor, link.address));
  const states = client.WatchNode({})[Symbol.asyncIterator]();
  await states.next();
  link.stall('back');
  await settled(produced);
  const closed = server.close(1000);
  world.advance(1000);
  await until(() => world.timers.length === 1);
  world.advance(500);
  await until(() => world.timers.length === 1);
  world.advance(500);
  await closed;
  assert.equal(link.connections, 1, 'it was not waited for');
});

test('a server that never listened closes', async () => {
  await createServer({ log: new Journal(), world: new StillWorld() }).close(0);
});
