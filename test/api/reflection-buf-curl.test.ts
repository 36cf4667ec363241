import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { clientStream, serverStream } from '../../src/api/call.ts';
import { loadDescriptors } from '../../src/api/descriptors.ts';
import { addHealth, Health } from '../../src/api/health.ts';
import { addReflection } from '../../src/api/reflection.ts';
import { fromNumber } from '../../src/wire/long.ts';
import { testEquipment } from '../../src/wire/services.ts';
import { serve } from '../support/grpc-client.ts';
import { BUF } from '../support/protos.ts';
import { unusedHandlers } from '../support/unused-handlers.ts';

const VERSIONS = ['grpc-v1', 'grpc-v1alpha'] as const;

/** A node, and buf curl beside it: a client in another language, without proto files. */
async function node(t: TestContext) {
  const health = new Health();
  health.set('', { serving: true });
  const { address } = await serve(t, (server) => {
    addReflection(server, loadDescriptors());
    addHealth(server, health);
    server.add(testEquipment, {
      ...unusedHandlers,
      StreamTestResults: clientStream(async (results) => {
        let passed = 0;
        let last = '';
        for await (const result of results) {
          passed += result.pass_fail ? 1 : 0;
          last = result.test_name;
        }
        return { passed: fromNumber(passed), message: last };
      }),
      GetHistoricalTests: serverStream(async function* ({ wafer_id, x }) {
        yield { wafer_id, die_x: x ?? -1, low_limit: 0.5 };
      }),
    });
  });
  const curl = (path: string, ...args: string[]) =>
    run(['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...args, `http://${address}${path}`]);
  return { curl };
}

function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(BUF, args, { timeout: 30_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${stderr}${stdout}`));
      else resolve(stdout);
    });
  });
}

for (const version of VERSIONS) {
  const reflect = ['--reflect-protocol', version];

  test(`buf curl lists services and methods by ${version}`, async (t) => {
    const { curl } = await node(t);
    assert.deepEqual((await curl('', ...reflect, '--list-services')).trim().split('\n'), [
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
      'wafersync.v1.TestEquipment',
    ]);
    const methods = await curl('', ...reflect, '--list-methods');
    assert.match(methods, /^wafersync\.v1\.TestEquipment\/StreamTestResults$/m);
    assert.match(methods, /^grpc\.health\.v1\.Health\/Watch$/m);
  });

  test(`buf curl reads health, maps included, by ${version}`, async (t) => {
    const { curl } = await node(t);
    assert.deepEqual(JSON.parse(await curl('/grpc.health.v1.Health/Check', ...reflect)), {
      status: 'SERVING',
    });
    assert.deepEqual(JSON.parse(await curl('/grpc.health.v1.Health/List', ...reflect)), {
      statuses: { '': { status: 'SERVING' } },
    });
  });
}

test('buf curl streams results in and out without proto files', async (t) => {
  const { curl } = await node(t);
  const results = [
    { test_name: 'VDD', pass_fail: true },
    { test_name: 'IDDQ', pass_fail: false },
    { test_name: 'FREQ', pass_fail: true },
  ];
  const data = results.map((result) => JSON.stringify(result)).join('\n');
  const ack = await curl('/wafersync.v1.TestEquipment/StreamTestResults', '-d', data);
  assert.deepEqual(JSON.parse(ack), { passed: '2', message: 'FREQ' });
  const query = JSON.stringify({ wafer_id: 'W1', x: 0 });
  const result = await curl('/wafersync.v1.TestEquipment/GetHistoricalTests', '-d', query);
  assert.deepEqual(JSON.parse(result), { waferId: 'W1', lowLimit: 0.5 });
});

test('buf curl is told what is wrong, with the hint', async (t) => {
  const { curl } = await node(t);
  const check = curl('/grpc.health.v1.Health/Check', '-d', '{"service":"no.Such"}');
  await assert.rejects(check, /not_found[\s\S]*there is no service[\s\S]*Ask for the empty name/);
});
