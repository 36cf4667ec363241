import { WafersyncError } from '../errors.ts';
import type { wafersync } from '../gen/wafersync.js';
import {
  type BatchColumns,
  type BatchDie,
  MAX_BATCH_RESULTS,
  type StreamBatch,
} from '../ingest/stream/stream-batch.ts';
import type { StreamTest } from '../ingest/stream/stream-result.ts';
import { TEST_FAILED, TEST_NO_PASS_FAIL } from '../wafer/attempt.ts';
import { toNumber } from '../wire/long.ts';

type Message = wafersync.v1.TestResult.$Properties;
type Batch = wafersync.v1.ResultBatch.$Properties;
type Die = wafersync.v1.BatchDie.$Properties;

/** Fields that only a single result has. */
const OF_ONE_RESULT = [
  'test_name',
  'test_number',
  'units',
  'test_value',
  'no_value',
  'pass_fail',
  'test_flags',
  'low_limit',
  'high_limit',
] as const;

/** Fields that say the die, where a batch does not. */
const OF_ONE_DIE = [
  'die_x',
  'die_y',
  'no_coordinates',
  'part_id',
  'head',
  'site',
  'hard_bin',
  'soft_bin',
  'last_of_die',
] as const;

/**
 * The results of a message that holds many.
 * @throws WafersyncError `invalid` where columns differ in length or contradict each other, or a field has no place here
 */
export function fromBatch(message: Message, batch: Batch): StreamBatch {
  const refuse = (what: string, hint: string) => refusal(message, what, hint);
  refuseFields(message, OF_ONE_RESULT, 'batch', refuse);
  const { length } = batch.values ?? [];
  if (length > MAX_BATCH_RESULTS) {
    throw refuse(`values has ${length} entries`, `Send at most ${MAX_BATCH_RESULTS} results in a batch.`);
  }
  const dies = batch.dies ?? [];
  if (dies.length > 0) refuseFields(message, OF_ONE_DIE, 'dies', refuse);
  return {
    equipmentId: message.equipment_id ?? '',
    streamId: message.stream_id ?? '',
    streamSequence: toNumber(message.stream_sequence, 'stream_sequence'),
    ...(message.final_run ? { final: true } : {}),
    waferId: message.wafer_id ?? '',
    lot: message.lot ?? '',
    insertion: message.insertion ?? '',
    define: (batch.define ?? []).map(toTest),
    dies:
      dies.length === 0 && length > 0
        ? [toDie(message, length)]
        : dies.map((die) => toDie(die, die.results ?? 0)),
    columns: toColumns(message, batch, length, refuse),
  };
}

type Refuse = (what: string, hint: string) => WafersyncError;

function refusal(message: Message, what: string, hint: string): WafersyncError {
  const { stream_sequence, stream_id, equipment_id } = message;
  const where = `sequence ${stream_sequence ?? 0} of stream ${JSON.stringify(stream_id ?? '')} of tester ${JSON.stringify(equipment_id ?? '')}`;
  return new WafersyncError('invalid', `${what} in the batch at ${where}`, { hint });
}

function refuseFields(
  message: Message,
  fields: readonly (keyof Message)[],
  beside: string,
  refuse: Refuse,
): void {
  const field = fields.find((name) => message[name]);
  if (field === undefined) return;
  throw refuse(`${field} is given beside ${beside}`, `Leave ${field} out: ${beside} says what it would.`);
}

function toTest({
  name,
  number,
  units,
  low_limit,
  high_limit,
}: wafersync.v1.BatchTest.$Properties): StreamTest {
  return {
    number: number ?? 0,
    name: name ?? '',
    units: units ?? '',
    lowLimit: low_limit ?? null,
    highLimit: high_limit ?? null,
  };
}

function toDie(die: Omit<Die, 'results'>, results: number): BatchDie {
  const located = !die.no_coordinates;
  return {
    results,
    x: located ? (die.die_x ?? 0) : null,
    y: located ? (die.die_y ?? 0) : null,
    partId: die.part_id ?? '',
    head: die.head ?? 0,
    site: die.site ?? 0,
    hardBin: die.hard_bin ?? null,
    softBin: die.soft_bin ?? null,
    lastOfDie: die.last_of_die ?? false,
  };
}

function toColumns(message: Message, batch: Batch, length: number, refuse: Refuse): BatchColumns {
  const { tests, times_us } = batch;
  if (tests?.length) checkLength('tests', tests.length, length, refuse);
  if (times_us?.length) checkLength('times_us', times_us.length, length, refuse);
  return {
    length,
    tests: tests?.length ? tests : null,
    values: batch.values ?? [],
    flags: toFlags(batch, length, refuse),
    valueless: toPositions(batch.no_value ?? [], length, refuse),
    timestampUs: toNumber(message.timestamp_us, 'timestamp_us'),
    timesUs: times_us?.length ? Float64Array.from(times_us, (time) => toNumber(time, 'times_us')) : null,
  };
}

function toFlags({ pass_fail, test_flags }: Batch, length: number, refuse: Refuse): Uint8Array {
  if (!test_flags?.length) {
    checkLength('pass_fail', pass_fail?.length ?? 0, length, refuse);
    return Uint8Array.from(pass_fail ?? [], (passed) => (passed ? 0 : TEST_FAILED));
  }
  checkLength('test_flags', test_flags.length, length, refuse);
  if (!pass_fail?.length) return test_flags;
  checkLength('pass_fail', pass_fail.length, length, refuse);
  const row = pass_fail.findIndex((passed, i) => {
    const flags = test_flags[i]!;
    return (flags & TEST_NO_PASS_FAIL) === 0 && ((flags & TEST_FAILED) === 0) !== passed;
  });
  if (row < 0) return test_flags;
  throw refuse(
    `test_flags ${test_flags[row]} and pass_fail ${pass_fail[row]} of result ${row} contradict each other`,
    'Leave pass_fail out, or set bit 7 of test_flags exactly where the test failed.',
  );
}

function toPositions(rows: readonly number[], length: number, refuse: Refuse): ReadonlySet<number> {
  const bad = rows.findIndex((row, i) => row >= length || (i > 0 && row <= rows[i - 1]!));
  if (bad < 0) return new Set(rows);
  throw refuse(
    `no_value ${rows[bad]} does not grow or is beyond the ${length} results`,
    'Give positions in the batch, from 0 and growing.',
  );
}

function checkLength(field: string, given: number, length: number, refuse: Refuse): void {
  if (given === length) return;
  throw refuse(
    `${field} has ${given} entries and values ${length}`,
    `Give ${field} one entry for each value.`,
  );
}
