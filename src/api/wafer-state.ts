import { wafersync } from '../gen/wafersync.js';
import type { Coverage } from '../sync/coverage.ts';

const { SyncState } = wafersync.v1;

const STATES = {
  unknown: SyncState.SYNC_STATE_UNSPECIFIED,
  pending: SyncState.PENDING,
  synced: SyncState.SYNCED,
} as const;

/** Enum value of a coverage's state. */
export function syncStateOf({ state }: Coverage): wafersync.v1.SyncState {
  return STATES[state];
}

/** State of a wafer: CONFLICT exactly while one of it is open for a person. */
export function waferState(coverage: Coverage, openConflicts: number): wafersync.v1.SyncState {
  return openConflicts > 0 ? SyncState.CONFLICT : syncStateOf(coverage);
}
