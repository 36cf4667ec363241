import { wafersync } from '../../gen/wafersync.js';
import { toNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';
import { syncControl } from '../../wire/services.ts';
import { withNode } from '../node-client.ts';
import { userName } from '../options.ts';
import { grouped, lack, type Terminal, table } from '../output.ts';
import { limitJson } from '../steering/limit.ts';
import { pauseJson, pauseText } from '../steering/peer.ts';

/** Options of `wafersync fab list`. */
export interface FabOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly json?: boolean;
}

/** Options of `wafersync fab remove`. */
export interface RemoveFabOptions extends FabOptions {
  readonly author?: string;
  readonly reason: string;
}

/** Options of `wafersync fab add`. */
export interface AddFabOptions extends FabOptions {
  readonly address?: string;
  readonly author?: string;
  readonly reason?: string;
}

/** Options of `wafersync fab evict`. */
export interface EvictFabOptions extends RemoveFabOptions {
  /** The fab once more. */
  readonly confirm: string;
}

const { FabState } = wafersync.v1;

/** States in plain words. */
const WORDS: ReadonlyMap<number, string> = new Map([
  [FabState.FAB_STATE_MEMBER, 'member'],
  [FabState.FAB_STATE_REMOVED, 'removed'],
  [FabState.FAB_STATE_EVICTED, 'evicted'],
]);

/** Tells all fabs. Resolves to the exit code. */
export async function listFabs(options: FabOptions, terminal: Terminal): Promise<number> {
  const { fabs } = await withNode(syncControl, options.node, (control) => control.ListFabs({}));
  const rows = (fabs ?? []).map(fabJson);
  const paused = rows.flatMap(({ pause }) => (pause ? [`PAUSED: ${pauseText(pause)}`] : []));
  terminal.out(options.json ? JSON.stringify(rows) : [fabTable(rows), ...paused].join('\n'));
  return 0;
}

/** Adds a fab. Resolves to the exit code. */
export async function addFab(fab_id: string, options: AddFabOptions, terminal: Terminal): Promise<number> {
  const { address = '', author = userName(), reason = '' } = options;
  const { fab } = await withNode(syncControl, options.node, (control) =>
    control.AddFab({ fab_id, address, author, reason }),
  );
  tell(fab, options, terminal, []);
  return 0;
}

/** Lets a fab leave. Resolves to the exit code. */
export async function removeFab(
  fab_id: string,
  options: RemoveFabOptions,
  terminal: Terminal,
): Promise<number> {
  const { author = userName(), reason } = options;
  const { fab } = await withNode(syncControl, options.node, (control) =>
    control.RemoveFab({ fab_id, author, reason }),
  );
  tell(fab, options, terminal, [`Its node may be stopped now.`]);
  return 0;
}

/** Shuts a fab out. Resolves to the exit code. */
export async function evictFab(
  fab_id: string,
  options: EvictFabOptions,
  terminal: Terminal,
): Promise<number> {
  const { author = userName(), reason, confirm: confirm_fab_id } = options;
  const { fab, behind_fabs } = await withNode(syncControl, options.node, (control) =>
    control.EvictFab({ fab_id, confirm_fab_id, author, reason }),
  );
  const behind = behind_fabs ?? [];
  tell(fab, options, terminal, [
    ...(behind.length > 0
      ? [
          `${behind.join(', ')} still ${lack(behind)} some of what it sent, to be had from those that have it.`,
        ]
      : []),
    'What it acknowledged and sent to nobody is lost unless it returns. If it does, it syncs, and stays evicted until it is added.',
  ]);
  return 0;
}

type FabJson = ReturnType<typeof fabJson>;

/** Keys of `--json`: those of the proto, numbers as numbers. */
function fabJson(fab: Message<'FabInfo'>) {
  return {
    fab_id: fab.fab_id ?? '',
    state: WORDS.get(fab.state ?? 0) ?? '',
    address: fab.address ?? '',
    author: fab.author ?? '',
    reason: fab.reason ?? '',
    since_ms: toNumber(fab.since_ms),
    connected: fab.connected ?? false,
    updates_here: toNumber(fab.updates_here),
    updates_missing_here: toNumber(fab.updates_missing_here),
    lacks_updates: toNumber(fab.lacks_updates),
    pause: pauseJson(fab.pause),
    limit: limitJson(fab.limit),
  };
}

function tell(
  fab: Message<'FabInfo'> | null | undefined,
  { json }: FabOptions,
  terminal: Terminal,
  notes: readonly string[],
): void {
  const row = fabJson(fab ?? {});
  if (json) terminal.out(JSON.stringify(row));
  else terminal.out([`${row.fab_id} is ${row.state} now.`, ...notes].join('\n'));
}

function fabTable(rows: readonly FabJson[]): string {
  const head = [
    'FAB',
    'STATE',
    'ADDRESS',
    'CONNECTED',
    'BORN THERE',
    'NOT HERE',
    'LACKS',
    'SINCE',
    'BY',
    'REASON',
  ];
  return table(
    head,
    rows.map((row) => [
      row.fab_id,
      row.state,
      row.address || '-',
      row.pause?.lanes === 'all' ? 'paused' : row.connected ? 'yes' : 'no',
      grouped(row.updates_here),
      grouped(row.updates_missing_here),
      grouped(row.lacks_updates),
      row.since_ms > 0 ? new Date(row.since_ms).toISOString().slice(0, 16).replace('T', ' ') : '-',
      row.author || '-',
      row.reason || '-',
    ]),
  );
}
