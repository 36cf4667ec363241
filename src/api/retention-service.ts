import { timestampMs } from '../clocks/hlc.ts';
import { WafersyncError } from '../errors.ts';
import type { StoredPurge } from '../store/purges.ts';
import type { Store } from '../store/store.ts';
import type { PurgeOutlook } from '../sync/purge-plan.ts';
import type { Retention } from '../sync/retention.ts';
import { fromNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import type { retentionService } from '../wire/services.ts';
import { toDot } from '../wire/vectors.ts';
import { unary } from './call.ts';
import type { HandlersOf } from './handlers.ts';

/** What the service is made of. */
export interface RetentionServiceOptions {
  readonly store: Pick<Store, 'purges'>;
  readonly retention: Pick<Retention, 'plan' | 'purge'>;
}

/** A purge of much takes its time, and its plan goes through all that is old enough. Clients ask for as much. */
export const RETENTION_POLICIES = {
  PlanPurge: { deadlineMs: 10 * 60_000 },
  Purge: { deadlineMs: 30 * 60_000 },
} as const;

/** Purges told where a client does not say how many, and at most. */
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** Greatest age that can be asked for, days. */
export const MAX_TERM_DAYS = 36_500;

/** Bytes of author and reason in UTF-8: a purge is sent to every fab. */
const MAX_TEXT_BYTES = 1024;

/** Handlers of RetentionService. */
export function retentionServiceHandlers({
  store,
  retention,
}: RetentionServiceOptions): HandlersOf<typeof retentionService.methods> {
  return {
    PlanPurge: unary<Message<'PlanPurgeRequest'>, Message<'PlanPurgeResponse'>>(async (request, { signal }) =>
      toOutlook(await retention.plan({ olderThanDays: daysOf(request.older_than_days) }, signal)),
    ),
    Purge: unary<Message<'PurgeRequest'>, Message<'PurgeResponse'>>(async (request, { signal }) => {
      const facts = {
        author: given('author', request.author, 'Say who asks: every fab shows it.'),
        reason: given('reason', request.reason, 'Say why: every fab shows it.'),
      };
      const wish = { olderThanDays: daysOf(request.older_than_days) };
      const { purges, updates, freedBytes, left } = await retention.purge(wish, facts, signal);
      return {
        purges: purges.map(toDot),
        updates: fromNumber(updates),
        freed_bytes: fromNumber(freedBytes),
        left: toOutlook(left),
      };
    }),
    ListPurges: unary<Message<'ListPurgesRequest'>, Message<'ListPurgesResponse'>>(({ limit }) => ({
      purges: store.purges.list(Math.min(limit || DEFAULT_LIMIT, MAX_LIMIT)).map(toPurge),
    })),
  };
}

function daysOf(days: number | null | undefined): number {
  if ((days ?? 0) <= MAX_TERM_DAYS) return days ?? 0;
  throw new WafersyncError('invalid', `older_than_days is ${days}`, {
    hint: `Give at most ${MAX_TERM_DAYS} days.`,
  });
}

function given(name: string, text: string | null | undefined, hint: string): string {
  const said = text?.trim();
  if (!said) throw new WafersyncError('invalid', `${name} is empty`, { hint });
  const bytes = Buffer.byteLength(said);
  if (bytes <= MAX_TEXT_BYTES) return said;
  throw new WafersyncError('invalid', `${name} has ${bytes} bytes`, {
    hint: `Say it in ${MAX_TEXT_BYTES} bytes.`,
  });
}

/** Message of what a purge would take. */
export function toOutlook({
  updates,
  bytes,
  blocked,
  blocks,
  oldestMs,
}: PurgeOutlook): Message<'PlanPurgeResponse'> {
  return {
    updates: fromNumber(updates),
    bytes: fromNumber(bytes),
    blocked_updates: fromNumber(blocked),
    blocks: toBlocks(blocks),
    oldest_us: fromNumber((oldestMs ?? 0) * 1000),
  };
}

/** Messages of what blocks a purge. */
export function toBlocks(blocks: PurgeOutlook['blocks']): Message<'PurgeBlock'>[] {
  return blocks.map(({ fab, updates, heardAtMs, oldestMs }) => ({
    fab_id: fab,
    updates: fromNumber(updates),
    heard_at_us: fromNumber((heardAtMs ?? 0) * 1000),
    oldest_us: fromNumber(oldestMs * 1000),
  }));
}

function toPurge({
  dot,
  timestamp,
  author,
  reason,
  termDays,
  updates,
  stubs,
}: StoredPurge): Message<'PurgeInfo'> {
  return {
    dot: toDot(dot),
    purged_at_us: fromNumber(timestampMs(timestamp) * 1000),
    ...{ author, reason, term_days: termDays },
    updates: fromNumber(updates),
    stubs: fromNumber(stubs),
  };
}
