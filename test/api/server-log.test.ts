import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { serverStream, unary } from '../../src/api/call.ts';
import { makeClient } from '../../src/api/client.ts';
import { WafersyncError } from '../../src/errors.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import { callRaw, closing, collect, type JournalLine, serve } from '../support/grpc-client.ts';
import { unusedMonitorHandlers } from '../support/unused-handlers.ts';

const GET_NODE = '/wafersync.v1.SyncMonitor/GetNode';

async function monitor(t: TestContext, policies = {}) {
  const served = await serve(t, (server) =>
    server.add(
      syncMonitor,
      {
        ...unusedMonitorHandlers,
        GetNode: unary(() => ({ node: { fab_id: 'tw' } })),
        WatchNode: serverStream(async function* ({ min_interval_ms }, { signal }) {
          if (min_interval_ms === 1) throw new WafersyncError('invalid', 'too often');
          if (min_interval_ms === 2) throw new TypeError('x is undefined');
          yield { node: { fab_id: 'tw' } };
          yield { node: { fab_id: 'az' } };
          if (min_interval_ms === 3) await once(signal, 'abort');
        }),
      },
      policies,
    ),
  );
  return { ...served, client: closing(t, makeClient(syncMonitor, served.address)) };
}

const aboutCalls = ({ event }: JournalLine) => event === 'call.ended' || event === 'call.failed';

test('a call that ended well leaves one line with its facts: info where unary, debug where a stream', async (t) => {
  const { client, journal, world } = await monitor(t);
  // Without a deadline of its own, so that the node keeps one.
  await client.GetNode({}, { requestId: 'r-1', deadlineMs: Number.POSITIVE_INFINITY });
  await journal.line(aboutCalls);
  await collect(client.WatchNode({}, { requestId: 'r-2' }));
  await journal.line(({ fields }) => fields.request_id === 'r-2');
  const lines = journal.lines.filter(aboutCalls);
  assert.equal(lines.length, 2);
  const { client: address, ...fields } = lines[0]?.fields ?? {};
  assert.match(String(address), /^127\.0\.0\.1:\d+$/);
  assert.deepEqual(fields, {
    request_id: 'r-1',
    method: 'wafersync.v1.SyncMonitor/GetNode',
    status: 'OK',
    duration_ms: 0,
    messages_in: 1,
    messages_out: 1,
  });
  assert.equal(lines[0]?.level, 'info');
  assert.equal(lines[1]?.level, 'debug');
  assert.equal(lines[1]?.fields.messages_out, 2);
  assert.deepEqual(world.timers, [], 'no timer outlives its call');
});

test('a failed call is logged with status and details: info where the caller is at fault, error where the node is', async (t) => {
  const { client, journal } = await monitor(t);
  await assert.rejects(collect(client.WatchNode({ min_interval_ms: 1 })));
  await assert.rejects(collect(client.WatchNode({ min_interval_ms: 2 })));
  const invalid = await journal.line(({ fields }) => fields.status === 'INVALID_ARGUMENT');
  assert.deepEqual([invalid.level, invalid.fields.details], ['info', 'too often']);
  const fault = await journal.line(({ fields }) => fields.status === 'INTERNAL');
  assert.deepEqual([fault.level, fault.fields.details], ['error', 'x is undefined']);
  const cause = await journal.line(({ event }) => event === 'handler.failed');
  assert.equal(cause.fields.request_id, fault.fields.request_id);
});

test('a call whose client went away is logged as cancelled', async (t) => {
  const { client, journal } = await monitor(t);
  for await (const _ of client.WatchNode({ min_interval_ms: 3 })) break;
  const line = await journal.line(aboutCalls);
  assert.deepEqual([line.fields.status, line.fields.details], ['CANCELLED', 'the client went away']);
});

test('the end of a subscription whose client left is no failure', async (t) => {
  const { client, journal } = await monitor(t, { WatchNode: { subscription: true } });
  for await (const _ of client.WatchNode({ min_interval_ms: 3 })) break;
  const line = await journal.line(aboutCalls);
  assert.deepEqual([line.level, line.event, line.fields.status], ['debug', 'call.ended', 'CANCELLED']);
});

test('a deadline of the caller that passes here is logged as such, with the status that was sent', async (t) => {
  const { address, journal } = await monitor(t);
  const waits = Buffer.from([8, 3]);
  // Only the node keeps this deadline: the client's library does not know of it.
  const metadata = { 'grpc-timeout': '30m' };
  const { status } = await callRaw(t, address, '/wafersync.v1.SyncMonitor/WatchNode', [waits], { metadata });
  assert.equal(status.code, 4);
  const line = await journal.line(aboutCalls);
  assert.deepEqual([line.fields.status, line.fields.details], ['DEADLINE_EXCEEDED', 'Deadline exceeded']);
});

test('calls of a quiet method that end well are logged at debug level', async (t) => {
  const { client, journal } = await monitor(t, { GetNode: { quiet: true } });
  await client.GetNode({});
  assert.equal((await journal.line(aboutCalls)).level, 'debug');
});

test('a sane request id is kept, another replaced, and the id comes back in the initial metadata', async (t) => {
  const { address, journal } = await monitor(t);
  const ask = async (metadata: Record<string, string>) => {
    const { initial } = await callRaw(t, address, GET_NODE, [Buffer.alloc(0)], { metadata });
    return initial.get('x-request-id')[0];
  };
  assert.equal(await ask({ 'x-request-id': 'tester-7/42' }), 'tester-7/42');
  assert.equal(await ask({}), '0101010101010101');
  assert.equal(await ask({ 'x-request-id': 'two words' }), '0202020202020202');
  assert.equal(await ask({ 'x-request-id': 'x'.repeat(65) }), '0303030303030303');
  await journal.line(({ fields }) => fields.request_id === '0303030303030303');
});

test('a call that fails at once carries its request id in the trailing metadata', async (t) => {
  const { address } = await monitor(t);
  const request = Buffer.from([8, 1]);
  const { status } = await callRaw(t, address, '/wafersync.v1.SyncMonitor/WatchNode', [request]);
  assert.equal(status.details, 'too often');
  assert.equal(status.metadata.get('x-request-id')[0], '0101010101010101');
});

test('a request that cannot be decoded is refused with what is wrong, and the next one is served', async (t) => {
  const { address, journal } = await monitor(t);
  const truncated = Buffer.from([10, 200, 1]);
  const { status } = await callRaw(t, address, GET_NODE, [truncated]);
  assert.equal(status.code, 3);
  assert.match(
    status.details,
    /^request of \/wafersync\.v1\.SyncMonitor\/GetNode \(3 bytes\) cannot be decoded: /,
  );
  assert.match(status.details, /Check that both sides use the same proto files\.$/);
  assert.equal((await journal.line(aboutCalls)).fields.status, 'INVALID_ARGUMENT');
  assert.equal((await callRaw(t, address, GET_NODE, [Buffer.alloc(0)])).status.code, 0);
});
