import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeAttempts, decodeAttemptTable, decodeTestColumns } from '../../src/wafer/payload/decode.ts';
import { encodeAttempts } from '../../src/wafer/payload/encode.ts';
import { isStubPayload, stubPayload } from '../../src/wafer/payload/stub.ts';
import { isSound, stubDigestOf, updateDigest } from '../../src/wafer/update.ts';
import { arbitraryAttempts } from '../support/arbitrary-attempt.ts';
import { measuredWafer } from '../support/measured-wafer.ts';

test('a stub says of any attempts all that the payload says, but their results', () => {
  fc.assert(
    fc.property(arbitraryAttempts(), (attempts) => {
      const payload = encodeAttempts(attempts);
      const stub = stubPayload(payload);
      assert.deepEqual(decodeAttemptTable(stub), decodeAttemptTable(payload));
      assert.deepEqual(stubPayload(stub), stub, 'the stub of a stub is itself');
      assert.deepEqual(stubPayload(Uint8Array.from(payload)), stub, 'whoever makes it');
      assert.equal(isStubPayload(payload), false);
      assert.equal(isStubPayload(stub), attempts.length > 0);
      if (attempts.length === 0) assert.deepEqual(decodeAttempts(stub), []);
      else
        for (const read of [decodeAttempts, columnsOf])
          assert.throws(() => read(stub), { code: 'not-found' });
    }),
    { numRuns: 300 },
  );
});

const columnsOf = (payload: Uint8Array) => decodeTestColumns(payload, new Set([0]));

test('the stub of a wafer of 60 tests is a twentieth of it', () => {
  const payload = encodeAttempts(measuredWafer({ dies: 136, tests: 60 }));
  const stub = stubPayload(payload);
  assert.ok(stub.length * 20 < payload.length, `${stub.length} of ${payload.length} bytes`);
});

test('of bytes that are no payload there is no stub', () => {
  assert.throws(() => stubPayload(Uint8Array.of(1, 3, 255)), { code: 'damaged' });
  assert.throws(() => stubPayload(Uint8Array.of(9, 0)), { code: 'precondition' });
});

test('the digest of a stub covers the digest in full, the header and the stub', () => {
  const headerBytes = Uint8Array.of(1, 2, 3);
  const payload = encodeAttempts(measuredWafer({ dies: 3, tests: 3 }));
  const digest = updateDigest(headerBytes, payload);
  const stub = stubPayload(payload);
  const stubDigest = stubDigestOf(digest, headerBytes, stub);
  const sealed = { headerBytes, payload: stub, digest, stubDigest };
  assert.ok(isSound(sealed) && isSound({ headerBytes, payload, digest }));
  const flipped = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 1 ? byte ^ 4 : byte));
  for (const part of ['headerBytes', 'payload', 'digest', 'stubDigest'] as const) {
    assert.ok(!isSound({ ...sealed, [part]: flipped(sealed[part]) }), part);
  }
});
