import type { ClientOf } from '../api/client.ts';
import { WafersyncError } from '../errors.ts';
import { toNumber } from '../wire/long.ts';
import { type runService, syncMonitor } from '../wire/services.ts';
import { withNode } from './node-client.ts';
import type { WaitFor } from './options.ts';

/** How far a run has come at the fabs that are waited for. */
export interface WaitState {
  /** Updates that have arrived, all awaited fabs together. */
  readonly done: number;
  readonly total: number;
  /** Awaited fabs that miss something. */
  readonly fabs: readonly string[];
}

/**
 * Checks, before anything is handed in, that the fabs to wait for are members of the node's mesh.
 * @throws WafersyncError `invalid` naming the first stranger and the members
 */
export async function checkMembers(node: string, wait: WaitFor): Promise<void> {
  if (wait === 'all') return;
  const members = await withNode(syncMonitor, node, async (monitor) => {
    const { node: state } = await monitor.GetNode({});
    return state?.members ?? [];
  });
  const stranger = wait.find((fab) => !members.includes(fab));
  if (!stranger) return;
  throw new WafersyncError('invalid', `--wait names ${stranger}, which is not a member of this mesh`, {
    hint: `Its members are ${members.join(', ')}.`,
  });
}

/** Waits until the fabs have all of a run; answers all that have it then. @throws WafersyncError */
export async function waitForFabs(
  runs: ClientOf<typeof runService.methods>,
  runId: string,
  wait: WaitFor,
  { signal, told = () => {} }: { signal?: AbortSignal; told?: (state: WaitState) => void } = {},
): Promise<string[]> {
  for await (const news of runs.WatchRun({ run_id: runId }, signal ? { signal } : {})) {
    const synced = news.synced_fabs ?? [];
    const missing = (news.missing ?? []).map(({ fab_id, updates }) => ({
      fab: fab_id ?? '',
      updates: toNumber(updates),
    }));
    const awaited = missing.filter(({ fab }) => wait === 'all' || wait.some((wanted) => wanted === fab));
    const members = synced.length + missing.length;
    const total = toNumber(news.updates) * (wait === 'all' ? members : wait.length);
    const missed = awaited.reduce((sum, { updates }) => sum + updates, 0);
    told({ done: total - missed, total, fabs: awaited.map(({ fab }) => fab) });
    if (members > 0 && awaited.length === 0) return synced;
  }
  throw new WafersyncError('unavailable', `the node ended the watch of run ${runId}`, { hint: 'Try again.' });
}
