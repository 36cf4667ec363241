import type { wafersync } from '../gen/wafersync.js';
import { fromNumber, toNumber } from '../wire/long.ts';

/** A test of a stream, as it is sent. */
export interface OutgoingTest {
  readonly name: string;
  readonly number: number;
  readonly units: string;
  readonly lowLimit: number | null;
  readonly highLimit: number | null;
}

/** A die of a batch, and how many of its results are of it. */
export interface OutgoingDie {
  readonly results: number;
  /** Column of the die; null, together with y, where the die has no coordinates. */
  readonly x: number | null;
  readonly y: number | null;
  readonly partId: string;
  readonly head: number;
  readonly site: number;
  readonly hardBin: number | null;
  readonly softBin: number | null;
  readonly lastOfDie: boolean;
}

/** Results of one wafer that are sent together; result i is entry i of each column. */
export interface OutgoingBatch {
  readonly waferId: string;
  readonly lot: string;
  readonly insertion: string;
  /** Position of the first result in the stream. */
  readonly first: number;
  /** Number of each result's test, in the order of definition. */
  readonly tests: readonly number[];
  readonly values: readonly number[];
  /** STDF TEST_FLG of each. */
  readonly flags: Uint8Array;
  /** Positions, from 0 and growing, of results without a value. */
  readonly valueless: readonly number[];
  /** Microseconds since 1970-01-01T00:00:00Z; 0 where no time is known. */
  readonly timestampUs: number;
  /** Time of each as microseconds after timestampUs; null: all at timestampUs. */
  readonly timesUs: readonly number[] | null;
  readonly dies: readonly OutgoingDie[];
}

/** What the node says of the stream as of now. */
export interface IncomingAck {
  readonly accepted: number;
  readonly duplicates: number;
  /** Every result up to this position is durable. */
  readonly throughSequence: number;
  readonly passed: number;
  readonly message: string;
  readonly runId: string;
  readonly streamId: string;
}

type Message = wafersync.v1.TestResult.$Properties;

/** Names that every message of a stream carries. */
export type StreamNames = Pick<Message, 'equipment_id' | 'stream_id' | 'final_run'>;

/** Message that opens a stream, and defines tests. */
export function toOpening(names: StreamNames, define: readonly OutgoingTest[]): Message {
  return { ...names, batch: { define: define.map(toTest) } };
}

/** Message of a batch. */
export function toMessage(
  names: StreamNames,
  define: readonly OutgoingTest[],
  batch: OutgoingBatch,
): Message {
  return {
    ...names,
    wafer_id: batch.waferId,
    lot: batch.lot,
    insertion: batch.insertion,
    stream_sequence: fromNumber(batch.first),
    timestamp_us: fromNumber(batch.timestampUs),
    batch: {
      define: define.map(toTest),
      // The encoder goes through them and changes nothing.
      tests: batch.tests as number[],
      values: batch.values as number[],
      test_flags: batch.flags,
      no_value: batch.valueless as number[],
      times_us: batch.timesUs?.map(fromNumber) ?? [],
      dies: batch.dies.map(toDie),
    },
  };
}

function toTest({
  name,
  number,
  units,
  lowLimit,
  highLimit,
}: OutgoingTest): wafersync.v1.BatchTest.$Properties {
  return { name, number, units, low_limit: lowLimit, high_limit: highLimit };
}

function toDie(die: OutgoingDie): wafersync.v1.BatchDie.$Properties {
  return {
    results: die.results,
    die_x: die.x ?? 0,
    die_y: die.y ?? 0,
    no_coordinates: die.x === null,
    part_id: die.partId,
    head: die.head,
    site: die.site,
    hard_bin: die.hardBin,
    soft_bin: die.softBin,
    last_of_die: die.lastOfDie,
  };
}

/** What the node says of a stream. @throws WafersyncError `invalid` for a number beyond 2^53 − 1 */
export function fromAck(ack: wafersync.v1.TestAck.$Properties): IncomingAck {
  return {
    accepted: toNumber(ack.accepted, 'accepted'),
    duplicates: toNumber(ack.duplicates, 'duplicates'),
    throughSequence: toNumber(ack.through_sequence, 'through_sequence'),
    passed: toNumber(ack.passed, 'passed'),
    message: ack.message ?? '',
    runId: ack.run_id ?? '',
    streamId: ack.stream_id ?? '',
  };
}
