import { wafersync } from '../../gen/wafersync.js';
import { toNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';
import { epochJson, vectorJson } from '../vector-json.ts';

const { ConfirmedBy, RunState, SyncState } = wafersync.v1;

/** A wafer's status with the keys of the proto. */
export type WaferStatusJson = ReturnType<typeof waferStatusJson>;
/** A lot's status with the keys of the proto. */
export type LotStatusJson = ReturnType<typeof lotStatusJson>;
/** A receipt with the keys of the proto. */
export type ReceiptJson = ReturnType<typeof receiptJson>;

/** States by the words that commands take and print. */
export const STATES = {
  pending: SyncState.PENDING,
  synced: SyncState.SYNCED,
  conflict: SyncState.CONFLICT,
} as const;

const RUN_STATES: ReadonlyMap<wafersync.v1.RunState, string> = new Map([
  [RunState.RUN_STATE_COMPLETE, 'complete'],
  [RunState.RUN_STATE_ARRIVING, 'arriving'],
  [RunState.RUN_STATE_OPEN, 'open'],
  [RunState.RUN_STATE_CUT, 'cut'],
]);

const MEANS: ReadonlyMap<wafersync.v1.ConfirmedBy, string> = new Map([
  [ConfirmedBy.CONFIRMED_BY_OWN, 'own'],
  [ConfirmedBy.CONFIRMED_BY_DIGEST, 'digest'],
  [ConfirmedBy.CONFIRMED_BY_REPORT, 'report'],
]);

/** Null for a field that is absent: nobody knows it. */
function known(value: Message<'WaferSyncStatus'>['attempts_expected']): number | null {
  return value === null || value === undefined ? null : toNumber(value);
}

/** A wafer's status, numbers as numbers, states in small letters; what is not known is null. */
export function waferStatusJson(wafer: Message<'WaferSyncStatus'>) {
  return {
    lot: wafer.lot ?? '',
    wafer_id: wafer.wafer_id ?? '',
    insertion: wafer.insertion ?? '',
    state: stateName(wafer.state),
    ...coverageJson(wafer),
    ...countsJson(wafer),
    runs: toNumber(wafer.runs),
    incomplete_runs: (wafer.incomplete_runs ?? []).map(runJson),
    last_update_us: toNumber(wafer.last_update_us),
    visible: (wafer.visible ?? []).map(visibleJson),
    open_conflicts: toNumber(wafer.open_conflicts),
    product: wafer.product ?? '',
  };
}

/** A lot's status, numbers as numbers, states in small letters; what is not known is null. */
export function lotStatusJson(lot: Message<'LotStatus'>) {
  return {
    lot: lot.lot ?? '',
    state: stateName(lot.state),
    ...coverageJson(lot),
    complete: lot.complete ?? false,
    wafers: toNumber(lot.wafers),
    ...countsJson(lot),
    runs: toNumber(lot.runs),
    incomplete_runs: (lot.incomplete_runs ?? []).map(runJson),
    incomplete_run_count: toNumber(lot.incomplete_run_count),
    wafer_statuses: (lot.wafer_statuses ?? []).map(waferStatusJson),
    left_out_wafers: toNumber(lot.left_out_wafers),
    visible: (lot.visible ?? []).map(visibleJson),
  };
}

/** A receipt, numbers as numbers. */
export function receiptJson(receipt: Message<'LotReceipt'>) {
  return {
    lot: receipt.lot ?? '',
    confirmed: receipt.confirmed ?? false,
    digest: receipt.digest ?? '',
    vector: vectorJson(receipt.vector),
    fabs: (receipt.fabs ?? []).map((fab) => ({
      fab_id: fab.fab_id ?? '',
      equal: fab.equal ?? false,
      confirmed_by: MEANS.get(fab.confirmed_by ?? 0) ?? 'unknown',
      digest: fab.digest ?? '',
      missing_updates: toNumber(fab.missing_updates),
      missing_here: toNumber(fab.missing_here),
      reason: fab.reason ?? '',
    })),
    status: receipt.status ? lotStatusJson(receipt.status) : null,
    fab_id: receipt.fab_id ?? '',
    epoch: epochJson(receipt.epoch),
    at_us: toNumber(receipt.at_us),
    waited_ms: toNumber(receipt.waited_ms),
    missing: receipt.missing ?? [],
  };
}

type Counted = Message<'WaferSyncStatus'> | Message<'LotStatus'>;

function countsJson(counted: Counted) {
  return {
    updates: toNumber(counted.updates),
    held_updates: toNumber(counted.held_updates),
    attempts_expected: known(counted.attempts_expected),
    attempts_received: toNumber(counted.attempts_received),
    dies_expected: known(counted.dies_expected),
    dies_tested: toNumber(counted.dies_tested),
    dies_never_tested: known(counted.dies_never_tested),
  };
}

function coverageJson({ synced_fabs, missing_fabs }: Counted) {
  return {
    synced_fabs: synced_fabs ?? [],
    missing_fabs: (missing_fabs ?? []).map(({ fab_id, updates }) => ({
      fab_id: fab_id ?? '',
      updates: toNumber(updates),
    })),
  };
}

function runJson(run: Message<'RunProgress'>) {
  return {
    run_id: run.run_id ?? '',
    fab_id: run.fab_id ?? '',
    state: RUN_STATES.get(run.state ?? 0) ?? 'unknown',
    attempts_expected: known(run.attempts_expected),
    attempts_received: toNumber(run.attempts_received),
    reason: run.reason ?? '',
    file_name: run.file_name ?? '',
    equipment_id: run.equipment_id ?? '',
  };
}

function visibleJson({ fab_id, time_to_visible_ms }: Message<'VisibleAt'>) {
  return { fab_id: fab_id ?? '', time_to_visible_ms: toNumber(time_to_visible_ms) };
}

function stateName(state: Counted['state']): string {
  return Object.entries(STATES).find(([, value]) => value === state)?.[0] ?? 'unknown';
}
