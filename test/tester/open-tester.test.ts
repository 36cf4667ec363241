import assert from 'node:assert/strict';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { bidi, clientStream } from '../../src/api/call.ts';
import { makeClient } from '../../src/api/client.ts';
import { grpcTesterCalls } from '../../src/api/tester-call.ts';
import type { IncomingAck } from '../../src/api/tester-messages.ts';
import { WafersyncError } from '../../src/errors.ts';
import type { wafersync } from '../../src/gen/wafersync.js';
import { isLoopback, openTester } from '../../src/tester/open-tester.ts';
import { fromNumber } from '../../src/wire/long.ts';
import { runService, testEquipment } from '../../src/wire/services.ts';
import { serve } from '../support/grpc-client.ts';
import { startNodes } from '../support/local-nodes.ts';
import { unusedHandlers } from '../support/unused-handlers.ts';

type Message = wafersync.v1.TestResult.$Properties;
type Ack = wafersync.v1.TestAck.$Properties;

/** A node that acknowledges each message by its positions, and keeps whose they were. */
async function acknowledging(t: TestContext) {
  const names: string[] = [];
  const handle = bidi<Message, Ack>(async function* (messages) {
    for await (const { stream_sequence, batch, equipment_id, stream_id } of messages) {
      names.push(`${equipment_id} ${stream_id}`);
      const results = batch?.values?.length ?? 0;
      if (batch?.values?.[0] === 13)
        throw new WafersyncError('conflict', 'other content', { hint: 'Look again.' });
      const through = results === 0 ? 0 : Number(stream_sequence) + results - 1;
      yield { through_sequence: fromNumber(through), stream_id: stream_id ?? '', run_id: 'run' };
    }
  });
  const { address } = await serve(t, (server) =>
    server.add(testEquipment, {
      ...unusedHandlers,
      StreamTestResults: clientStream(async () => ({})),
      SyncTestData: handle,
    }),
  );
  return { address, names };
}

const RESULT = { x: 1, y: 1, test: { name: 'vdd' }, value: 1.5, passed: true, lastOfDie: true };

test('results are streamed over gRPC and acknowledged, under the names of tester and stream', async (t) => {
  const { address, names } = await acknowledging(t);
  const tester = openTester({ node: address, equipmentId: 'T1', streamId: 'lot 7' });
  assert.equal(await tester.opened(), 0);
  await tester.add(RESULT);
  const { results, streamId, runId } = await tester.finish();
  assert.deepEqual([results, streamId, runId], [1, 'lot 7', 'run']);
  assert.deepEqual(new Set(names), new Set(['T1 lot 7']));
});

test('a tester may mark its verdicts final: the record of the run says so at every fab', async (t) => {
  const [node] = await startNodes(t, ['tw']);
  const runs = makeClient(runService, node!.address);
  t.after(() => runs.close());
  for (const final of [false, true]) {
    const tester = openTester({ node: node!.address, equipmentId: 'T1', streamId: `final ${final}`, final });
    await tester.add(RESULT);
    const { runId } = await tester.finish();
    assert.equal((await runs.GetRun({ run_id: runId })).record?.final ?? false, final);
  }
});

test('a stream without a name gets a random one', async (t) => {
  const { address } = await acknowledging(t);
  const ids = [];
  for (let i = 0; i < 2; i++)
    ids.push((await openTester({ node: address, equipmentId: 'T1' }).finish()).streamId);
  assert.match(ids[0]!, /^[0-9a-f]{32}$/);
  assert.notEqual(ids[0], ids[1]);
});

test('a tester without a name is refused', () => {
  assert.throws(() => openTester({ node: 'localhost:1', equipmentId: '' }), { code: 'invalid' });
});

test('what the node refuses is told with its code and hint', async (t) => {
  const { address } = await acknowledging(t);
  const tester = openTester({ node: address, equipmentId: 'T1' });
  await tester.add({ ...RESULT, value: 13 });
  await assert.rejects(tester.finish(), { code: 'conflict', message: 'other content', hint: 'Look again.' });
});

test('a node that is not there is told as such, and may be tried again', async () => {
  const failure = await new Promise<WafersyncError | null>((resolve) => {
    const open = grpcTesterCalls({
      node: '127.0.0.1:1',
      equipmentId: 'T1',
      streamId: 'S',
      final: false,
      gzip: false,
    });
    open({ ack: (_: IncomingAck) => {}, writable: () => {}, ended: resolve }).send([], null);
  });
  assert.equal(failure?.code, 'unavailable');
  assert.match(failure.message, /^no node answers at 127\.0\.0\.1:1/);
});

test('a node that is too old for acknowledgements is told as such', async (t) => {
  const { address } = await serve(t, () => {});
  const tester = openTester({ node: address, equipmentId: 'T1' });
  await assert.rejects(tester.finish(), {
    code: 'precondition',
    hint: 'Upgrade it, or correct the address.',
  });
});

test('messages are compressed where that is asked for, and not on this machine', async (t) => {
  const encodings: unknown[] = [];
  const server = createServer();
  server.on('stream', (stream, headers) => {
    encodings.push(headers['grpc-encoding'] ?? 'identity');
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' },
      { endStream: true },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const node = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const gzip of [undefined, true, false]) {
    const tester = openTester({ node, equipmentId: 'T1', ...(gzip === undefined ? {} : { gzip }) });
    await assert.rejects(tester.finish(), { code: 'precondition' });
  }
  assert.deepEqual(encodings, ['identity', 'gzip', 'identity']);
});

test('this machine is told from others', () => {
  for (const here of ['127.0.0.1:50051', 'localhost:1', 'LOCALHOST:1', '127.5.6.7:1', '[::1]:50051']) {
    assert.equal(isLoopback(here), true, here);
  }
  for (const there of [
    '10.0.0.1:50051',
    'fab-tw:50051',
    'localhost.fab:1',
    '[fd00::1]:50051',
    '1127.0.0.1:1',
  ]) {
    assert.equal(isLoopback(there), false, there);
  }
});
