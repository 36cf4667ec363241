import { WafersyncError } from '../../errors.ts';
import { wafersync } from '../../gen/wafersync.js';
import { formatWafer, type WaferKey } from '../../wafer/wafer-key.ts';
import { conflictService, syncMonitor, waferService } from '../../wire/services.ts';
import { withNode } from '../node-client.ts';
import { addressOf, type DemoFab } from './fabs.ts';
import type { Outpost } from './outpost.ts';

const { SyncState } = wafersync.v1;
type Wafer = wafersync.v1.GetWaferResponse.$Properties;
type Conflict = wafersync.v1.Conflict.$Properties;

/** Where the story is told. */
export interface Teller {
  say(text: string): void;
  /** Steady clock, milliseconds. */
  nowMs(): number;
  readonly signal: AbortSignal;
}

/** How soon a node tells of a change, milliseconds. */
const INTERVAL_MS = 20;

/**
 * Lets two fabs edit one wafer while their link is down, shows the conflict at both once it is back, settles it at a
 * third, and waits until all show the same.
 */
export async function dispute(
  wafer: WaferKey,
  fabs: readonly DemoFab[],
  outpost: Outpost,
  teller: Teller,
): Promise<void> {
  const [home, , third] = fabs as [DemoFab, DemoFab, DemoFab];
  const away = outpost.fab;
  const name = formatWafer(wafer);
  outpost.cut();
  await patch(home, wafer, 'lin', 'all dies are good', {
    op: 'replace',
    path: '/disposition',
    value: 'ship',
  });
  await patch(away, wafer, 'ana', 'scratch at the edge', {
    op: 'add',
    path: '/holds/H1',
    value: { reason: 'scratch at the edge' },
  });
  teller.say(
    `With all links of ${away.place} (${away.fab}) cut, ${home.place} releases ${name} for shipping, and ${away.place} puts it on hold.`,
  );
  const healedMs = teller.nowMs();
  outpost.heal();
  const conflict = await conflictAt(home, wafer, teller);
  await conflictAt(away, wafer, teller);
  teller.say(
    `${seconds(teller.nowMs() - healedMs)} after the links came back both show the conflict, which is open for a person:\n${describe(conflict)}`,
  );
  await conflictAt(third, wafer, teller);
  const settledMs = teller.nowMs();
  await settle(third, conflict, away.fab);
  for (const fab of fabs) await until(fab, wafer, teller, isSettled);
  teller.say(
    `${third.place} settles it: the hold stands. ${seconds(teller.nowMs() - settledMs)} later all five show disposition hold and no open conflict, and have all of it.`,
  );
}

async function patch(
  fab: DemoFab,
  wafer: WaferKey,
  author: string,
  reason: string,
  operation: object,
): Promise<void> {
  await withNode(waferService, addressOf(fab), (wafers) =>
    wafers.PatchWafer({ ...named(wafer), patch_json: JSON.stringify([operation]), author, reason }),
  );
}

/** The conflict of a wafer, once a fab shows it. */
async function conflictAt(fab: DemoFab, wafer: WaferKey, teller: Teller): Promise<Conflict> {
  const { conflicts } = await until(fab, wafer, teller, ({ state }) => state === SyncState.CONFLICT);
  return conflicts![0]!;
}

function isSettled({ state, document_json }: Wafer): boolean {
  return state === SyncState.SYNCED && JSON.parse(document_json ?? '{}').disposition === 'hold';
}

async function settle(fab: DemoFab, conflict: Conflict, chosen: string): Promise<void> {
  const choose = conflict.members?.find(({ dot }) => dot?.fab_id === chosen)?.dot ?? null;
  const id = conflict.id ?? '';
  await withNode(conflictService, addressOf(fab), (conflicts) =>
    conflicts.ResolveConflict({ id, choose, author: 'max', reason: 'a scratch may open later' }),
  );
}

/** The wafer at a fab, once something holds of it; looked at whenever the node tells of a change. */
async function until(
  fab: DemoFab,
  wafer: WaferKey,
  { signal }: Teller,
  holds: (wafer: Wafer) => boolean,
): Promise<Wafer> {
  const address = addressOf(fab);
  return withNode(waferService, address, (wafers) =>
    withNode(syncMonitor, address, async (monitor) => {
      for await (const _ of monitor.WatchNode({ min_interval_ms: INTERVAL_MS }, { signal })) {
        const now = await wafers.GetWafer(named(wafer), { signal });
        if (holds(now)) return now;
      }
      throw new WafersyncError('unavailable', `the node of ${fab.fab} ended the watch`);
    }),
  );
}

function describe({ id, members }: Conflict): string {
  const lines = (members ?? []).map(
    ({ field, value_json, dot, author, reason }) =>
      `  ${dot?.fab_id}  ${author}: ${field} = ${value_json} (${reason})`,
  );
  return [`  conflict ${id?.slice(0, 8)}`, ...lines].join('\n');
}

function named({ lot, waferId, insertion }: WaferKey) {
  return { lot, wafer_id: waferId, insertion };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
