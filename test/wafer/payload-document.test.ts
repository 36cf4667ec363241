import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeAttempts } from '../../src/wafer/payload/decode.ts';
import { encodeAttempts } from '../../src/wafer/payload/encode.ts';
import { assertSameAttempts, plainAttempt, plainResults } from '../support/arbitrary-attempt.ts';

const DOCUMENT = new URL('../../docs/PAYLOAD.md', import.meta.url);

/** The attempts of the example. */
const ATTEMPTS = [
  plainAttempt({
    x: 3,
    partId: '1',
    testCount: 2,
    testTimeMs: 300,
    results: plainResults([0, 1], Float32Array.of(1.5, 2)),
  }),
  plainAttempt({
    index: 1,
    site: 1,
    x: 4,
    partId: '2',
    hardBin: 5,
    softBin: null,
    partFlags: 8,
    testCount: 1,
    testTimeMs: 20,
    results: plainResults([0], Float32Array.of(1.625), { testFlags: Int16Array.of(128) }),
  }),
];

/** The hex columns of the example in the document. */
function exampleBytes(): Uint8Array {
  const text = readFileSync(DOCUMENT, 'utf8').split('### Example')[1]!.split('```')[1]!;
  const hex = text
    .split('\n')
    .map((line) => /^ *((?:[0-9a-f]{2} )*[0-9a-f]{2})(?: {2,}|$)/.exec(line)?.[1] ?? '');
  return Uint8Array.from(Buffer.from(hex.join('').replaceAll(' ', ''), 'hex'));
}

test('the example of docs/PAYLOAD.md is what the attempts in it become, and decodes to them', () => {
  const bytes = exampleBytes();
  assert.equal(bytes.length, 67);
  assert.deepEqual(encodeAttempts(ATTEMPTS), bytes);
  assertSameAttempts(decodeAttempts(bytes), ATTEMPTS);
});
