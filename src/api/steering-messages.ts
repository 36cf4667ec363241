import { fabId } from '../clocks/dot.ts';
import { timestampMs } from '../clocks/hlc.ts';
import { WafersyncError } from '../errors.ts';
import { wafersync } from '../gen/wafersync.js';
import type { KeptAct } from '../store/acts.ts';
import type { Hold } from '../store/holds.ts';
import type { LimitWindow } from '../store/limits.ts';
import type { PausedLanes, PeerPause } from '../store/pauses.ts';
import type { Store } from '../store/store.ts';
import type { HoldReason } from '../store/types.ts';
import type { DrainProgress } from '../sync/drain.ts';
import { releasedBy } from '../sync/held-control.ts';
import type { LimitNow } from '../sync/peer-limits.ts';
import type { Authorship } from '../wafer/document/compose.ts';
import { kindOf } from '../wire/header.ts';
import { fromNumber, toNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import { toDot } from '../wire/vectors.ts';

const v1 = wafersync.v1;

/** Rows told where a client does not say how many, and at most. */
const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;

const REASONS: Readonly<Record<HoldReason, wafersync.v1.HoldReason>> = {
  program: v1.HoldReason.HOLD_REASON_PROGRAM,
  clock: v1.HoldReason.HOLD_REASON_CLOCK,
  kind: v1.HoldReason.HOLD_REASON_KIND,
  fold: v1.HoldReason.HOLD_REASON_FOLD,
  purge: v1.HoldReason.HOLD_REASON_PURGE,
};

const LANES: Readonly<Record<PausedLanes, wafersync.v1.LaneKind>> = {
  live: v1.LaneKind.LANE_KIND_LIVE,
  'catch-up': v1.LaneKind.LANE_KIND_CATCH_UP,
  all: v1.LaneKind.LANE_KIND_ALL,
};

/** A page of what is held. @throws WafersyncError `invalid` naming the field */
export function listHeld(
  store: Pick<Store, 'holds' | 'stats'>,
  request: Message<'ListHeldRequest'>,
): Message<'ListHeldResponse'> {
  const size = pageSize(request.page_size);
  const filter = {
    reason: fromHoldReason(request.reason ?? 0),
    fab: request.fab_id ? fabId(request.fab_id) : null,
    lot: request.lot || null,
  };
  const page = store.holds.page(filter, rowOf(request.page_token) ?? 0, size);
  return {
    held: page.map(toHeldUpdate),
    next_page_token: page.length === size ? String(page.at(-1)!.row) : '',
    held_updates: fromNumber(store.stats().held),
    dropped_updates: fromNumber(store.holds.dropped),
  };
}

/** Message of a held update. */
export function toHeldUpdate(hold: Hold): Message<'HeldUpdate'> {
  const { dot, kind, wafer, reason, detail, sinceMs, timestamp, bytes, dropped } = hold;
  return {
    dot: toDot(dot),
    kind: kindOf(kind),
    wafer: wafer && { lot: wafer.lot, wafer_id: wafer.waferId, insertion: wafer.insertion },
    reason: REASONS[reason],
    detail,
    released_by: releasedBy(hold),
    since_ms: fromNumber(sinceMs),
    born_ms: fromNumber(timestampMs(timestamp)),
    bytes: fromNumber(bytes),
    dropped: dropped && { author: dropped.author, reason: dropped.reason, at_ms: fromNumber(dropped.atMs) },
  };
}

/** Message of the pause of a peer; null where it is not paused. */
export function toPeerPause(fab: string, pause: PeerPause | null): Message<'PeerPause'> | null {
  return (
    pause && {
      fab_id: fab,
      lanes: LANES[pause.lanes],
      author: pause.author,
      reason: pause.reason,
      since_ms: fromNumber(pause.sinceMs),
      until_ms: fromNumber(pause.untilMs ?? 0),
    }
  );
}

/** Message of the limit of a peer; null where it has none. */
export function toPeerLimit(fab: string, limit: LimitNow | null): Message<'PeerLimit'> | null {
  return (
    limit && {
      fab_id: fab,
      bytes_per_s: fromNumber(limit.bytesPerS),
      windows: limit.windows.map(({ fromMinute, toMinute, bytesPerS }) => ({
        from_minute: fromMinute,
        to_minute: toMinute,
        bytes_per_s: fromNumber(bytesPerS),
      })),
      author: limit.author,
      reason: limit.reason,
      since_ms: fromNumber(limit.sinceMs),
      now_bytes_per_s: fromNumber(limit.nowBytesPerS),
      time_zone: limit.timeZone,
      now_minute: limit.nowMinute,
    }
  );
}

/** Window of a message. */
export function fromLimitWindow(window: Message<'LimitWindow'>): LimitWindow {
  return {
    fromMinute: window.from_minute ?? 0,
    toMinute: window.to_minute ?? 0,
    bytesPerS: toNumber(window.bytes_per_s, 'bytes_per_s'),
  };
}

/** Lanes that a message names. @throws WafersyncError `invalid` */
export function fromLanes(lanes: wafersync.v1.LaneKind | null | undefined): PausedLanes {
  if (!lanes) return 'all';
  const found = (Object.keys(LANES) as PausedLanes[]).find((name) => LANES[name] === lanes);
  if (found) return found;
  throw new WafersyncError('invalid', `lanes is ${lanes}, which this version does not know`, {
    hint: 'It is LANE_KIND_LIVE, LANE_KIND_CATCH_UP or LANE_KIND_ALL.',
  });
}

/** Message of how far a drain is. @param replaced what was said before the call gave another reason */
export function toDrainResponse(
  progress: DrainProgress,
  replaced: Authorship | null,
): Message<'DrainResponse'> {
  return {
    drained: progress.drained,
    open_streams: progress.openStreams,
    only_here_updates: fromNumber(progress.onlyHere),
    only_here_of_others: fromNumber(progress.onlyHereOfOthers),
    lacks: progress.lacks.map(({ fab, lacks, held, connected }) => ({
      fab_id: fab,
      lacks_updates: fromNumber(lacks),
      held_updates: fromNumber(held),
      connected,
    })),
    author: progress.author,
    reason: progress.reason,
    since_ms: fromNumber(progress.sinceMs),
    replaced_author: replaced?.author ?? '',
    replaced_reason: replaced?.reason ?? '',
  };
}

/** A page of the acts. @throws WafersyncError `invalid` naming the field */
export function listActs(
  { acts }: Pick<Store, 'acts'>,
  request: Message<'ListActsRequest'>,
): Message<'ListActsResponse'> {
  const size = pageSize(request.page_size);
  const page = acts.list(rowOf(request.page_token), size);
  return { acts: page.map(toAct), next_page_token: page.length === size ? String(page.at(-1)!.id) : '' };
}

function toAct({ atMs, act, about, detail, author, reason }: KeptAct): Message<'Act'> {
  return { at_ms: fromNumber(atMs), act, about, detail, author, reason };
}

function fromHoldReason(reason: wafersync.v1.HoldReason): HoldReason | null {
  if (reason === v1.HoldReason.HOLD_REASON_UNSPECIFIED) return null;
  const found = (Object.keys(REASONS) as HoldReason[]).find((name) => REASONS[name] === reason);
  if (found) return found;
  throw new WafersyncError('invalid', `reason is ${reason}, which this version does not know`, {
    hint: 'It is one of HoldReason; without it all are told.',
  });
}

function pageSize(size: number | null | undefined): number {
  return Math.min(size || DEFAULT_PAGE, MAX_PAGE);
}

/** Row that a page begins behind; null for the first page. @throws WafersyncError `invalid` */
function rowOf(token: string | null | undefined): number | null {
  if (!token) return null;
  const row = Number(token);
  if (/^\d+$/.test(token) && Number.isSafeInteger(row)) return row;
  throw new WafersyncError('invalid', `page_token ${JSON.stringify(token)} is none of this method`, {
    hint: 'Give next_page_token of the answer before, or nothing.',
  });
}
