import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { type TestContext, test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { addHealth, Health } from '../../src/api/health.ts';
import { grpc } from '../../src/gen/wafersync.js';
import { health as healthService } from '../../src/wire/services.ts';
import { callRaw, closing, collect, serve, until } from '../support/grpc-client.ts';

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = grpc.health.v1.HealthCheckResponse.ServingStatus;
const SYNC = 'wafersync.v1.DataSync';

async function node(t: TestContext) {
  const health = new Health();
  health.set('', { serving: true });
  health.set(SYNC, { serving: false, reason: 'the log is being rebuilt – 40 %' });
  const served = await serve(t, (server) => addHealth(server, health));
  return { ...served, health, client: closing(t, makeClient(healthService, served.address)) };
}

test('Check tells the state of the node and of each service', async (t) => {
  const { client, health } = await node(t);
  assert.equal((await client.Check({})).status, SERVING);
  assert.equal((await client.Check({ service: SYNC })).status, NOT_SERVING);
  health.set(SYNC, { serving: true });
  assert.equal((await client.Check({ service: SYNC })).status, SERVING);
});

test('Check of a service that is not there is not found, and says so', async (t) => {
  const { client } = await node(t);
  await assert.rejects(client.Check({ service: 'no.Such' }), {
    code: 'not-found',
    message: 'there is no service "no.Such"',
  });
});

test('the reason of NOT_SERVING is in the trailing metadata, readable for any client', async (t) => {
  const { address } = await node(t);
  const request = Buffer.from(healthService.methods.Check.requestSerialize({ service: SYNC }));
  const { status } = await callRaw(t, address, healthService.methods.Check.path, [request]);
  assert.deepEqual(status.metadata.get('wafersync-reason'), ['the log is being rebuilt %E2%80%93 40 %25']);
});

test('List tells all states', async (t) => {
  const { client } = await node(t);
  const { statuses } = await client.List({});
  assert.deepEqual(Object.keys(statuses).sort(), ['', SYNC]);
  assert.equal(statuses['']?.status, SERVING);
  assert.equal(statuses[SYNC]?.status, NOT_SERVING);
});

test('Watch tells the state at once and each change, a service that comes into being included', async (t) => {
  const { client, health } = await node(t);
  const states = client.Watch({ service: 'later.Service' })[Symbol.asyncIterator]();
  const next = async () => (await states.next()).value?.status;
  assert.equal(await next(), SERVICE_UNKNOWN);
  health.set('later.Service', { serving: true });
  assert.equal(await next(), SERVING);
  health.set('later.Service', { serving: true });
  health.set(SYNC, { serving: true });
  // By the time this is answered, an unchanged state would have been sent.
  await client.Check({});
  health.set('later.Service', { serving: false, reason: 'stopping' });
  assert.equal(await next(), NOT_SERVING, 'what did not change is not told again');
  await states.return?.();
});

test('a watcher that leaves is forgotten, and its call ends', async (t) => {
  const { client, health, server } = await node(t);
  for await (const _ of client.Watch({})) {
    assert.equal(health.watchers, 1);
    break;
  }
  await until(() => server.openCalls === 0);
  assert.equal(health.watchers, 0);
});

test('watching leaves nothing behind, whoever ends it', async () => {
  const health = new Health();
  const { signal } = new AbortController();
  for await (const _ of health.watch('', signal)) break;
  assert.equal(health.watchers, 0);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  assert.deepEqual(await collect(health.watch('', AbortSignal.abort())), []);
});
