import { fromWireView } from '../../api/yield-views.ts';
import { wafersync } from '../../gen/wafersync.js';
import { toNumber } from '../../wire/long.ts';
import { conflictJson } from '../conflicts/conflict-json.ts';
import { vectorJson } from '../vector-json.ts';

const { SyncState } = wafersync.v1;

/** A wafer with the keys of the proto. */
export type WaferJson = ReturnType<typeof waferJson>;
/** A map with the keys of the proto. */
export type MapJson = ReturnType<typeof mapJson>;
/** A die of a map with the keys of the proto. */
export type DieJson = MapJson['dies'][number];

const STATES: ReadonlyMap<wafersync.v1.SyncState, string> = new Map([
  [SyncState.PENDING, 'pending'],
  [SyncState.SYNCED, 'synced'],
  [SyncState.CONFLICT, 'conflict'],
]);

/** A wafer with the keys of the proto, numbers as numbers, its state in small letters. */
export function waferJson(wafer: wafersync.v1.GetWaferResponse.$Properties) {
  return {
    wafer_id: wafer.wafer_id ?? '',
    lot: wafer.lot ?? '',
    insertion: wafer.insertion ?? '',
    document_json: wafer.document_json ?? '',
    version: toNumber(wafer.version),
    etag: wafer.etag ?? '',
    state: STATES.get(wafer.state ?? SyncState.SYNC_STATE_UNSPECIFIED) ?? 'unknown',
    synced_fabs: wafer.synced_fabs ?? [],
    missing_fabs: wafer.missing_fabs ?? [],
    vector: vectorJson(wafer.vector),
    conflicts: (wafer.conflicts ?? []).map(conflictJson),
    open_conflicts: toNumber(wafer.open_conflicts),
    ruled_conflicts: toNumber(wafer.ruled_conflicts),
    product: wafer.product ?? '',
    attempts: toNumber(wafer.attempts),
    results: toNumber(wafer.results),
    retired: wafer.retired ?? false,
  };
}

/** A map with the keys of the proto, numbers as numbers, its view as the option `--view` names it. */
export function mapJson(map: wafersync.v1.GetWaferMapResponse.$Properties) {
  return {
    view: fromWireView(map.view ?? 0),
    composite: map.composite ?? false,
    parts: toNumber(map.parts),
    passed: toNumber(map.passed),
    failed: toNumber(map.failed),
    hard_bins: (map.hard_bins ?? []).map(binJson),
    soft_bins: (map.soft_bins ?? []).map(binJson),
    orientation: map.orientation ?? '',
    dies: (map.dies ?? []).map((die) => ({
      x: die.x ?? 0,
      y: die.y ?? 0,
      hard_bin: die.hard_bin ?? null,
      soft_bin: die.soft_bin ?? null,
      passed: die.passed ?? null,
      attempts: die.attempts ?? 0,
      disputed: die.disputed ?? false,
      rebin: die.rebin ?? null,
      inked: die.inked ?? false,
      verdict: die.verdict ?? null,
    })),
  };
}

function binJson({ bin, parts }: wafersync.v1.BinCount.$Properties) {
  return { bin: bin ?? null, parts: toNumber(parts) };
}
