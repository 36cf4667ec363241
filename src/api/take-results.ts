import type { WafersyncError } from '../errors.ts';
import type { wafersync } from '../gen/wafersync.js';
import type { StreamIntake } from '../ingest/stream/stream-intake.ts';
import type { StreamReceipt } from '../ingest/stream/stream-receipt.ts';
import type { EventSource } from '../replica/event-source.ts';
import { fromNumber } from '../wire/long.ts';
import { BreakOff } from './break-off.ts';
import { fromBatch } from './result-batch.ts';
import { fromTestResult } from './test-result.ts';

type TestResult = wafersync.v1.TestResult.$Properties;
type TestAck = wafersync.v1.TestAck.$Properties;

/** Tells why no streams are taken any more. */
export type Closings = Pick<EventSource<WafersyncError>, 'subscribe'>;

/** Takes one message: a result, or a batch of them. Resolves when there is room for another. @throws WafersyncError */
function takeMessage(intake: StreamIntake, message: TestResult): Promise<void> {
  const { batch } = message;
  return batch ? intake.takeBatch(fromBatch(message, batch)) : intake.take(fromTestResult(message));
}

/**
 * Takes a stream from its first message to its end. What came before a failure is durable, and the error says how far.
 * @param closings tell that no streams are taken any more: this one ends then, and what has come is durable
 * @throws WafersyncError
 */
export async function takeStream(
  intake: StreamIntake,
  messages: AsyncIterable<TestResult>,
  closings?: Closings,
): Promise<StreamReceipt> {
  const breakOff = new BreakOff();
  const unsubscribe = closings?.subscribe((why) => breakOff.with(why));
  // A tester that has sent all it has sends nothing more until it is told.
  intake.onFailure((error) => breakOff.with(error));
  try {
    for await (const message of breakOff.of(messages)) await takeMessage(intake, message);
  } catch (thrown) {
    throw await intake.fail(thrown);
  } finally {
    unsubscribe?.();
  }
  return intake.finish();
}

/** What became of a stream, as a message. */
export function toAck(receipt: StreamReceipt): TestAck {
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
