import { createHash } from 'node:crypto';
import { type FabId, fabId } from '../clocks/dot.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import { WafersyncError } from '../errors.ts';
import { wafersync } from '../gen/wafersync.js';
import type { PageFilter } from '../store/lots.ts';
import type { Coverage } from '../sync/coverage.ts';
import { appliedOf } from '../sync/report.ts';
import { waferFacts } from '../sync/wafer-facts.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import type { Message } from '../wire/message.ts';
import type { World } from '../world.ts';
import { pause } from './changes.ts';
import { similarLots } from './similar-lots.ts';
import { type MeshNow, meshNow, type StatusSources, waferStatus } from './wafer-status.ts';

const { SyncState } = wafersync.v1;

/** Wafers of a page where a client does not say how many, and at most. */
const DEFAULT_PAGE = 50;
const MAX_PAGE = 200;

/** Wafers that are looked at before others have their turn, and for one page. */
const LOOK = 100;
const MAX_LOOKED_AT = 20_000;

/** Which wafers are asked for. */
interface Wanted {
  /** Empty for all. */
  readonly lot: string;
  readonly state: wafersync.v1.SyncState;
  /** Null for all. */
  readonly missingAt: FabId | null;
}

/** A wafer as it is told. */
export interface ListedWafer {
  readonly key: WaferKey;
  readonly message: Message<'WaferSyncStatus'>;
  readonly coverage: Coverage;
}

/** A page of the wafers that are asked for. */
export async function listWafers(
  sources: StatusSources & { readonly world: World },
  request: Message<'ListWafersRequest'>,
  signal: AbortSignal,
): Promise<Message<'ListWafersResponse'>> {
  const wanted = wantedOf(sources, request);
  const size = Math.min(request.page_size || DEFAULT_PAGE, MAX_PAGE);
  const after = request.page_token ? placeOf(request.page_token, wanted) : null;
  const wafers: Message<'WaferSyncStatus'>[] = [];
  let next: WaferKey | null = null;
  for await (const { found, place } of looks(sources, filterOf(sources, wanted), after, signal)) {
    next = place;
    for (const wafer of found) {
      if (!matches(wafer, wanted)) continue;
      wafers.push(wafer.message);
      if (wafers.length === size) return { wafers, next_page_token: tokenOf(wafer.key, wanted) };
    }
  }
  const { lot } = wanted;
  const unknown = lot !== '' && sources.store.lots.countWafers(lot) === 0;
  return {
    wafers,
    next_page_token: next ? tokenOf(next, wanted) : '',
    similar_lots: unknown ? similarLots(sources.store, lot) : [],
  };
}

/** The wafers that are not SYNCED, by lot, wafer and insertion, as far as one page looks. */
export async function* unsyncedWafers(
  sources: StatusSources & { readonly world: World },
  signal: AbortSignal,
): AsyncGenerator<WaferKey> {
  const wanted = { lot: '', state: SyncState.PENDING, missingAt: null };
  const filter = { ...filterOf(sources, wanted), disputed: true };
  let after: WaferKey | null = null;
  do {
    for await (const { found, place } of looks(sources, filter, after, signal)) {
      after = place;
      for (const { key, message } of found) if (message.state !== SyncState.SYNCED) yield key;
    }
  } while (after !== null && !signal.aborted);
}

/**
 * Looks at wafers in their order, some at a time, up to the bound of a page.
 * @returns what was found in each look, and where the next begins; null where nothing is behind it
 */
async function* looks(
  sources: StatusSources & { readonly world: World },
  filter: PageFilter,
  after: WaferKey | null,
  signal: AbortSignal,
): AsyncGenerator<{ readonly found: Iterable<ListedWafer>; readonly place: WaferKey | null }> {
  let place = after;
  for (let lookedAt = 0; lookedAt < MAX_LOOKED_AT && !signal.aborted; lookedAt += LOOK) {
    const rows = sources.store.lots.page(filter, place, LOOK);
    place = rows.length < LOOK ? null : rows.at(-1)!.key;
    const hits = rows.flatMap(({ key, hit }) => (hit ? [key] : []));
    yield { found: listed(sources, hits), place };
    if (place === null) return;
    await pause(sources.world, 1, signal);
  }
}

/** Wafers one by one, for a page may be full before they have all been looked up. */
function* listed(sources: StatusSources, keys: readonly WaferKey[]): Generator<ListedWafer> {
  const mesh: MeshNow = meshNow(sources);
  for (const key of keys) yield { key, ...waferStatus(waferFacts(sources.store, key), mesh) };
}

function matches({ message, coverage }: ListedWafer, { state, missingAt }: Wanted): boolean {
  if (state !== SyncState.SYNC_STATE_UNSPECIFIED && message.state !== state) return false;
  return missingAt === null || coverage.missing.some(({ fab }) => fab === missingAt);
}

function wantedOf({ membership }: StatusSources, request: Message<'ListWafersRequest'>): Wanted {
  const members = membership.members();
  const missingAt = request.missing_at ? fabId(request.missing_at) : null;
  if (missingAt !== null && !members.includes(missingAt)) {
    throw new WafersyncError('invalid', `missing_at names ${missingAt}, which is not a member of this mesh`, {
      hint: `Its members are ${members.join(', ')}.`,
    });
  }
  const state = request.state ?? SyncState.SYNC_STATE_UNSPECIFIED;
  if (SyncState[state] === undefined) {
    throw new WafersyncError('invalid', `state ${state} is not known`, {
      hint: 'Ask for PENDING, SYNCED or CONFLICT.',
    });
  }
  return { lot: request.lot ?? '', state, missingAt };
}

/** What an index can tell of it: wafers with updates that somebody misses, or with an open conflict. */
function filterOf(sources: StatusSources, { lot, state, missingAt }: Wanted): PageFilter {
  const within = lot === '' ? {} : { lot };
  if (missingAt !== null) return { ...within, having: missedBy(sources, [missingAt]) };
  if (state === SyncState.CONFLICT) return { ...within, disputed: true };
  if (state !== SyncState.PENDING) return within;
  return { ...within, having: missedBy(sources, sources.membership.members()) };
}

/** What is here, and some of these fabs is not known to have applied. */
function missedBy({ store, sync }: StatusSources, fabs: readonly FabId[]): TransportVector {
  const applied = new Map(sync.reports().map((report) => [report.node.fab, appliedOf(report)]));
  const here = store.vectors.received;
  return fabs.reduce(
    (all, fab) => all.join(here.difference(applied.get(fab) ?? TransportVector.empty)),
    TransportVector.empty,
  );
}

/** Names the place behind which a page begins, and what was asked for. */
function tokenOf({ lot, waferId, insertion }: WaferKey, wanted: Wanted): string {
  return Buffer.from(JSON.stringify([markOf(wanted), lot, waferId, insertion])).toString('base64url');
}

/** @throws WafersyncError `invalid` for a token that no page gave, or one of another list */
function placeOf(token: string, wanted: Wanted): WaferKey {
  const hint = 'Give next_page_token of the page before, and leave the other fields as they were.';
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch (cause) {
    throw new WafersyncError('invalid', 'page_token is none that this node gave', { hint, cause });
  }
  const isToken =
    Array.isArray(parts) && parts.length === 4 && parts.every((part) => typeof part === 'string');
  if (!isToken) throw new WafersyncError('invalid', 'page_token is none that this node gave', { hint });
  const [mark, lot, waferId, insertion] = parts as [string, string, string, string];
  if (mark === markOf(wanted)) return { lot, waferId, insertion };
  throw new WafersyncError('invalid', 'page_token is of a list of other wafers', { hint });
}

function markOf({ lot, state, missingAt }: Wanted): string {
  return createHash('sha256')
    .update(JSON.stringify([lot, state, missingAt]))
    .digest('hex')
    .slice(0, 8);
}
