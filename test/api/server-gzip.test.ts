import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { compressionAlgorithms } from '@grpc/grpc-js';
import { clientStream } from '../../src/api/call.ts';
import { makeClient } from '../../src/api/client.ts';
import { fromNumber } from '../../src/wire/long.ts';
import { testEquipment } from '../../src/wire/services.ts';
import { closing, serve } from '../support/grpc-client.ts';
import { unusedHandlers } from '../support/unused-handlers.ts';

async function intake(t: TestContext) {
  const served = await serve(
    t,
    (server) =>
      server.add(testEquipment, {
        StreamTestResults: clientStream(async (results) => {
          let sum = 0;
          for await (const { test_value } of results) sum = sum * 3 + test_value;
          return { message: String(sum), accepted: fromNumber(0) };
        }),
        ...unusedHandlers,
      }),
    { maxMessageBytes: 100_000 },
  );
  const client = (algorithm: compressionAlgorithms) =>
    closing(
      t,
      makeClient(testEquipment, served.address, { 'grpc.default_compression_algorithm': algorithm }),
    );
  return { ...served, client };
}

for (const [name, algorithm] of [
  ['gzip', compressionAlgorithms.gzip],
  ['deflate', compressionAlgorithms.deflate],
] as const) {
  test(`results that a client compressed with ${name} are taken, in order`, async (t) => {
    const { client } = await intake(t);
    const call = client(algorithm).StreamTestResults();
    let sum = 0;
    for (let i = 0; i < 30; i += 1) {
      await call.write({ test_name: 'VDD'.repeat(i * 7), test_value: i % 3 });
      sum = sum * 3 + (i % 3);
    }
    assert.equal((await call.finish()).message, String(sum));
  });
}

test('a message that unpacks to more than the bound is refused without unpacking it all', async (t) => {
  const { client, journal } = await intake(t);
  const packed = gzipSync(Buffer.alloc(5_000_000)).length;
  assert.ok(packed < 100_000, 'the message itself is within the bound');
  const call = client(compressionAlgorithms.gzip).StreamTestResults();
  const sending = (async () => {
    await call.write({ test_name: 'x'.repeat(5_000_000) });
    return call.finish();
  })();
  await assert.rejects(sending, { code: 'exhausted', message: /decompresses to a size larger than 100000/ });
  const line = await journal.line(({ event }) => event === 'call.failed');
  assert.equal(line.fields.status, 'RESOURCE_EXHAUSTED');
});
