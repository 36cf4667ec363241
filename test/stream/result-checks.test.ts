import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkResult } from '../../src/ingest/stream/result-checks.ts';
import { MAX_TEXT_BYTES } from '../../src/ingest/stream/stream-bounds.ts';
import { StreamIdentity } from '../../src/ingest/stream/stream-identity.ts';
import type { StreamResult } from '../../src/ingest/stream/stream-result.ts';
import { result } from './fake-node.ts';

const long = 'é'.repeat(MAX_TEXT_BYTES / 2);
const withTest = (change: Partial<StreamResult['test']>) => result({ test: { ...result().test, ...change } });

const REFUSED: readonly (readonly [StreamResult, string])[] = [
  [result({ name: '' }), 'test_name is empty'],
  [result({ head: 256 }), 'head 256 is not within 0 to 255'],
  [result({ head: -1 }), 'head -1 is not within 0 to 255'],
  [result({ site: 256 }), 'site 256 is not within 0 to 255'],
  [result({ site: 1.5 }), 'site 1.5 is not within 0 to 255'],
  [result({ hardBin: 65_536 }), 'hard_bin 65536 is not within 0 to 65535'],
  [result({ softBin: 65_535 }), 'soft_bin 65535 is not within 0 to 65534'],
  [result({ x: 2 ** 31 }), 'die_x 2147483648 is not within -2147483648 to 2147483647'],
  [result({ y: -(2 ** 31) - 1 }), 'die_y -2147483649 is not within -2147483648 to 2147483647'],
  [result({ x: null }), 'die_x null and die_y 0 are half a place'],
  [result({ testFlags: 256 }), 'test_flags 256 is not within 0 to 255'],
  [result({ testFlags: 0, passed: false }), 'test_flags 0 says passed where pass_fail says failed'],
  [result({ testFlags: 0x80, passed: true }), 'test_flags 128 says failed where pass_fail says passed'],
  [withTest({ number: 2 ** 32 }), 'test_number 4294967296 is not within 0 to 4294967295'],
  [result({ timestampUs: -1 }), 'timestamp_us -1 is not within 0 to 9007199254740991'],
  [result({ timestampUs: 2 ** 53 }), 'timestamp_us 9007199254740992 is not within 0 to 9007199254740991'],
  [result({ waferId: `${long}x` }), `wafer_id ${JSON.stringify('é'.repeat(32))}… has 1025 bytes`],
  [result({ lot: `${long}x` }), `lot ${JSON.stringify('é'.repeat(32))}… has 1025 bytes`],
  [result({ insertion: `${long}x` }), `insertion ${JSON.stringify('é'.repeat(32))}… has 1025 bytes`],
  [result({ partId: `${long}x` }), `part_id ${JSON.stringify('é'.repeat(32))}… has 1025 bytes`],
  [result({ name: `${long}x` }), `test_name ${JSON.stringify('é'.repeat(32))}… has 1025 bytes`],
  [withTest({ units: `${long}x` }), `units ${JSON.stringify('é'.repeat(32))}… has 1025 bytes`],
];

for (const [bad, what] of REFUSED) {
  test(`a result is refused, with the place and a remedy, where ${what}`, () => {
    assert.throws(() => checkResult(bad, () => 'here'), {
      code: 'invalid',
      message: `${what} at here`,
      hint: /\.$/,
    });
  });
}

test('the outermost values that a field can have are taken', () => {
  const edges: Partial<StreamResult>[] = [
    { head: 0, site: 255, hardBin: 65_535, softBin: 65_534, x: -(2 ** 31), y: 2 ** 31 - 1 },
    { head: 255, site: 0, hardBin: 0, softBin: 0, x: null, y: null, timestampUs: 0 },
    { waferId: long, lot: '', insertion: '', partId: long, timestampUs: 2 ** 53 - 1, value: Number.NaN },
    { testFlags: 0x40, passed: false, value: null },
    { testFlags: 0xff, passed: true },
    { testFlags: 0x8f, passed: false },
  ];
  for (const edge of edges) checkResult(result(edge), () => 'here');
});

/** Sequences of results handed in one after the other. */
function sequences(...changes: Partial<StreamResult>[]): number[] {
  const identity = new StreamIdentity(() => 'minted');
  return changes.map((change) => identity.next(result(change)));
}

test('sequences are counted from 1 where the tester gives none, else they are its own', () => {
  assert.deepEqual(sequences({}, {}, {}), [1, 2, 3]);
  assert.deepEqual(sequences({ streamSequence: 4 }, { streamSequence: 5 }, { streamSequence: 9 }), [4, 5, 9]);
});

test('a stream id is minted where the tester gives none', () => {
  const identity = new StreamIdentity(() => 'minted');
  identity.next(result({ streamId: '' }));
  identity.next(result({ streamId: '' }));
  assert.equal(identity.streamId, 'minted');
  assert.equal(identity.where(3), 'sequence 3 of stream "minted" of tester "T1"');
});

const BROKEN: readonly (readonly [string, Partial<StreamResult>[], RegExp])[] = [
  [
    'an empty equipment_id',
    [{ equipmentId: '' }],
    /^equipment_id is empty at the first message of stream "S"$/,
  ],
  ['an overlong equipment_id', [{ equipmentId: `${long}x` }], /^equipment_id .* has 1025 bytes at the first/],
  ['an overlong stream_id', [{ streamId: `${long}x` }], /^stream_id .* has 1025 bytes at the first/],
  [
    'another equipment_id',
    [{}, { equipmentId: 'T2' }],
    /^equipment_id changes to "T2" at sequence 2 of stream "S"/,
  ],
  ['an equipment_id that goes empty', [{}, { equipmentId: '' }], /^equipment_id is empty at sequence 2/],
  ['another stream_id', [{}, { streamId: 'R' }], /^stream_id changes to "R" at sequence 2 of stream "S"/],
  [
    'a sequence twice',
    [{ streamSequence: 7 }, { streamSequence: 7 }],
    /^stream_sequence 7 does not grow at sequence 7 of stream "S" of tester "T1": 7 came before it$/,
  ],
  [
    'a sequence that falls',
    [{ streamSequence: 7 }, { streamSequence: 6 }],
    /^stream_sequence 6 does not grow/,
  ],
  [
    'a sequence beyond 2^53',
    [{ streamSequence: 2 ** 53 }],
    /^stream_sequence 9007199254740992 does not grow/,
  ],
  ['a sequence that is no number', [{ streamSequence: Number.NaN }], /^stream_sequence NaN does not grow/],
  [
    'given after counted',
    [{}, { streamSequence: 9 }],
    /^stream_sequence 9 at sequence 9 .* counted by the node so far$/,
  ],
  [
    'counted after given',
    [{ streamSequence: 9 }, {}],
    /^stream_sequence 0 at sequence 10 .* given by the tester so far$/,
  ],
];

for (const [what, changes, message] of BROKEN) {
  test(`a stream is refused, naming field, value and sequence, with ${what}`, () => {
    assert.throws(() => sequences(...changes), { code: 'invalid', message });
  });
}
