import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Descriptors, loadDescriptors } from '../../src/api/descriptors.ts';
import { WafersyncError } from '../../src/errors.ts';
import { services } from '../../src/wire/services.ts';
import { compileProtos } from '../support/protos.ts';

const SET = compileProtos({
  'a/base.proto': `syntax = "proto3"; package a;
    message Base { string name = 1; }`,
  'a/middle.proto': `syntax = "proto3"; package a;
    import public "a/base.proto";
    message Middle { Base base = 1; }`,
  'a/top.proto': `syntax = "proto3"; package a.top;
    import "a/middle.proto"; import "google/protobuf/timestamp.proto";
    message Top {
      map<string, a.Middle> middles = 1;
      message Inner { enum Deep { DEEP_ZERO = 0; } Deep deep = 1; }
      oneof either { int32 left = 2; google.protobuf.Timestamp right = 3; }
    }
    enum Kind { KIND_ZERO = 0; }
    service Tops { rpc Get(Top) returns (Top); }`,
  'nopackage.proto': `syntax = "proto3"; message Loose { int32 x = 1; }`,
});

test('every kind of symbol leads to the file that declares it', () => {
  const descriptors = new Descriptors(SET);
  const symbols = [
    ...['Top', 'Top.middles', 'Top.MiddlesEntry', 'Top.MiddlesEntry.key', 'Top.Inner', 'Top.Inner.deep'],
    ...['Top.Inner.Deep', 'Top.Inner.DEEP_ZERO', 'Top.Inner.Deep.DEEP_ZERO', 'Top.either', 'Top.left'],
    ...['Kind', 'KIND_ZERO', 'Kind.KIND_ZERO', 'Tops', 'Tops.Get'],
  ];
  for (const symbol of symbols) {
    assert.equal(descriptors.fileOf(`a.top.${symbol}`), 'a/top.proto', symbol);
    assert.equal(descriptors.fileOf(`.a.top.${symbol}`), 'a/top.proto', symbol);
  }
  assert.equal(descriptors.fileOf('Loose.x'), 'nopackage.proto');
  for (const symbol of ['a.top.Bottom', 'Top', '', 'a.top', 'a.top.Tops.Put']) {
    assert.equal(descriptors.fileOf(symbol), undefined, symbol);
  }
});

test('a file comes with all that it imports, directly or not, itself first and each once', () => {
  const names = (name: string) => new Descriptors(SET).withImports(name)?.map((file) => file.name);
  const [first, ...rest] = names('a/top.proto') ?? [];
  assert.equal(first, 'a/top.proto');
  assert.deepEqual(rest.sort(), ['a/base.proto', 'a/middle.proto', 'google/protobuf/timestamp.proto']);
  assert.deepEqual(names('a/base.proto'), ['a/base.proto']);
  assert.equal(names('a/none.proto'), undefined);
});

test('descriptors are the bytes of the set, untouched: joined again they are the set', () => {
  for (const set of [SET, setOf(loadDescriptors())]) {
    const descriptors = new Descriptors(set);
    assert.deepEqual(setOf(descriptors), Buffer.from(set));
  }
});

test('the marks of map entries survive', () => {
  const top = new Descriptors(SET).withImports('a/top.proto')?.[0];
  // MessageOptions { map_entry: true } is field 7 of DescriptorProto, field 7 within: 3a 02 38 01.
  assert.ok(Buffer.from(top?.bytes ?? []).includes(Buffer.from([0x3a, 0x02, 0x38, 0x01])));
});

test('the contract describes every service and method that the code knows', () => {
  const descriptors = loadDescriptors();
  for (const { name, methods } of services) {
    assert.notEqual(descriptors.fileOf(name), undefined, name);
    for (const method of Object.keys(methods))
      assert.notEqual(descriptors.fileOf(`${name}.${method}`), undefined);
  }
});

test('a set that lacks an import is refused by name', () => {
  const whole = new Descriptors(SET).withImports('a/middle.proto')?.[0];
  assert.throws(() => new Descriptors(setBytes([whole?.bytes ?? new Uint8Array()])), {
    code: 'damaged',
    message: 'a/middle.proto imports a/base.proto, which is not described',
  });
});

test('any bytes are a set or a clear error', () => {
  const attempt = (bytes: Uint8Array) => {
    try {
      new Descriptors(bytes);
    } catch (error) {
      assert.ok(error instanceof WafersyncError && error.code === 'damaged', String(error));
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), attempt));
  const cuts = fc.tuple(fc.nat(SET.length - 1), fc.nat(255));
  fc.assert(
    fc.property(cuts, ([at, value]) => {
      attempt(SET.subarray(0, at));
      const changed = Buffer.from(SET);
      changed[at] = value;
      attempt(changed);
    }),
  );
});

test('descriptors that were not generated are missed with the remedy', () => {
  assert.throws(() => loadDescriptors('/no/such/file'), {
    code: 'precondition',
    hint: 'Run node scripts/generate.mjs.',
  });
});

/** Every file of a set, put together again. */
function setOf(descriptors: Descriptors): Buffer {
  return setBytes(descriptors.files().map((file) => file.bytes));
}

/** A serialized FileDescriptorSet: field 1, repeated. */
function setBytes(files: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    files.flatMap((bytes) => {
      const head = [10];
      let length = bytes.length;
      for (; length > 127; length >>>= 7) head.push((length & 127) | 128);
      return [Buffer.from([...head, length]), bytes];
    }),
  );
}
