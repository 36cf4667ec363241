import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type AnyMethod, dataSync, services } from '../../src/wire/services.ts';
import { BUF } from '../support/protos.ts';

interface MethodDescriptor {
  readonly name: string;
  readonly inputType: string;
  readonly outputType: string;
  readonly clientStreaming?: boolean;
  readonly serverStreaming?: boolean;
}

interface FileDescriptor {
  readonly package: string;
  readonly service?: readonly { readonly name: string; readonly method: readonly MethodDescriptor[] }[];
}

/** Each method of the proto files in one line. */
function declared(): string[] {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const json = execFileSync(BUF, ['build', root, '-o', '-#format=json'], { maxBuffer: 64 * 1024 * 1024 });
  const { file } = JSON.parse(json.toString()) as { readonly file: readonly FileDescriptor[] };
  const local = (type: string) => type.split('.').at(-1);
  return file.flatMap(({ package: scope, service = [] }) =>
    service.flatMap(({ name, method }) =>
      method.map((m) =>
        [
          `/${scope}.${name}/${m.name}`,
          ...[m.clientStreaming === true, local(m.inputType)],
          ...[m.serverStreaming === true, local(m.outputType)],
        ].join(' '),
      ),
    ),
  );
}

/** The same of a method in code; the generated classes bear the names of their messages. */
function coded(method: AnyMethod): string {
  const name = (message: unknown) => (message as object).constructor.name;
  const nothing = Buffer.alloc(0);
  return [
    method.path,
    ...[method.requestStream, name(method.requestDeserialize(nothing))],
    ...[method.responseStream, name(method.responseDeserialize(nothing))],
  ].join(' ');
}

test('the services in code are those of the proto files: paths, streams and messages', () => {
  const methods = services.flatMap((service) => Object.values(service.methods));
  assert.deepEqual(methods.map(coded).sort(), declared().sort());
});

test('every serializer gives a Buffer, which grpc-js needs', () => {
  for (const method of services.flatMap((service) => Object.values(service.methods))) {
    assert.ok(Buffer.isBuffer(method.requestSerialize({} as never)), method.path);
    assert.ok(Buffer.isBuffer(method.responseSerialize({} as never)), method.path);
  }
});

test('bytes that are no message are invalid, a message that cannot be encoded is internal, both by name', () => {
  const { SyncWaferData, PullWaferData } = dataSync.methods;
  assert.throws(() => SyncWaferData.requestDeserialize(Buffer.from([10, 5, 65])), {
    code: 'invalid',
    message: /^request of \/wafersync\.v1\.DataSync\/SyncWaferData \(3 bytes\) cannot be decoded: /,
  });
  assert.throws(() => PullWaferData.requestSerialize({ wanted: [null] as unknown as [] }), {
    code: 'internal',
    message: /^request of \/wafersync\.v1\.DataSync\/PullWaferData cannot be encoded: /,
  });
});
