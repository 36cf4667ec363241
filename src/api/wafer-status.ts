import type { FabId } from '../clocks/dot.ts';
import { timestampMs } from '../clocks/hlc.ts';
import { wafersync } from '../gen/wafersync.js';
import type { LotRun } from '../store/lots.ts';
import type { Store } from '../store/store.ts';
import type { AppliedMarks } from '../sync/applied-marks.ts';
import { type Coverage, coverageOf } from '../sync/coverage.ts';
import type { Membership } from '../sync/membership.ts';
import type { Report } from '../sync/report.ts';
import type { SyncRunner } from '../sync/sync-runner.ts';
import { visibleAt, type WaferFacts } from '../sync/wafer-facts.ts';
import { expectedOfWafer, neverTested, type RunState, runStateOf } from '../wafer/completeness.ts';
import { fromNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import { counted, grouped } from '../words/counted.ts';
import { waferState } from './wafer-state.ts';

const States = wafersync.v1.RunState;

/** What the states of wafers and lots are told from. */
export interface StatusSources {
  readonly store: Store;
  readonly sync: Pick<SyncRunner, 'reports' | 'changes'>;
  readonly membership: Pick<Membership, 'members'>;
  readonly marks: Pick<AppliedMarks, 'at'>;
}

/** Who belongs to the mesh and has what, at one moment. */
export interface MeshNow {
  readonly members: readonly FabId[];
  readonly reports: readonly Report[];
  readonly marks: Pick<AppliedMarks, 'at'>;
}

/** Runs that are told with a wafer. */
const MAX_RUNS_OF_WAFER = 20;

const RUN_STATES: Readonly<Record<RunState, wafersync.v1.RunState>> = {
  complete: States.RUN_STATE_COMPLETE,
  arriving: States.RUN_STATE_ARRIVING,
  open: States.RUN_STATE_OPEN,
  cut: States.RUN_STATE_CUT,
};

/** The mesh as this node knows it now. */
export function meshNow({ sync, membership, marks }: StatusSources): MeshNow {
  return { members: membership.members(), reports: sync.reports(), marks };
}

/** A wafer's message, and what it says of where the wafer is. */
export function waferStatus(
  facts: WaferFacts,
  mesh: MeshNow,
): { readonly message: Message<'WaferSyncStatus'>; readonly coverage: Coverage } {
  const coverage = coverageOf(facts.dots, mesh.members, mesh.reports);
  const { lot, waferId, insertion } = facts.key;
  const incomplete = incompleteRuns(facts.runs);
  const message = {
    ...{ lot, wafer_id: waferId, insertion },
    state: waferState(coverage, facts.openConflicts),
    ...coverageFields(coverage),
    updates: fromNumber(facts.dots.size),
    held_updates: fromNumber(facts.held),
    attempts_expected: optional(expectedOfWafer(facts.runs)),
    attempts_received: fromNumber(facts.attempts),
    dies_expected: optional(facts.grossDies),
    dies_tested: fromNumber(facts.dies),
    dies_never_tested: optional(neverTested(facts.grossDies, facts.dies)),
    runs: fromNumber(facts.runs.length),
    incomplete_runs: incomplete.slice(0, MAX_RUNS_OF_WAFER).map(toRunProgress),
    last_update_us: fromNumber(facts.last ? timestampMs(facts.last.timestamp) * 1000 : 0),
    visible: toVisible(facts.last, mesh),
    open_conflicts: fromNumber(facts.openConflicts),
    product: facts.product,
  };
  return { message, coverage };
}

/** Runs of which something is not here, or that did not end as they should. */
export function incompleteRuns(runs: readonly LotRun[]): LotRun[] {
  return runs.filter((run) => runStateOf(run) !== 'complete');
}

/** Fields that say who has all of something, and who misses how much. */
export function coverageFields({ synced, missing }: Coverage) {
  return {
    synced_fabs: [...synced],
    missing_fabs: missing.map(({ fab, updates }) => ({ fab_id: fab, updates: fromNumber(updates) })),
  };
}

/** Messages of how soon something was visible at the members. */
export function toVisible(last: WaferFacts['last'], { members, marks }: MeshNow): Message<'VisibleAt'>[] {
  return visibleAt(last, members, marks).map(({ fab, afterMs }) => ({
    fab_id: fab,
    time_to_visible_ms: fromNumber(afterMs),
  }));
}

/** Message of a run that is not complete. */
export function toRunProgress(run: LotRun): Message<'RunProgress'> {
  const state = runStateOf(run);
  return {
    run_id: run.id,
    fab_id: run.fab,
    state: RUN_STATES[state],
    attempts_expected: optional(state === 'open' ? null : run.recorded),
    attempts_received: fromNumber(run.received),
    reason: reasonOf(run, state),
    file_name: run.fileName,
    equipment_id: run.equipmentId,
  };
}

function reasonOf({ source, recorded, received, incompleteReason }: LotRun, state: RunState): string {
  if (state === 'complete') return '';
  if (state === 'arriving')
    return `${counted(recorded! - received, 'attempt')} of ${grouped(recorded!)} ${recorded! - received === 1 ? 'is' : 'are'} not visible here yet`;
  if (state === 'open') return source === null ? 'no record of it has come yet' : 'the stream has not ended';
  return incompleteReason || 'it ended before its end';
}

/** 64-bit field that may be absent. */
export function optional(value: number | null) {
  return value === null ? null : fromNumber(value);
}
