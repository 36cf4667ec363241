import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { Descriptors, loadDescriptors } from '../../src/api/descriptors.ts';
import { addHealth, Health } from '../../src/api/health.ts';
import { addReflection } from '../../src/api/reflection.ts';
import { grpc } from '../../src/gen/wafersync.js';
import { reflection, reflectionAlpha, services } from '../../src/wire/services.ts';
import { closing, serve } from '../support/grpc-client.ts';
import { compileProtos } from '../support/protos.ts';

const method = reflection.methods.ServerReflectionInfo;
type Question = grpc.reflection.v1.ServerReflectionRequest.$Properties;

const LISTED = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
];

/** A node with reflection; `ask` asks one question of each version and gives the answer that both gave. */
async function node(t: TestContext, descriptors = loadDescriptors()) {
  const served = await serve(t, (server) => {
    addReflection(server, descriptors);
    addHealth(server, new Health());
  });
  const client = closing(t, makeClient(reflection, served.address));
  const alpha = closing(t, makeClient(reflectionAlpha, served.address));
  const ask = async (question: Question) => {
    const bytes = [];
    for (const call of [client.ServerReflectionInfo(), alpha.ServerReflectionInfo()]) {
      await call.write(question);
      call.end();
      for await (const answer of call) bytes.push(method.responseSerialize(answer));
    }
    assert.equal(bytes.length, 2);
    assert.deepEqual(bytes[0], bytes[1]);
    return method.responseDeserialize(bytes[0] ?? Buffer.alloc(0));
  };
  return { ...served, client, ask };
}

test('the services listed are those that the server has, sorted, itself included', async (t) => {
  const { ask, server } = await node(t);
  const { list_services_response: list } = await ask({ list_services: '' });
  const names = list?.service?.map(({ name }) => name);
  assert.deepEqual(names, LISTED);
  assert.deepEqual(names, server.services);
});

test('every descriptor served for a service of the contract is closed under its imports', async (t) => {
  const { ask } = await node(t);
  for (const { name } of services) {
    const { file_descriptor_response: response } = await ask({ file_containing_symbol: name });
    const files = new Descriptors(asSet(response?.file_descriptor_proto ?? [])).files();
    assert.ok(
      files[0]?.symbols.includes(name),
      'the file asked for comes first; a missing import would have thrown',
    );
  }
});

test('files are found by name and by what they declare, byte for byte as compiled', async (t) => {
  const descriptors = new Descriptors(
    compileProtos({
      'deep.proto': 'syntax = "proto3"; package deep; message Deep { map<int32, string> names = 1; }',
      'top.proto':
        'syntax = "proto3"; package top; import "deep.proto"; message Top { map<string, deep.Deep> deeps = 1; }',
    }),
  );
  const { ask } = await node(t, descriptors);
  const expected = descriptors.withImports('top.proto')?.map((file) => Buffer.from(file.bytes));
  assert.equal(expected?.length, 2);
  const questions = [{ file_by_filename: 'top.proto' }, { file_containing_symbol: 'top.Top.deeps' }];
  for (const question of questions) {
    const { file_descriptor_response: response } = await ask(question);
    assert.deepEqual(response?.file_descriptor_proto?.map(Buffer.from), expected);
  }
});

test('what there is not is answered with an error in its place, and the stream goes on', async (t) => {
  const { client } = await node(t);
  const call = client.ServerReflectionInfo();
  const questions: readonly (readonly [Question, number])[] = [
    [{ file_by_filename: 'none.proto' }, 5],
    [{ file_containing_symbol: 'wafersync.v1.Nothing' }, 5],
    [{ file_containing_symbol: '' }, 5],
    [{ file_containing_extension: { containing_type: 'wafersync.v1.WaferUpdate', extension_number: 1 } }, 5],
    [{ all_extension_numbers_of_type: 'wafersync.v1.WaferUpdate' }, 5],
    [{ host: 'tw' }, 3],
  ];
  for (const [question] of questions) await call.write(question);
  await call.write({ host: 'tw', list_services: '*' });
  call.end();
  const answers = [];
  for await (const answer of call) answers.push(answer);
  assert.deepEqual(
    answers.map((answer) => answer.error_response?.error_code),
    [...questions.map(([, code]) => code), undefined],
  );
  assert.equal(answers.at(-2)?.valid_host, 'tw');
  assert.equal(answers.at(-1)?.original_request?.list_services, '*');
  assert.equal(answers.at(-1)?.list_services_response?.service?.length, LISTED.length);
  assert.match(answers[1]?.error_response?.error_message ?? '', /there is no symbol wafersync\.v1\.Nothing/);
});

/** Serialized FileDescriptorSet of serialized files. */
function asSet(files: readonly Uint8Array[]): Uint8Array {
  const { FileDescriptorResponse } = grpc.reflection.v1;
  // The response has the set's form: files in one repeated field, numbered 1.
  return FileDescriptorResponse.encode({ file_descriptor_proto: [...files] }).finish();
}
