import { type Dot, formatDot } from '../../clocks/dot.ts';
import { wafersync } from '../../gen/wafersync.js';
import { toNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';
import { syncControl, syncMonitor } from '../../wire/services.ts';
import { fromDot, toDot } from '../../wire/vectors.ts';
import { withNode } from '../node-client.ts';
import { userName } from '../options.ts';
import { counted, duration, grouped, printable, type Terminal, table } from '../output.ts';

const { HoldReason, UpdateKind } = wafersync.v1;

/** Why updates are held, by their plain words. */
export const HOLD_REASONS = {
  program: HoldReason.HOLD_REASON_PROGRAM,
  clock: HoldReason.HOLD_REASON_CLOCK,
  kind: HoldReason.HOLD_REASON_KIND,
  fold: HoldReason.HOLD_REASON_FOLD,
  purge: HoldReason.HOLD_REASON_PURGE,
} as const;

/** Options of `wafersync held list`. */
export interface HeldOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly json?: boolean;
  readonly reason?: keyof typeof HOLD_REASONS;
  readonly fab?: string;
  readonly lot?: string;
  readonly limit: number;
}

/** Options of `wafersync held release` and `held drop`. */
export interface SettleOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly json?: boolean;
  readonly author?: string;
  readonly reason: string;
}

/** Tells what is held. Resolves to the exit code. */
export async function listHeld(options: HeldOptions, terminal: Terminal): Promise<number> {
  const { node, reason, fab = '', lot = '', limit, json } = options;
  const rows: HeldJson[] = [];
  const totals = await withNode(syncMonitor, node, async (monitor) => {
    const filter = { reason: reason ? HOLD_REASONS[reason] : 0, fab_id: fab, lot };
    for (let page_token = ''; ; ) {
      const page = await monitor.ListHeld({ ...filter, page_size: limit - rows.length, page_token });
      rows.push(...(page.held ?? []).map(heldJson));
      page_token = page.next_page_token ?? '';
      if (!page_token || rows.length >= limit)
        return { held: toNumber(page.held_updates), dropped: toNumber(page.dropped_updates) };
    }
  });
  if (json) terminal.out(JSON.stringify(rows));
  else terminal.out(heldText(rows, totals));
  return 0;
}

/** Tries a held update again. Resolves to the exit code: 1 where it is held still. */
export async function releaseHeld(dot: Dot, options: SettleOptions, terminal: Terminal): Promise<number> {
  const { node, author = userName(), reason, json } = options;
  const answer = await withNode(syncControl, node, (control) =>
    control.ReleaseHeld({ dot: toDot(dot), author, reason }),
  );
  const applied = answer.applied ?? false;
  const held = answer.held ? heldJson(answer.held) : null;
  if (json) terminal.out(JSON.stringify({ applied, held }));
  else if (!held) terminal.out(`${formatDot(dot)} is applied now.`);
  else
    terminal.out(
      `${formatDot(dot)} is held still (${held.reason}): ${printable(held.detail)}\nWhat releases it: ${held.released_by}.`,
    );
  return applied ? 0 : 1;
}

/** Says that a held update is not to be waited for. Resolves to the exit code. */
export async function dropHeld(dot: Dot, options: SettleOptions, terminal: Terminal): Promise<number> {
  const { node, author = userName(), reason, json } = options;
  const { held } = await withNode(syncControl, node, (control) =>
    control.DropHeld({ dot: toDot(dot), author, reason }),
  );
  if (json) terminal.out(JSON.stringify(heldJson(held ?? {})));
  else
    terminal.out(
      `${formatDot(dot)} is not waited for any more. It stays in the log and is passed on; what it is about is not\n` +
        'SYNCED at this fab as long as it is not applied: `wafersync held release` tries it again.',
    );
  return 0;
}

type HeldJson = ReturnType<typeof heldJson>;

/** Keys of `--json`: those of the proto, numbers as numbers, dot, kind and reason in words. */
function heldJson(held: Message<'HeldUpdate'>) {
  const { wafer, dropped } = held;
  return {
    dot: held.dot ? formatDot(fromDot(held.dot)) : '',
    kind: (UpdateKind[held.kind ?? 0] ?? '')
      .replace('UPDATE_KIND_', '')
      .replace('UNSPECIFIED', 'UNKNOWN')
      .toLowerCase(),
    wafer: wafer
      ? { lot: wafer.lot ?? '', wafer_id: wafer.wafer_id ?? '', insertion: wafer.insertion ?? '' }
      : null,
    reason: Object.entries(HOLD_REASONS).find(([, reason]) => reason === held.reason)?.[0] ?? '',
    detail: held.detail ?? '',
    released_by: held.released_by ?? '',
    since_ms: toNumber(held.since_ms),
    born_ms: toNumber(held.born_ms),
    bytes: toNumber(held.bytes),
    dropped: dropped
      ? { author: dropped.author ?? '', reason: dropped.reason ?? '', at_ms: toNumber(dropped.at_ms) }
      : null,
  };
}

function heldText(rows: readonly HeldJson[], { held, dropped }: { held: number; dropped: number }): string {
  const more = dropped > 0 ? `, and ${grouped(dropped)} that were dropped` : '';
  const all = `${counted(held, 'update')} held${more}`;
  if (rows.length === 0) return held + dropped > 0 ? `${all}; none of them is asked for` : 'nothing is held';
  const head = ['UPDATE', 'KIND', 'WAFER', 'REASON', 'FOR', 'BYTES', 'WHY', 'RELEASED BY'];
  const told = table(
    head,
    rows.map((row) => [
      row.dot,
      row.kind,
      row.wafer ? `${row.wafer.lot}/${row.wafer.wafer_id}/${row.wafer.insertion}` : '-',
      row.dropped ? `${row.reason}, dropped` : row.reason,
      duration(Math.max(0, Date.now() - row.since_ms)),
      grouped(row.bytes),
      row.dropped
        ? `${row.detail}; dropped by ${row.dropped.author || '-'}: ${row.dropped.reason}`
        : row.detail,
      row.dropped ? '`wafersync held release`' : row.released_by,
    ]),
  );
  return `${told}\n\n${all}`;
}
