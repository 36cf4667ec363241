// Prints bytes a result of the payload codec, and of other forms of the same results: docs/adr/0003.
import { zstdCompressSync } from 'node:zlib';
import { toTestResults } from '../../../src/api/test-result.ts';
import { type Attempt, countResults } from '../../../src/wafer/attempt.ts';
import { encodeAttempts } from '../../../src/wafer/payload/encode.ts';
import type { TestDefinition } from '../../../src/wafer/program.ts';
import { streamRunId } from '../../../src/wafer/run.ts';
import { testEquipment } from '../../../src/wire/services.ts';
import { measuredWafer } from '../../support/measured-wafer.ts';

const TESTS = 60;
const tests = Array.from(
  { length: TESTS },
  (_, i): TestDefinition => ({
    kind: 'PTR',
    number: 1000 + i,
    name: `test ${i}`,
    units: 'V',
    lowLimit: null,
    highLimit: null,
    lowSpec: null,
    highSpec: null,
    resultScale: null,
  }),
);
const place = {
  fab: 'tw',
  run: { id: streamRunId('tw', 'T01', 'S1'), startedAtUs: 0 },
  wafer: { lot: 'LOT-1', waferId: 'W07', insertion: 'CP1' },
  equipmentId: 'T01',
  streamId: 'S1',
};

/** Attempts as updates of at most `results` results, or of one attempt where that is more. */
function updatesOf(attempts: readonly Attempt[], results: number): Attempt[][] {
  const updates: Attempt[][] = [];
  let room = 0;
  for (const attempt of attempts) {
    if (attempt.results.length > room) {
      updates.push([]);
      room = results;
    }
    updates.at(-1)?.push(attempt);
    room -= attempt.results.length;
  }
  return updates;
}

const attempts = measuredWafer({ dies: 400, tests: TESTS });
const results = countResults(attempts);
const { responseSerialize } = testEquipment.methods.GetHistoricalTests;

function show(form: string, parts: readonly Uint8Array[]): void {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const packed = parts.reduce((sum, part) => sum + zstdCompressSync(part).length, 0);
  const each = (total: number) => (total / results).toFixed(2).padStart(7);
  console.log(`${form.padEnd(44)}${each(bytes)}  then zstd ${each(packed)}`);
}

console.log(`bytes a result: ${attempts.length} attempts, ${results} results of ${TESTS} tests`);
for (const [form, size] of [
  ['one-die updates', 1],
  ['1,000-result updates', 1000],
  ['whole wafer in one update', results],
] as const) {
  show(`payload, ${form}`, updatesOf(attempts, size).map(encodeAttempts));
}
const rows = updatesOf(attempts, 1000).map((update) =>
  update.flatMap((attempt) => [...toTestResults(attempt, tests, place)]),
);
show('float32 values alone', updatesOf(attempts, 1000).map(valuesOf));
show(
  'TestResult messages, by the 1,000',
  rows.map((update) => Buffer.concat(update.map(responseSerialize))),
);
show(
  'JSON rows, by the 1,000',
  rows.map((update) => Buffer.from(JSON.stringify(update))),
);

function valuesOf(update: readonly Attempt[]): Uint8Array {
  return Buffer.concat(
    update.map(({ results: { values } }) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)),
  );
}
