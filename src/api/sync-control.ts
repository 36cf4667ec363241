import { fabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import { wafersync } from '../gen/wafersync.js';
import type { FabControl, FabFacts } from '../sync/fab-control.ts';
import type { Authorship } from '../wafer/document/compose.ts';
import type { MemberState } from '../wafer/document/members.ts';
import { fromNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import type { syncControl } from '../wire/services.ts';
import { unary } from './call.ts';
import type { HandlersOf } from './handlers.ts';

const { FabState } = wafersync.v1;

/** What the service is made of. */
export interface SyncControlOptions {
  readonly fabs: FabControl;
  /** @throws WafersyncError `invalid` for what is not host:port */
  readonly checkAddress: (text: string) => string;
}

const STATES: Readonly<Record<MemberState, wafersync.v1.FabState>> = {
  member: FabState.FAB_STATE_MEMBER,
  removed: FabState.FAB_STATE_REMOVED,
  evicted: FabState.FAB_STATE_EVICTED,
};

/** Handlers of SyncControl. */
export function syncControlHandlers({
  fabs,
  checkAddress,
}: SyncControlOptions): HandlersOf<typeof syncControl.methods> {
  return {
    ListFabs: unary<Message<'ListFabsRequest'>, Message<'ListFabsResponse'>>(() => ({
      fabs: fabs.all().map(toFabInfo),
    })),
    AddFab: unary<Message<'AddFabRequest'>, Message<'AddFabResponse'>>(async (request) => {
      const fab = fabId(request.fab_id ?? '');
      const address = request.address ? checked(request.address, checkAddress) : '';
      await fabs.add(fab, address, authorOf(request));
      return { fab: toFabInfo(fabs.facts(fab)) };
    }),
    RemoveFab: unary<Message<'RemoveFabRequest'>, Message<'RemoveFabResponse'>>(async (request) => {
      const fab = fabId(request.fab_id ?? '');
      await fabs.remove(fab, reasonedBy(request));
      return { fab: toFabInfo(fabs.facts(fab)) };
    }),
    EvictFab: unary<Message<'EvictFabRequest'>, Message<'EvictFabResponse'>>(async (request) => {
      const fab = fabId(request.fab_id ?? '');
      const behind = await fabs.evict(fab, request.confirm_fab_id ?? '', reasonedBy(request));
      return { fab: toFabInfo(fabs.facts(fab)), behind_fabs: behind };
    }),
  };
}

function toFabInfo(facts: FabFacts): Message<'FabInfo'> {
  return {
    fab_id: facts.fab,
    state: STATES[facts.state],
    address: facts.address ?? '',
    author: facts.author,
    reason: facts.reason,
    since_ms: fromNumber(facts.sinceMs),
    connected: facts.connected,
    updates_here: fromNumber(facts.updatesHere),
    updates_missing_here: fromNumber(facts.updatesMissingHere),
    lacks_updates: fromNumber(facts.lacksUpdates),
  };
}

function checked(address: string, check: SyncControlOptions['checkAddress']): string {
  try {
    return check(address);
  } catch (thrown) {
    const { code, message, hint } = WafersyncError.from(thrown);
    throw new WafersyncError(code, `the address ${JSON.stringify(address)} ${message}`, {
      hint,
      cause: thrown,
    });
  }
}

type Authored = { readonly author?: string | null | undefined; readonly reason?: string | null | undefined };

function authorOf({ author, reason }: Authored): Authorship {
  return { author: author ?? '', reason: reason ?? '' };
}

/** @throws WafersyncError `invalid` without a reason */
function reasonedBy(request: Authored): Authorship {
  if (!request.reason)
    throw new WafersyncError('invalid', 'reason is empty', { hint: 'Say why: every fab shows it.' });
  return authorOf(request);
}
