import { makeClient } from '../../src/api/client.ts';
import type { wafersync } from '../../src/gen/wafersync.js';
import { fromNumber, toNumber } from '../../src/wire/long.ts';
import { testEquipment } from '../../src/wire/services.ts';

type Message = wafersync.v1.TestResult.$Properties;

/** A streamed result with numbers for its 64-bit fields. */
export type TestResult = Omit<Message, 'timestamp_us' | 'stream_sequence'> & {
  readonly timestamp_us?: number;
  readonly stream_sequence?: number;
};

/** What a node answered to a stream. */
export interface Ack {
  readonly accepted: number;
  readonly duplicates: number;
  readonly through: number;
  readonly passed: number;
  readonly runId: string;
  readonly streamId: string;
}

/** The message of a result. */
export function toMessage({ timestamp_us = 0, stream_sequence = 0, ...others }: TestResult): Message {
  return {
    ...others,
    timestamp_us: fromNumber(timestamp_us),
    stream_sequence: fromNumber(stream_sequence),
  };
}

/** Sends results to a node as one stream, to its end. @throws WafersyncError the node's refusal */
export async function sendResults(address: string, results: Iterable<TestResult>): Promise<Ack> {
  const client = makeClient(testEquipment, address);
  try {
    const call = client.StreamTestResults();
    for (const result of results) await call.write(toMessage(result));
    const ack = await call.finish();
    return {
      accepted: toNumber(ack.accepted),
      duplicates: toNumber(ack.duplicates),
      through: toNumber(ack.through_sequence),
      passed: toNumber(ack.passed),
      runId: ack.run_id ?? '',
      streamId: ack.stream_id ?? '',
    };
  } finally {
    client.close();
  }
}

/** Sends results and goes away without a word, as a tester does that loses power. */
export async function sendAndVanish(address: string, results: Iterable<TestResult>): Promise<void> {
  const client = makeClient(testEquipment, address);
  const call = client.StreamTestResults();
  for (const result of results) await call.write(toMessage(result));
  call.cancel();
  client.close();
}

/** A query of the history; times are microseconds. */
export interface Query {
  readonly wafer_id?: string;
  readonly lot?: string;
  readonly test?: string;
  readonly fab?: string;
  readonly x?: number;
  readonly y?: number;
  readonly from_us?: number;
  readonly to_us?: number;
}

/** What a node keeps. @throws WafersyncError the node's refusal */
export async function readHistory(address: string, { from_us, to_us, ...others }: Query): Promise<Message[]> {
  const client = makeClient(testEquipment, address);
  const found: Message[] = [];
  try {
    const query = {
      ...others,
      ...(from_us === undefined ? {} : { from_us: fromNumber(from_us) }),
      ...(to_us === undefined ? {} : { to_us: fromNumber(to_us) }),
    };
    for await (const result of client.GetHistoricalTests(query)) found.push(result);
  } finally {
    client.close();
  }
  return found;
}
