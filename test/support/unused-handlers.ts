import { bidi, serverStream } from '../../src/api/call.ts';

/** Handlers of TestEquipment for tests that call none of them. */
export const unusedHandlers = {
  SyncTestData: bidi(async function* () {}),
  GetHistoricalTests: serverStream(async function* () {}),
  WatchResults: serverStream(async function* () {}),
};
