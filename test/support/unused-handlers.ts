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
  ListHeld: unary(() => ({})),
};

/** Handlers of SyncControl that steer a node, for tests that call none of them. */
export const unusedSteering = {
  ReleaseHeld: unary(() => ({})),
  DropHeld: unary(() => ({})),
  PausePeer: unary(() => ({})),
  ResumePeer: unary(() => ({})),
  SetPeerLimit: unary(() => ({})),
  Drain: serverStream(async function* () {}),
  CancelDrain: unary(() => ({})),
  ListActs: unary(() => ({})),
};
