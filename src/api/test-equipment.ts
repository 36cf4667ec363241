import { fabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import type { wafersync } from '../gen/wafersync.js';
import { StreamIntake, type StreamParts } from '../ingest/stream/stream-intake.ts';
import type { StreamReceipt } from '../ingest/stream/stream-receipt.ts';
import type { Store } from '../store/store.ts';
import { fromNumber, toNumber } from '../wire/long.ts';
import type { testEquipment } from '../wire/services.ts';
import { clientStream, serverStream } from './call.ts';
import type { HandlersOf } from './handlers.ts';
import { type HistoryQuery, historicalResults } from './history.ts';
import type { Slots } from './slots.ts';
import { fromTestResult } from './test-result.ts';

type TestResult = wafersync.v1.TestResult.$Properties;
type TestQuery = wafersync.v1.TestQuery.$Properties;
type TestAck = wafersync.v1.TestAck.$Properties;

/** What the service is made of. */
export interface TestEquipmentOptions {
  readonly store: Store;
  readonly streams: StreamParts;
  /** For streams and uploads. */
  readonly slots: Slots;
}

/** Handlers of TestEquipment. */
export function testEquipmentHandlers(
  options: TestEquipmentOptions,
): HandlersOf<typeof testEquipment.methods> {
  return {
    StreamTestResults: clientStream<TestResult, TestAck>((results) =>
      options.slots.hold(() => takeStream(options.streams, results)),
    ),
    GetHistoricalTests: serverStream<TestQuery, TestResult>((query) =>
      historicalResults(options.store, toQuery(query)),
    ),
  };
}

/** Takes a stream from its first result to its end; what came before a failure is durable, and the error says how far. */
async function takeStream(parts: StreamParts, results: AsyncIterable<TestResult>): Promise<TestAck> {
  const intake = new StreamIntake(parts);
  try {
    for await (const result of results) await intake.take(fromTestResult(result));
  } catch (thrown) {
    const error = WafersyncError.from(thrown, 'cancelled');
    const { runId } = await intake.abort(error.message);
    // Of a stream that has begun the intake has said how far it came.
    if (runId !== null) throw error;
    const hint = `${error.hint} Nothing of the stream is stored.`.trim();
    throw new WafersyncError(error.code, error.message, { cause: thrown, hint });
  }
  return toAck(await intake.finish());
}

function toAck(receipt: StreamReceipt): TestAck {
  return {
    accepted: fromNumber(receipt.accepted),
    duplicates: fromNumber(receipt.duplicates),
    through_sequence: fromNumber(receipt.throughSequence),
    passed: fromNumber(receipt.passed),
    message: receipt.message,
    run_id: receipt.runId ?? '',
    stream_id: receipt.streamId,
  };
}

/** @throws WafersyncError `invalid` naming the field */
function toQuery(query: TestQuery): HistoryQuery {
  const { wafer_id, lot, test, fab, x, y } = query;
  return {
    ...(wafer_id ? { waferId: wafer_id } : {}),
    ...(lot ? { lot } : {}),
    ...(test ? { test } : {}),
    ...(fab ? { fab: fabId(fab) } : {}),
    ...(typeof x === 'number' ? { x } : {}),
    ...(typeof y === 'number' ? { y } : {}),
    ...spanOf(query),
  };
}

function spanOf({ from_us, to_us }: TestQuery): Pick<HistoryQuery, 'fromUs' | 'toUs'> {
  const span = {
    ...(from_us ? { fromUs: toNumber(from_us, 'from_us') } : {}),
    ...(to_us ? { toUs: toNumber(to_us, 'to_us') } : {}),
  };
  const { fromUs, toUs } = span;
  if (fromUs === undefined || toUs === undefined || fromUs < toUs) return span;
  throw new WafersyncError('invalid', `from_us ${fromUs} is not before to_us ${toUs}`, {
    hint: 'from_us is included, to_us is not: nothing can lie between them.',
  });
}
