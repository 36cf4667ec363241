import { WafersyncError } from '../errors.ts';
import type { wafersync } from '../gen/wafersync.js';
import type { StreamResult } from '../ingest/stream/stream-result.ts';
import { type Attempt, TEST_FAILED, TEST_NO_PASS_FAIL } from '../wafer/attempt.ts';
import type { TestDefinition } from '../wafer/program.ts';
import type { RunId } from '../wafer/run.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import { fromNumber, toNumber } from '../wire/long.ts';

type Message = wafersync.v1.TestResult.$Properties;

/** Streamed result of a message. @throws WafersyncError `invalid` where a number is beyond JS-safe integers */
export function fromTestResult(message: Message): StreamResult {
  const located = !message.no_coordinates;
  return {
    equipmentId: message.equipment_id ?? '',
    streamId: message.stream_id ?? '',
    streamSequence: toNumber(message.stream_sequence, 'stream_sequence'),
    ...(message.final_run ? { final: true } : {}),
    waferId: message.wafer_id ?? '',
    lot: message.lot ?? '',
    insertion: message.insertion ?? '',
    x: located ? (message.die_x ?? 0) : null,
    y: located ? (message.die_y ?? 0) : null,
    partId: message.part_id ?? '',
    head: message.head ?? 0,
    site: message.site ?? 0,
    test: {
      number: message.test_number ?? 0,
      name: message.test_name ?? '',
      units: message.units ?? '',
      lowLimit: message.low_limit ?? null,
      highLimit: message.high_limit ?? null,
    },
    value: message.no_value ? null : (message.test_value ?? 0),
    passed: message.pass_fail ?? false,
    testFlags: message.test_flags ?? null,
    timestampUs: toNumber(message.timestamp_us, 'timestamp_us'),
    hardBin: message.hard_bin ?? null,
    softBin: message.soft_bin ?? null,
    lastOfDie: message.last_of_die ?? false,
  };
}

/** Where stored attempts stand. */
export interface AttemptPlace {
  readonly fab: string;
  readonly run: { readonly id: RunId; readonly startedAtUs: number };
  /** Whether a tester streamed them, so that a time of 0 means that it gave none; absent where that is not known. */
  readonly streamed?: boolean | undefined;
  readonly wafer: WaferKey;
  /** Tester, as the run's record tells; empty while there is none. */
  readonly equipmentId: string;
  readonly streamId: string;
}

/** What stands for results whose values were purged. */
export function toPurgedResult(place: AttemptPlace, purged: wafersync.v1.PurgedValues.$Properties): Message {
  return {
    equipment_id: place.equipmentId,
    stream_id: place.streamId,
    wafer_id: place.wafer.waferId,
    lot: place.wafer.lot,
    insertion: place.wafer.insertion,
    fab_id: place.fab,
    run_id: place.run.id,
    no_coordinates: true,
    no_value: true,
    purged,
  };
}

/** The results of a stored attempt as messages, in execution order. */
export function* toTestResults(
  attempt: Attempt,
  tests: readonly TestDefinition[],
  place: AttemptPlace,
): Generator<Message> {
  const { results } = attempt;
  // Only streams have times of results; what a tester gave no time for has none.
  const streamed = place.streamed ?? results.timesUs !== null;
  const startUs = attempt.startedAtUs ?? (streamed ? 0 : place.run.startedAtUs);
  let offset = 0;
  for (let i = 0; i < results.length; i++) {
    const count = results.valueCounts[i]!;
    const values = results.values.subarray(offset, offset + count);
    offset += count;
    const definition = tests[results.tests[i]!];
    if (!definition)
      throw new WafersyncError('damaged', `a result of run ${place.run.id} names a test its program lacks`);
    yield {
      ...dieFields(attempt, place),
      ...testFields(definition, values, results.testFlags[i]!),
      timestamp_us: fromNumber(startUs + (results.timesUs?.[i] ?? 0)),
      last_of_die: i === results.length - 1,
    };
  }
}

function dieFields(attempt: Attempt, place: AttemptPlace): Message {
  return {
    equipment_id: place.equipmentId,
    stream_id: place.streamId,
    wafer_id: place.wafer.waferId,
    lot: place.wafer.lot,
    insertion: place.wafer.insertion,
    die_x: attempt.x ?? 0,
    die_y: attempt.y ?? 0,
    no_coordinates: attempt.x === null,
    head: attempt.head,
    site: attempt.site,
    hard_bin: attempt.hardBin,
    soft_bin: attempt.softBin,
    part_id: attempt.partId,
    fab_id: place.fab,
    run_id: place.run.id,
    attempt_index: fromNumber(attempt.index),
  };
}

function testFields(
  definition: TestDefinition,
  values: Float32Array | Float64Array,
  testFlags: number,
): Message {
  const decided = testFlags >= 0 && (testFlags & TEST_NO_PASS_FAIL) === 0;
  return {
    test_name: definition.name,
    test_number: definition.number,
    units: definition.units,
    low_limit: definition.lowLimit,
    high_limit: definition.highLimit,
    test_value: values[0] ?? 0,
    no_value: values.length === 0,
    values: definition.kind === 'MPR' ? [...values] : [],
    pass_fail: decided && (testFlags & TEST_FAILED) === 0,
    test_flags: testFlags >= 0 && testFlags !== 0 && testFlags !== TEST_FAILED ? testFlags : null,
  };
}
