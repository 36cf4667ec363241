import { WafersyncError } from '../errors.ts';
import { wafersync } from '../gen/wafersync.js';
import type { LotContent } from '../store/lot-scan.ts';
import type { Store } from '../store/store.ts';
import { type Coverage, coverageOf } from '../sync/coverage.ts';
import type { LotBook } from '../sync/lot-book.ts';
import type { LotFacts } from '../sync/lot-facts.ts';
import type { Turns } from '../sync/turns.ts';
import { expectedAttempts, neverTested, runStateOf, sumOrNull } from '../wafer/completeness.ts';
import { fromNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import { counted } from '../words/counted.ts';
import { similarLots } from './similar-lots.ts';
import { syncStateOf } from './wafer-state.ts';
import {
  coverageFields,
  incompleteRuns,
  type MeshNow,
  optional,
  toRunProgress,
  toVisible,
  waferStatus,
} from './wafer-status.ts';

const { SyncState } = wafersync.v1;

/** Runs that are told with a lot. */
const MAX_RUNS_OF_LOT = 100;

/** Reasons that are told one by one. */
const MAX_REASONS = 20;

/** A lot's message without its wafers, and what it says of where the lot is. */
export interface LotView {
  readonly message: Message<'LotStatus'>;
  readonly coverage: Coverage;
}

/** How far a lot is. */
export function lotStatus(facts: LotFacts, mesh: MeshNow, store: Pick<Store, 'lots'>): LotView {
  const coverage = coverageOf(facts.dots, mesh.members, mesh.reports);
  const { wafers, waferCount, runs } = facts;
  const gross = waferCount > wafers.length ? null : sumOrNull(wafers.map(({ grossDies }) => grossDies));
  const tested = wafers.reduce((sum, { dies }) => sum + dies, 0);
  const untested = wafers.map(({ grossDies, dies }) => neverTested(grossDies, dies));
  const incomplete = incompleteRuns(runs);
  const message = {
    lot: facts.lot,
    state: facts.disputed ? SyncState.CONFLICT : syncStateOf(coverage),
    ...coverageFields(coverage),
    complete: facts.known && lacksHere(facts, false).length === 0,
    wafers: fromNumber(waferCount),
    updates: fromNumber(facts.dots.size),
    held_updates: fromNumber(heldOf(facts)),
    attempts_expected: optional(expectedAttempts(runs)),
    attempts_received: fromNumber(runs.reduce((sum, { received }) => sum + received, 0)),
    dies_expected: optional(gross),
    dies_tested: fromNumber(tested),
    dies_never_tested: optional(gross === null ? null : sumOrNull(untested)),
    runs: fromNumber(runs.length),
    incomplete_runs: incomplete.slice(0, MAX_RUNS_OF_LOT).map(toRunProgress),
    incomplete_run_count: fromNumber(incomplete.length),
    left_out_wafers: fromNumber(waferCount - wafers.length),
    visible: toVisible(store.lots.lastOf(facts.dots), mesh),
  };
  return { message, coverage };
}

/** The lot with its wafers. Yields where it may give way: after each wafer. */
export function* withWafers(
  { message }: LotView,
  facts: LotFacts,
  mesh: MeshNow,
): Generator<void, Message<'LotStatus'>> {
  const wafer_statuses: Message<'WaferSyncStatus'>[] = [];
  for (const wafer of facts.wafers) {
    wafer_statuses.push(waferStatus(wafer, mesh).message);
    yield;
  }
  return { ...message, wafer_statuses };
}

/** How many updates of a lot are here and not applied. */
export function heldOf({ dots, applied }: LotContent): number {
  return dots.size - applied.size;
}

/**
 * Why a lot is not complete here, a sentence each; none where it is.
 * @param acceptCut whether runs that were cut count as complete, with what they have
 */
export function lacksHere(facts: LotFacts, acceptCut: boolean): string[] {
  if (!facts.known) return [`nothing of lot ${facts.lot} is known here yet`];
  const runs = facts.runs.filter((run) => {
    const state = runStateOf(run);
    return state !== 'complete' && !(acceptCut && state === 'cut');
  });
  const told = runs.slice(0, MAX_REASONS).map((run) => {
    const { run_id, fab_id, state, reason } = toRunProgress(run);
    const how = state === wafersync.v1.RunState.RUN_STATE_CUT ? ' was cut' : '';
    return `run ${run_id} of ${fab_id}${how}: ${reason}`;
  });
  const others = runs.length - told.length;
  if (others > 0) told.push(`${counted(others, 'other run is', 'other runs are')} not complete`);
  const held = heldOf(facts);
  return held > 0 ? [...told, `${counted(held, 'update of it is', 'updates of it are')} held here`] : told;
}

/** The lot that a request names. @throws WafersyncError `invalid` without one */
export function givenLot(lot: string | null | undefined): string {
  if (lot) return lot;
  throw new WafersyncError('invalid', 'lot is empty', {
    hint: 'Name the lot. ListWafers, and `wafersync wafers`, tell the wafers without one too.',
  });
}

/** A lot of which something is here. @throws WafersyncError `not-found` */
export async function knownLot(
  { store, lots }: { readonly store: Pick<Store, 'lots'>; readonly lots: LotBook },
  name: string,
  signal: AbortSignal,
  turns: Turns,
): Promise<LotFacts> {
  const facts = await lots.read(name, signal, turns);
  if (facts.known) return facts;
  const similar = similarLots(store, name);
  const near = similar.length === 0 ? '' : `Did you mean ${similar.join(' or ')}? `;
  throw new WafersyncError('not-found', `lot ${name} is not known here`, {
    hint: `${near}It may not have arrived yet: \`wafersync status\` tells what is missing, \`wafersync lot wait\` waits for it.`,
  });
}
