import { type FabId, fabId } from '../clocks/dot.ts';
import { timestampMs } from '../clocks/hlc.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import { WafersyncError } from '../errors.ts';
import { wafersync } from '../gen/wafersync.js';
import type { Replica } from '../replica/replica.ts';
import type { Store } from '../store/store.ts';
import { coverageOf } from '../sync/coverage.ts';
import type { Membership } from '../sync/membership.ts';
import type { Carrier, SyncRunner } from '../sync/sync-runner.ts';
import type { Authorship } from '../wafer/document/compose.ts';
import type { FieldPath } from '../wafer/document/field.ts';
import { canonicalJson } from '../wafer/document/json.ts';
import { type KnownFab, MAX_MEMBERS, type MemberState } from '../wafer/document/members.ts';
import { addressField, MESH, memberField } from '../wafer/document/mesh.ts';
import { fromNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import type { syncControl } from '../wire/services.ts';
import { unary } from './call.ts';
import type { HandlersOf } from './handlers.ts';

const { FabState } = wafersync.v1;

/** What the service is made of. */
export interface SyncControlOptions {
  readonly store: Store;
  readonly replica: Pick<Replica<Carrier>, 'edit' | 'seed'>;
  readonly sync: Pick<SyncRunner, 'reports' | 'peers'>;
  readonly membership: Membership;
  /** @throws WafersyncError `invalid` for what is not host:port */
  readonly checkAddress: (text: string) => string;
}

const STATES: Readonly<Record<MemberState, wafersync.v1.FabState>> = {
  member: FabState.FAB_STATE_MEMBER,
  removed: FabState.FAB_STATE_REMOVED,
  evicted: FabState.FAB_STATE_EVICTED,
};

/** Handlers of SyncControl. */
export function syncControlHandlers(options: SyncControlOptions): HandlersOf<typeof syncControl.methods> {
  const control = new FabControl(options);
  return {
    ListFabs: unary<Message<'ListFabsRequest'>, Message<'ListFabsResponse'>>(() => ({
      fabs: options.membership.fabs().map((known) => control.info(known.fab)),
    })),
    AddFab: unary<Message<'AddFabRequest'>, Message<'AddFabResponse'>>(async (request) => {
      const fab = fabId(request.fab_id ?? '');
      await control.add(fab, request.address ?? '', authorOf(request));
      return { fab: control.info(fab) };
    }),
    RemoveFab: unary<Message<'RemoveFabRequest'>, Message<'RemoveFabResponse'>>(async (request) => {
      const fab = fabId(request.fab_id ?? '');
      await control.remove(fab, reasonedBy(request));
      return { fab: control.info(fab) };
    }),
    EvictFab: unary<Message<'EvictFabRequest'>, Message<'EvictFabResponse'>>(async (request) => {
      const fab = fabId(request.fab_id ?? '');
      const behind = await control.evict(fab, request.confirm_fab_id ?? '', reasonedBy(request));
      return { fab: control.info(fab), behind_fabs: behind };
    }),
  };
}

/** Who belongs to the mesh, as people change it. */
class FabControl {
  readonly #options: SyncControlOptions;

  constructor(options: SyncControlOptions) {
    this.#options = options;
  }

  /** @throws WafersyncError `invalid`, `exhausted` where the mesh has as many members as it may have */
  async add(fab: FabId, address: string, author: Authorship): Promise<void> {
    const { membership, replica } = this.#options;
    if (address !== '') this.#checkAddress(address);
    const members = membership.members();
    if (!members.includes(fab) && members.length >= MAX_MEMBERS) {
      throw new WafersyncError('exhausted', `the mesh has ${members.length} members already`, {
        hint: 'Let a fab leave that is no longer there: `wafersync fab remove` or `fab evict`.',
      });
    }
    // The new fab has to learn of those that only configurations name.
    await replica.seed((editor) =>
      editor.sayOfFabs(this.#unsaid(fab), { author: '', reason: 'from the configuration' }),
    );
    const said = new Map([[memberField(fab), canonicalJson('member')]]);
    if (address !== '') said.set(addressField(fab), canonicalJson(address));
    await replica.edit((editor) => editor.sayOfFabs(said, author));
  }

  /** @throws WafersyncError `precondition` while something of it is not at all others, or that cannot be told */
  async remove(fab: FabId, author: Authorship): Promise<void> {
    this.#known(fab);
    this.#checkComplete(fab);
    await this.#say(fab, 'removed', author);
  }

  /** Tells the members that lack something of it. @throws WafersyncError `invalid`, `precondition` */
  async evict(fab: FabId, confirmed: string, author: Authorship): Promise<FabId[]> {
    const { store } = this.#options;
    this.#known(fab);
    if (fab === store.origin.fab) {
      throw new WafersyncError('precondition', `this is the node of ${fab}: it cannot evict itself`, {
        hint: `Ask the node of another fab, or let ${fab} leave in order: \`wafersync fab remove ${fab}\`.`,
      });
    }
    if (confirmed !== fab) {
      throw new WafersyncError('invalid', `the eviction of ${fab} is not confirmed`, {
        hint: `Name it twice, with --confirm ${fab}: what it acknowledged and sent to nobody is lost if it never returns.`,
      });
    }
    const behind = this.#behind(fab);
    await this.#say(fab, 'evicted', author);
    return behind.map((member) => member.fab);
  }

  /** A fab as this node knows it. */
  info(fab: FabId): Message<'FabInfo'> {
    const { store, sync } = this.#options;
    const { state, address } = this.#known(fab);
    const said = store.documents.history(MESH, memberField(fab)).findLast(({ stands }) => stands);
    const own = fab === store.origin.fab;
    const born = this.#bornAt(fab);
    const here = born.intersection(store.vectors.received);
    const peer = sync.peers().find((known) => known.peer === fab);
    const report = sync.reports().find(({ node }) => node.fab === fab);
    const has = report?.received ?? TransportVector.empty;
    return {
      fab_id: fab,
      state: STATES[state],
      address: own ? '' : (address ?? ''),
      author: said?.author ?? '',
      reason: said?.reason ?? '',
      since_ms: fromNumber(said && said.timestamp > 0 ? timestampMs(said.timestamp) : 0),
      connected: own || (peer !== undefined && (peer.outboundUp || peer.inboundUp)),
      updates_here: fromNumber(here.size),
      updates_missing_here: fromNumber(born.difference(here).size),
      lacks_updates: fromNumber(own ? 0 : store.vectors.received.difference(has).size),
    };
  }

  #checkAddress(text: string): void {
    try {
      this.#options.checkAddress(text);
    } catch (thrown) {
      const { code, message, hint } = WafersyncError.from(thrown);
      throw new WafersyncError(code, `the address ${JSON.stringify(text)} ${message}`, {
        hint,
        cause: thrown,
      });
    }
  }

  #known(fab: FabId): KnownFab {
    const known = this.#options.membership.fabs().find((each) => each.fab === fab);
    if (known) return known;
    throw new WafersyncError('not-found', `${fab} is no fab of this mesh`, {
      hint: `It has ${this.#options.membership.members().join(', ')}. \`wafersync fab add\` adds one.`,
    });
  }

  async #say(fab: FabId, state: MemberState, author: Authorship): Promise<void> {
    const said = new Map([[memberField(fab), canonicalJson(state)]]);
    await this.#options.replica.edit((editor) => editor.sayOfFabs(said, author));
  }

  /** Members of which the mesh document says nothing yet. */
  #unsaid(except: FabId): Map<FieldPath, string> {
    const { membership, store } = this.#options;
    const { states } = store.documents.fabs;
    const silent = membership.members().filter((fab) => fab !== except && !states.has(fab));
    return new Map(silent.map((fab) => [memberField(fab), canonicalJson('member')]));
  }

  /** All that was born at a fab, as far as anybody is known to have it. */
  #bornAt(fab: FabId): TransportVector {
    const { sync } = this.#options;
    const born = (vector: TransportVector) => vector.filter((origin) => origin.fab === fab);
    return sync.reports().reduce((all, { received }) => all.join(born(received)), TransportVector.empty);
  }

  /** Other members that lack something that was born at a fab. */
  #behind(fab: FabId) {
    const { membership, sync } = this.#options;
    const others = membership.members().filter((member) => member !== fab);
    return coverageOf(this.#bornAt(fab), others, sync.reports()).missing;
  }

  #checkComplete(fab: FabId): void {
    const { store, sync } = this.#options;
    const peer = sync.peers().find((known) => known.peer === fab);
    const heard = sync.reports().some(({ node }) => node.fab === fab);
    if (fab !== store.origin.fab && !(heard && (peer?.inboundUp || peer?.outboundUp))) {
      throw new WafersyncError('precondition', `${fab} is not connected: what it has cannot be told`, {
        hint: `Ask its own node, or one that is connected to it. If it never returns: \`wafersync fab evict ${fab}\`.`,
      });
    }
    const behind = this.#behind(fab).map(({ fab: member, updates }) => `${member} lacks ${updates}`);
    if (behind.length === 0) return;
    throw new WafersyncError(
      'precondition',
      `updates of ${fab} are not everywhere yet: ${behind.join(', ')}`,
      {
        hint: `Stop what hands in results at ${fab}, wait until they are, and try again.`,
      },
    );
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
