import { fabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import { wafersync } from '../gen/wafersync.js';
import type { Audit } from '../sync/audit.ts';
import type { FabControl, FabFacts } from '../sync/fab-control.ts';
import type { MemberState } from '../wafer/document/members.ts';
import { fromNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import type { syncControl } from '../wire/services.ts';
import { lack } from '../words/counted.ts';
import { authorOf, reasonedBy } from './authorship.ts';
import { unary } from './call.ts';
import type { HandlersOf } from './handlers.ts';
import { type SteeringOptions, steeringHandlers } from './steering.ts';
import { toPeerLimit, toPeerPause } from './steering-messages.ts';

const { FabState } = wafersync.v1;

/** What the service is made of. */
export interface SyncControlOptions extends SteeringOptions {
  readonly fabs: FabControl;
  /** @throws WafersyncError `invalid` for what is not host:port */
  readonly checkAddress: (text: string) => string;
  readonly audit: Audit;
}

const STATES: Readonly<Record<MemberState, wafersync.v1.FabState>> = {
  member: FabState.FAB_STATE_MEMBER,
  removed: FabState.FAB_STATE_REMOVED,
  evicted: FabState.FAB_STATE_EVICTED,
};

/** Handlers of SyncControl. */
export function syncControlHandlers(options: SyncControlOptions): HandlersOf<typeof syncControl.methods> {
  const { fabs, checkAddress, audit } = options;
  const infoOf = (facts: FabFacts) => toFabInfo(facts, options);
  return {
    ListFabs: unary<Message<'ListFabsRequest'>, Message<'ListFabsResponse'>>(() => ({
      fabs: fabs.all().map(infoOf),
    })),
    AddFab: unary<Message<'AddFabRequest'>, Message<'AddFabResponse'>>(async (request) => {
      const fab = fabId(request.fab_id ?? '');
      const address = request.address ? checked(request.address, checkAddress) : '';
      const author = authorOf(request);
      await fabs.add(fab, address, author);
      await audit.record({ act: 'fab.add', about: fab, detail: address, ...author });
      return { fab: infoOf(fabs.facts(fab)) };
    }),
    RemoveFab: unary<Message<'RemoveFabRequest'>, Message<'RemoveFabResponse'>>(async (request) => {
      const fab = fabId(request.fab_id ?? '');
      const author = reasonedBy(request);
      await fabs.remove(fab, author, () =>
        audit.record({ act: 'fab.remove', about: fab, detail: '', ...author }),
      );
      return { fab: infoOf(fabs.facts(fab)) };
    }),
    EvictFab: unary<Message<'EvictFabRequest'>, Message<'EvictFabResponse'>>(async (request) => {
      const fab = fabId(request.fab_id ?? '');
      const author = reasonedBy(request);
      const behind = await fabs.evict(fab, request.confirm_fab_id ?? '', author);
      const detail = behind.length > 0 ? `${behind.join()} ${lack(behind)} some of what was born there` : '';
      await audit.record({ act: 'fab.evict', about: fab, detail, ...author });
      return { fab: infoOf(fabs.facts(fab)), behind_fabs: behind };
    }),
    ...steeringHandlers(options),
  };
}

function toFabInfo(facts: FabFacts, { pauses, limits }: SyncControlOptions): Message<'FabInfo'> {
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
    pause: toPeerPause(facts.fab, pauses.of(facts.fab)),
    limit: toPeerLimit(facts.fab, limits.of(facts.fab)),
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
