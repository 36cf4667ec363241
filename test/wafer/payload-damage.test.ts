import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { WafersyncError } from '../../src/errors.ts';
import { ByteWriter } from '../../src/wafer/bytes.ts';
import { decodeAttempts, decodeAttemptTable, decodeTestColumns } from '../../src/wafer/payload/decode.ts';
import { encodeAttempts } from '../../src/wafer/payload/encode.ts';
import { isStubPayload, stubPayload } from '../../src/wafer/payload/stub.ts';
import { MAX_UPDATE_BYTES } from '../../src/wafer/update.ts';
import { arbitraryAttempts, plainAttempt, plainResults } from '../support/arbitrary-attempt.ts';
import { measuredWafer } from '../support/measured-wafer.ts';

const DECODERS: readonly ((payload: Uint8Array) => unknown)[] = [
  decodeAttempts,
  decodeAttemptTable,
  (payload) => decodeTestColumns(payload, new Set([0, 2, 5])),
];

/** Any bytes give a value, or a clear error; a newer version is told apart from damage. */
function readsOrRefuses(payload: Uint8Array): void {
  const code = payload[0]! > 1 && payload.length <= MAX_UPDATE_BYTES ? 'precondition' : 'damaged';
  for (const decode of DECODERS) {
    try {
      decode(payload);
    } catch (error) {
      assert.ok(error instanceof WafersyncError, `threw ${String(error)}`);
      // What ends behind a sound attempt table is a stub.
      if (error.code === 'not-found') assert.ok(isStubPayload(payload));
      else assert.equal(error.code, code);
    }
  }
}

function refuses(payload: Uint8Array, message: RegExp, decode = DECODERS[0]!): void {
  assert.throws(
    () => decode(payload),
    (error) => {
      assert.ok(error instanceof WafersyncError, `threw ${String(error)}`);
      assert.equal(error.code, 'damaged');
      assert.match(error.message, message);
      return true;
    },
  );
}

/** Small payloads that between them use every form of the layout. */
const SAMPLES: readonly Uint8Array[] = [
  encodeAttempts(measuredWafer({ dies: 1, tests: 30 })),
  encodeAttempts(measuredWafer({ dies: 40, tests: 6 })),
  encodeAttempts(measuredWafer({ dies: 12, tests: 8, resultTimes: true, emptyEvery: 3 })),
  encodeAttempts(
    Array.from({ length: 24 }, (_, index) =>
      plainAttempt({
        index: index * 3,
        partId: `W-${index}`,
        x: index % 5 === 0 ? null : index,
        y: index % 5 === 0 ? null : -index,
        results: plainResults([5, 2, 5], Float64Array.of(index / 8, index * 1.1, Math.sqrt(index))),
      }),
    ),
  ),
];

/** A section that is not deflated. */
function section(write: (writer: ByteWriter) => void): Uint8Array {
  const inner = new ByteWriter();
  write(inner);
  const outer = new ByteWriter();
  outer.varint(inner.length * 2);
  outer.bytes(inner.view());
  return outer.take();
}

/** A payload of given sections. */
function payload(...sections: Uint8Array[]): Uint8Array {
  return Uint8Array.from([1, ...sections.flatMap((bytes) => [...bytes])]);
}

/** Writes the table of `attempts` attempts of `results` results each. */
function writeTable(writer: ByteWriter, attempts: number, results: number): void {
  writer.varint(attempts);
  writer.u8(0xf1);
  writer.signed(results);
  writer.bytes(Uint8Array.of(0xf4, 0, 0, 2));
  writer.varint(attempts - 2);
  for (let field = 1; field < 12; field++) writer.u8(0);
  writer.u8(0);
  writer.u8(0);
}

test('random bytes give a value or a clear error', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), readsOrRefuses), { numRuns: 1000 });
});

test('random bytes behind the right version give a value or a clear error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => readsOrRefuses(Uint8Array.of(1, ...bytes))),
    { numRuns: 2000 },
  );
});

test('any payload with any bytes changed gives a value or a clear error', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(arbitraryAttempts(), changes, (attempts, edits) => {
      const bytes = encodeAttempts(attempts);
      for (const [place, byte] of edits) bytes[place % bytes.length] = byte;
      readsOrRefuses(bytes);
    }),
    { numRuns: 500 },
  );
});

test('a payload with any single bit turned gives a value or a clear error', () => {
  for (const sample of SAMPLES) {
    for (let bit = 0; bit < sample.length * 8; bit++) {
      const bytes = sample.slice();
      bytes[bit >>> 3]! ^= 1 << (bit & 7);
      readsOrRefuses(bytes);
    }
  }
});

test('a payload that is cut anywhere, or goes on, is refused', () => {
  for (const sample of SAMPLES) {
    const stub = stubPayload(sample).length;
    for (let length = 0; length < sample.length; length++) {
      if (length !== stub) refuses(sample.subarray(0, length), /cannot be read/);
    }
    assert.throws(() => decodeAttempts(sample.subarray(0, stub)), { code: 'not-found' });
    refuses(Uint8Array.of(...sample, 0), /follow/);
  }
  refuses(Uint8Array.of(...encodeAttempts([]), 0), /1 bytes follow its end/);
});

test('a layout of a later version is told apart, with the remedy', () => {
  for (const decode of DECODERS) {
    assert.throws(
      () => decode(Uint8Array.of(2, 0, 0)),
      (error) =>
        error instanceof WafersyncError && error.code === 'precondition' && /Upgrade/.test(error.hint),
    );
  }
});

test('a payload over the size of an update is refused unread', () => {
  refuses(new Uint8Array(MAX_UPDATE_BYTES + 1).fill(1), /bytes are too many/);
});

test('numbers of attempts and of results over the bounds are refused before room is made for them', () => {
  const attempts = section((table) => table.varint(65_537));
  refuses(payload(attempts), /65537 is over the bound of 65536/, DECODERS[1]);
  const results = section((table) => writeTable(table, 65_536, 33));
  refuses(payload(results), /results are over the bound of 2097152/, DECODERS[1]);
});

test('numbers of values over the bound are refused before room is made for them', () => {
  const table = section((writer) => writeTable(writer, 2, 1));
  const layout = section((writer) => {
    writer.bytes(Uint8Array.of(1, 2, 0, 1, 0, 0, 0, 0xf1));
    writer.signed(2_097_152);
  });
  refuses(payload(table, layout), /4194304 values are over the bound of 2097152/);
});

test('shapes with more tests than the attempts have results are refused', () => {
  const table = section((writer) => writeTable(writer, 2, 1));
  const long = section((writer) => writer.bytes(Uint8Array.of(1, 6, 0, 5, 0, 0, 0, 1)));
  refuses(payload(table, long), /more tests than its attempts have results/);
  const longer = section((writer) => writer.bytes(Uint8Array.of(1, 4, 0, 3, 0, 0, 0, 1)));
  refuses(payload(table, longer), /longer or shorter/);
});

test('a section that does not inflate to the length it announces is refused', () => {
  const bytes = new Uint8Array(5000);
  const deflated = deflateRawSync(bytes);
  const table = (length: number, stored: Uint8Array): Uint8Array => {
    const writer = new ByteWriter();
    writer.varint(stored.length * 2 + 1);
    writer.varint(length);
    writer.bytes(stored);
    return writer.take();
  };
  refuses(payload(table(4999, deflated)), /does not inflate/);
  refuses(payload(table(5001, deflated)), /5000 bytes instead of 5001/);
  refuses(payload(table(64 * 1024 * 1024, deflated)), /cannot inflate to 67108864/);
  refuses(payload(table(65 * 1024 * 1024, deflated)), /over the bound/);
  refuses(payload(table(100, Uint8Array.of(7, 7, 7))), /does not inflate/);
});

test('attempts whose indexes do not grow are refused', () => {
  const bytes = encodeAttempts([plainAttempt({ index: 0 }), plainAttempt({ index: 1 })]);
  // Values as they are (form 0xf2): 0, then 1.
  const place = bytes.indexOf(0xf2);
  assert.deepEqual([...bytes.subarray(place, place + 3)], [0xf2, 0, 2]);
  bytes[place + 2] = 0;
  refuses(bytes, /do not grow/, DECODERS[1]);
});

test('an attempt with half a coordinate is refused', () => {
  const bytes = encodeAttempts([plainAttempt({ x: null, y: null })]);
  const place = bytes.indexOf(0xf0);
  assert.deepEqual([...bytes.subarray(place, place + 2)], [0xf0, 0xf0]);
  bytes[place + 1] = 5;
  refuses(bytes, /half a coordinate/, DECODERS[1]);
});

test('heads with more in them than the columns need are refused', () => {
  const bytes = encodeAttempts([plainAttempt({ results: plainResults([0], Float32Array.of(1)) })]);
  const heads = bytes.length - 5;
  assert.deepEqual([...bytes.subarray(heads)], [8, 0x3f, 0x80, 0, 0]);
  refuses(Uint8Array.of(...bytes.subarray(0, heads), 10, 0x3f, 0x80, 0, 0, 0), /1 bytes follow its end/);
});
