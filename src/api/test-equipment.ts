import { fabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import type { wafersync } from '../gen/wafersync.js';
import { StreamIntake, type StreamParts } from '../ingest/stream/stream-intake.ts';
import { toNumber } from '../wire/long.ts';
import type { testEquipment } from '../wire/services.ts';
import { bidi, clientStream, serverStream } from './call.ts';
import type { HandlersOf } from './handlers.ts';
import { type HistoryQuery, historicalResults } from './history.ts';
import type { Slots } from './slots.ts';
import { syncTestData } from './sync-test-data.ts';
import { takeStream, toAck } from './take-results.ts';
import { type WatchOptions, watchResults } from './watch-results.ts';

type TestResult = wafersync.v1.TestResult.$Properties;
type TestQuery = wafersync.v1.TestQuery.$Properties;
type WatchResultsRequest = wafersync.v1.WatchResultsRequest.$Properties;
type WatchResultsResponse = wafersync.v1.WatchResultsResponse.$Properties;
type TestAck = wafersync.v1.TestAck.$Properties;

/** What the service is made of. */
export interface TestEquipmentOptions extends WatchOptions {
  readonly streams: StreamParts;
  readonly slots: {
    /** For streams and uploads. */
    readonly intake: Slots;
    readonly subscriptions: Slots;
    /** For reading results back. */
    readonly reads: Slots;
  };
}

/** Handlers of TestEquipment. */
export function testEquipmentHandlers(
  options: TestEquipmentOptions,
): HandlersOf<typeof testEquipment.methods> {
  return {
    StreamTestResults: clientStream<TestResult, TestAck>((results, { caller }) =>
      options.slots.intake.hold(async () => {
        const intake = new StreamIntake(options.streams, { caller });
        return toAck(await takeStream(intake, results, options.slots.intake.closings));
      }),
    ),
    SyncTestData: bidi<TestResult, TestAck>((results, { caller }) =>
      options.slots.intake.during(() =>
        syncTestData(options.streams, results, options.slots.intake.closings, caller),
      ),
    ),
    GetHistoricalTests: serverStream<TestQuery, TestResult>((query) => {
      const asked = toQuery(query);
      return options.slots.reads.during(() => historicalResults(options.store, asked));
    }),
    WatchResults: serverStream<WatchResultsRequest, WatchResultsResponse>(
      (request, { signal }) =>
        options.slots.subscriptions.during(() => watchResults(options, request, signal)),
      'large',
    ),
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
