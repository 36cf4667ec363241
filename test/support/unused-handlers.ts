import { bidi, serverStream, unary } from '../../src/api/call.ts';

/** Handlers of TestEquipment for tests that call none of them. */
export const unusedHandlers = {
  SyncTestData: bidi(async function* () {}),
  GetHistoricalTests: serverStream(async function* () {}),
  WatchResults: serverStream(async function* () {}),
};

/** Handlers of SyncMonitor about wafers and lots for tests that call none of them. */
export const unusedLotHandlers = {
  GetWaferStatus: unary(() => ({})),
  ListWafers: unary(() => ({})),
  GetLotStatus: unary(() => ({})),
  WatchSyncStatus: serverStream(async function* () {}),
  GetLotDigest: unary(() => ({})),
  WaitForLot: serverStream(async function* () {}),
};

/** Handlers of SyncMonitor for tests that call none of them. */
export const unusedMonitorHandlers = {
  ...unusedLotHandlers,
  ListPeers: unary(() => ({})),
};
