import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { WafersyncError } from '../../src/errors.ts';
import type { ProgramDigest, TestDefinition } from '../../src/wafer/program.ts';
import {
  MAX_PROGRAM_BYTES,
  makeProgram,
  ProgramBuilder,
  readProgram,
} from '../../src/wafer/program-codec.ts';
import { arbitraryDefinition, plainDefinition } from '../support/arbitrary-definition.ts';

function refuses(run: () => unknown, code: string, message: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof WafersyncError, `threw ${String(error)}`);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });
}

/** Definitions that differ in number alone. */
function many(count: number, name = ''): TestDefinition[] {
  return Array.from({ length: count }, (_, number) => plainDefinition({ number, name }));
}

test('any definitions come back as they were, in their order', () => {
  fc.assert(
    fc.property(fc.array(arbitraryDefinition), (tests) => {
      const program = makeProgram(tests);
      assert.deepEqual(readProgram(program.body, program.digest), program);
      assert.deepEqual(program.tests, tests);
    }),
    { numRuns: 300 },
  );
});

test('the digest is the SHA-256 of the bytes, and depends on nothing but the definitions', () => {
  const tests = [plainDefinition(), plainDefinition({ number: 2, lowLimit: 1.8 })];
  const program = makeProgram(tests);
  assert.equal(program.digest, createHash('sha256').update(program.body).digest('hex'));
  assert.equal(makeProgram(tests.map((definition) => ({ ...definition }))).digest, program.digest);
  assert.notEqual(makeProgram(tests.toReversed()).digest, program.digest);
});

test('the bytes are those of docs/PAYLOAD.md', () => {
  const definition = plainDefinition({
    kind: 'MPR',
    number: 300,
    lowLimit: 1.5,
    highSpec: 0.1,
    resultScale: -3,
  });
  assert.equal(
    Buffer.from(makeProgram([definition]).body).toString('hex'),
    '01' + '01' + '05' + '81' + 'ac02' + '03566464' + '0156' + '0000c03f' + '9a9999999999b93f' + '05',
  );
});

test('limits take four bytes where they survive as float32, eight where they do not', () => {
  const size = (lowLimit: number | null) => makeProgram([plainDefinition({ lowLimit })]).body.length;
  assert.equal(size(Math.fround(1.8)) - size(null), 4);
  assert.equal(size(Number.NaN) - size(null), 4);
  assert.equal(size(1.8) - size(null), 8);
});

test('a body under the wrong digest is refused', () => {
  const { body } = makeProgram([plainDefinition()]);
  refuses(
    () => readProgram(body, '00'.repeat(32) as ProgramDigest),
    'damaged',
    /its digest is .* and should be 00/,
  );
});

test('any bytes give a program or a clear error', () => {
  const readsOrRefuses = (bytes: Uint8Array): void => {
    try {
      readProgram(bytes);
    } catch (error) {
      assert.ok(error instanceof WafersyncError, `threw ${String(error)}`);
      assert.equal(error.code, bytes[0]! > 1 ? 'precondition' : 'damaged');
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), readsOrRefuses), { numRuns: 500 });
  const { body } = makeProgram([
    plainDefinition({ lowLimit: 1.8 }),
    plainDefinition({ resultScale: 3, highSpec: 2 }),
  ]);
  for (let bit = 0; bit < body.length * 8; bit++) {
    const bytes = body.slice();
    bytes[bit >>> 3]! ^= 1 << (bit & 7);
    readsOrRefuses(bytes);
  }
  for (let length = 0; length < body.length; length++) {
    refuses(() => readProgram(body.subarray(0, length)), 'damaged', /cannot be read/);
  }
  refuses(() => readProgram(Uint8Array.of(...body, 0)), 'damaged', /follow its end/);
});

test('bytes that say a program otherwise than a writer does are refused', () => {
  const { body } = makeProgram([plainDefinition({ number: 3, name: '', units: '' })]);
  assert.deepEqual([...body], [1, 1, 0, 0, 3, 0, 0]);
  refuses(() => readProgram(Uint8Array.of(1, 1, 0, 0, 0x83, 0, 0, 0)), 'damaged', /not the canonical ones/);
  refuses(
    () => readProgram(Uint8Array.of(1, 1, 0, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
    'damaged',
    /canonical/,
  );
  refuses(() => readProgram(Uint8Array.of(1, 1, 0, 3, 3, 0, 0)), 'damaged', /a limit of form 3/);
  refuses(() => readProgram(Uint8Array.of(1, 1, 3, 0, 3, 0, 0)), 'damaged', /begins with 3/);
});

test('a program of a later version is told apart, with the remedy', () => {
  refuses(() => readProgram(Uint8Array.of(2)), 'precondition', /has layout 2/);
});

test('a program takes 65,535 definitions and no more', () => {
  const tests = many(65_535);
  assert.equal(readProgram(makeProgram(tests).body).tests.length, 65_535);
  refuses(() => makeProgram(many(65_536)), 'invalid', /65536 definitions .* too large/);
  refuses(() => readProgram(Uint8Array.of(1, 0x80, 0x80, 4)), 'damaged', /65536 is over the bound of 65535/);
});

test('a program takes 4 MiB and no more', () => {
  refuses(() => makeProgram(many(1100, 'x'.repeat(4000))), 'invalid', /too large/);
  refuses(() => readProgram(new Uint8Array(MAX_PROGRAM_BYTES + 1)), 'damaged', /bytes are too many/);
});

const REFUSED: [string, Partial<TestDefinition>, RegExp][] = [
  ['a number over 32 bits', { number: 2 ** 32 }, /number is not an integer/],
  ['a fraction of a number', { number: 0.5 }, /number is not an integer/],
  ['a name over 4 KiB', { name: 'ä'.repeat(2049) }, /more than 4096 bytes/],
  ['units over 4 KiB', { units: 'x'.repeat(4097) }, /more than 4096 bytes/],
  ['half a surrogate pair', { name: 'a\udc00' }, /half a surrogate pair/],
  ['a scale over 127', { resultScale: 128 }, /its scale 128 is not/],
];

for (const [what, changes, message] of REFUSED) {
  test(`${what} is refused by name`, () => {
    refuses(() => makeProgram([plainDefinition(changes)]), 'invalid', message);
    refuses(() => new ProgramBuilder([plainDefinition(changes)]), 'invalid', message);
  });
}

test('a growing program gives equal definitions one index and others their own, as they are met', () => {
  fc.assert(
    fc.property(fc.array(arbitraryDefinition), fc.infiniteStream(fc.nat()), (tests, picks) => {
      const met = [...tests, ...tests.map(() => tests[picks.next().value % tests.length]!)];
      const builder = new ProgramBuilder();
      const indexes = met.map((definition) => builder.index({ ...definition }));
      const { tests: known } = builder.program();
      assert.deepEqual(
        indexes.map((index) => known[index]),
        met,
      );
      const texts = known.map((definition) => Buffer.from(makeProgram([definition]).body).toString('hex'));
      assert.equal(new Set(texts).size, known.length);
      assert.deepEqual(builder.program(), makeProgram(known));
    }),
    { numRuns: 300 },
  );
});

test('definitions that differ in anything are different ones, signs of zeros too', () => {
  const variants: Partial<TestDefinition>[] = [
    {},
    ...[0, -0, 1.8, Number.NaN].map((lowLimit) => ({ lowLimit })),
    ...[0, 1].map((highLimit) => ({ highLimit })),
    ...[0, 1].map((lowSpec) => ({ lowSpec })),
    ...[0, 1].map((highSpec) => ({ highSpec })),
    ...[0, 1].map((resultScale) => ({ resultScale })),
    ...['', 'A'].map((units) => ({ units })),
    { name: 'vdd' },
    { number: 1001 },
    { kind: 'FTR' },
  ];
  const builder = new ProgramBuilder();
  const indexes = variants.map((changes) => builder.index(plainDefinition(changes)));
  assert.deepEqual(indexes, [...variants.keys()]);
  assert.deepEqual(
    variants.map((changes) => builder.index(plainDefinition(changes))),
    indexes,
  );
  assert.equal(builder.size, variants.length);
  assert.deepEqual(builder.definition(2), plainDefinition({ lowLimit: -0 }));
  assert.equal(builder.definition(variants.length), undefined);
});

test('a growing program is the same object until it grows, and what was given out stays as it was', () => {
  const builder = new ProgramBuilder([plainDefinition()]);
  const first = builder.program();
  builder.index(plainDefinition());
  assert.equal(builder.program(), first);
  builder.index(plainDefinition({ number: 2 }));
  assert.equal(first.tests.length, 1);
  assert.equal(builder.program().tests.length, 2);
  assert.notEqual(builder.program().digest, first.digest);
});

test('a definition that is refused does not grow the program', () => {
  const builder = new ProgramBuilder(many(65_535));
  refuses(() => builder.index(plainDefinition({ number: 70_000 })), 'invalid', /too large/);
  assert.equal(builder.size, 65_535);
  assert.equal(builder.index(plainDefinition({ number: 9, name: '' })), 9);
  assert.equal(builder.program().tests.length, 65_535);
});

test('changes to a definition after it was added do not change the program', () => {
  const definition = { ...plainDefinition() };
  const builder = new ProgramBuilder([definition]);
  definition.name = 'other';
  assert.equal(builder.program().tests[0]!.name, 'Vdd');
  assert.equal(builder.index(plainDefinition()), 0);
});
