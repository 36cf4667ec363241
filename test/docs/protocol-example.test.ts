import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epoch, fabId, formatEpoch, mintEpoch, type Origin, sequence } from '../../src/clocks/dot.ts';
import { timestampAt, timestampMs } from '../../src/clocks/hlc.ts';
import { IntervalSet } from '../../src/clocks/interval-set.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import type { PeerStatus } from '../../src/sync/messages.ts';
import {
  fromSyncStatus,
  fromWaferUpdate,
  toSyncStatus,
  toWaferUpdate,
} from '../../src/sync/transport/lane-codec.ts';
import type { Attempt } from '../../src/wafer/attempt.ts';
import { decodeAttempts } from '../../src/wafer/payload/decode.ts';
import { encodeAttempts } from '../../src/wafer/payload/encode.ts';
import { makeProgram, readProgram } from '../../src/wafer/program-codec.ts';
import { streamRunId } from '../../src/wafer/run.ts';
import { MAX_UPDATE_BYTES, updateDigest } from '../../src/wafer/update.ts';
import { sealUpdate } from '../../src/wire/header.ts';
import { dataSync } from '../../src/wire/services.ts';
import { plainAttempt, plainResults } from '../support/arbitrary-attempt.ts';
import { blockOf, documentOf, hexBytes } from './documents.ts';

const PROTOCOL = documentOf('docs/PROTOCOL.md');
const { requestSerialize, requestDeserialize, responseSerialize, responseDeserialize } =
  dataSync.methods.SyncWaferData;

const TW: Origin = {
  fab: fabId('tw'),
  epoch: mintEpoch(1, () => Uint8Array.of(0x8f, 0x3a, 0x5c, 0x2e, 0x90)),
};
const AZ: Origin = {
  fab: fabId('az'),
  epoch: mintEpoch(1, () => Uint8Array.of(0x10, 0x20, 0x30, 0x40, 0x50)),
};
const STARTED_MS = Date.UTC(2026, 10, 23, 8);

test('the epoch of a receipt is that which commands print', () => {
  const [, number, text] = /epoch (\d{16}) of a receipt is `(\S+)`/.exec(PROTOCOL.text.replace(/\s+/g, ' '))!;
  assert.equal(formatEpoch(epoch(Number(number))), text);
  const [, again, counter, random] = /as (\d+) = (\d+) · 2\^40 \+ ([0-9a-f]+) /.exec(
    PROTOCOL.text.replace(/\s+/g, ' '),
  )!;
  assert.equal(again, number);
  assert.equal(Number(counter) * 2 ** 40 + Number.parseInt(random!, 16), Number(number));
});

const none = { lowLimit: null, highLimit: null, lowSpec: null, highSpec: null, resultScale: null };
const program = makeProgram([
  { kind: 'PTR', number: 100, name: 'VDD', units: 'V', ...none, lowLimit: 1, highLimit: 1.5 },
  { kind: 'PTR', number: 200, name: 'IDDQ', units: 'A', ...none },
]);
const attempt = plainAttempt({
  index: 1,
  head: 0,
  partId: '',
  hardBin: null,
  softBin: null,
  testCount: 2,
  startedAtUs: STARTED_MS * 1000,
  sequenceSpan: 1,
  results: plainResults([0, 1], Float32Array.of(1.25, 0.5), { parmFlags: new Int16Array(2).fill(-1) }),
});
const update = sealUpdate(
  {
    dot: { ...TW, sequence: sequence(57) },
    timestamp: timestampAt(STARTED_MS),
    kind: 'results',
    wafer: { lot: 'L1', waferId: 'W07', insertion: 'CP1' },
    version: 0,
    run: { id: streamRunId('tw', 'T01', 'S1'), startedAtUs: STARTED_MS * 1000 },
    program: program.digest,
  },
  encodeAttempts([attempt]),
);

/** What az has of tw, up to a sequence. */
const received = (through: number) => TransportVector.of([[TW, IntervalSet.range(1, through)]]);
const silent = { relayed: [], echoUs: 0 };
const hello: PeerStatus = {
  ...silent,
  hello: {
    protocol: 1,
    node: AZ,
    window: { updates: 1024, bytes: 8 * 1024 * 1024 },
    maxUpdateBytes: MAX_UPDATE_BYTES,
  },
  report: { node: AZ, number: 9, full: true, received: received(56), held: TransportVector.empty },
  acknowledged: 0,
  wants: [TW.fab],
};
const acknowledgement: PeerStatus = {
  ...silent,
  hello: null,
  report: { node: AZ, number: 10, full: false, received: received(57), held: TransportVector.empty },
  acknowledged: 1,
  wants: null,
};

/** Bytes that the document gives under a name. */
function documented(name: string): Uint8Array {
  return hexBytes(blockOf(PROTOCOL, `hex ${name}`));
}

/** Compares as hex, so that a difference can be read. */
function assertBytes(actual: Uint8Array, name: string): void {
  assert.equal(Buffer.from(actual).toString('hex'), Buffer.from(documented(name)).toString('hex'), name);
}

/** An attempt as the document states it. */
function stated({
  index,
  sequenceSpan,
  head,
  site,
  x,
  y,
  partId,
  hardBin,
  softBin,
  startedAtUs,
  results,
}: Attempt) {
  const { tests } = readProgram(documented('program'));
  return {
    ...{ index, sequenceSpan, head, site, x, y, partId, hardBin, softBin },
    startedAt: new Date(startedAtUs! / 1000).toISOString(),
    results: Array.from(results.tests, (number, i) => ({
      test: tests[number]?.name,
      value: results.values[i],
      flags: results.testFlags[i],
    })),
  };
}

test('the bytes of the example in docs/PROTOCOL.md are what the code makes of its update', () => {
  assertBytes(program.body, 'program');
  assertBytes(Buffer.from(program.digest, 'hex'), 'program-digest');
  assertBytes(update.headerBytes, 'header');
  assertBytes(update.payload, 'payload');
  assertBytes(update.digest, 'digest');
  assertBytes(requestSerialize(toWaferUpdate({ type: 'update', update })), 'wafer-update');
});

test('the header, payload and digest of the example are those of its message', () => {
  assert.deepEqual(
    Buffer.from(updateDigest(documented('header'), documented('payload'))),
    Buffer.from(documented('digest')),
  );
  const message = requestDeserialize(Buffer.from(documented('wafer-update')));
  assert.deepEqual(Buffer.from(message.header), Buffer.from(documented('header')));
  assert.deepEqual(Buffer.from(message.delta_data), Buffer.from(documented('payload')));
  assert.deepEqual(Buffer.from(message.digest), Buffer.from(documented('digest')));
});

test('decoding the example gives the fields that the document states', () => {
  const message = fromWaferUpdate(requestDeserialize(Buffer.from(documented('wafer-update'))));
  assert.ok(message.type === 'update');
  const { dot, timestamp, kind, wafer, version, run, program: digest } = message.update.header;
  assert.deepEqual(
    {
      ...{ dot, bornAt: new Date(timestampMs(timestamp)).toISOString(), kind, wafer, version },
      run: { id: run?.id, startedAt: new Date(run!.startedAtUs / 1000).toISOString() },
      attempts: decodeAttempts(message.update.payload).map(stated),
    },
    JSON.parse(blockOf(PROTOCOL, 'json update')),
  );
  assert.equal(digest, Buffer.from(documented('program-digest')).toString('hex'));
});

for (const [name, status] of [
  ['hello', hello],
  ['acknowledgement', acknowledgement],
] as const) {
  test(`the bytes of the ${name} are what the code makes of it, and decode to it`, () => {
    assertBytes(responseSerialize(toSyncStatus(status, 0)), name);
    const decoded = fromSyncStatus(responseDeserialize(Buffer.from(documented(name))));
    const leftOut = { sentAtUs: 0, maxPushBytesPerS: 0 };
    assert.deepEqual({ ...decoded, report: null }, { ...status, report: null, ...leftOut });
    assert.equal(decoded.report?.received.toString(), status.report?.received.toString());
    assert.deepEqual(
      [decoded.report?.number, decoded.report?.full],
      [status.report?.number, status.report?.full],
    );
  });
}

test('the sizes that the document gives are those of its blocks', () => {
  for (const [name, bytes] of [
    ['program', 30],
    ['header', 99],
    ['payload', 47],
    ['wafer-update', 193],
    ['hello', 70],
    ['acknowledgement', 36],
  ] as const) {
    assert.equal(documented(name).length, bytes, name);
    assert.match(PROTOCOL.text, new RegExp(`\\b${bytes} bytes`), `${bytes} bytes, of ${name}`);
  }
});
