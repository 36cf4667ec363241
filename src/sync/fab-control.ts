import type { FabId } from '../clocks/dot.ts';
import { type Timestamp, timestampMs } from '../clocks/hlc.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import { WafersyncError } from '../errors.ts';
import type { Replica } from '../replica/replica.ts';
import type { PeerPause } from '../store/pauses.ts';
import type { Store } from '../store/store.ts';
import type { Authorship } from '../wafer/document/compose.ts';
import { compareBirths } from '../wafer/document/edit.ts';
import type { FieldPath } from '../wafer/document/field.ts';
import { canonicalJson } from '../wafer/document/json.ts';
import { type KnownFab, MAX_MEMBERS, type MemberState } from '../wafer/document/members.ts';
import { addressField, MESH, memberField } from '../wafer/document/mesh.ts';
import { counted } from '../words/counted.ts';
import type { World } from '../world.ts';
import { coverageOf } from './coverage.ts';
import { type Membership, unplaced } from './membership.ts';
import type { PeerPauses } from './peer-pauses.ts';
import type { Carrier, SyncRunner } from './sync-runner.ts';

/** What changing the membership needs. */
export interface FabControlOptions {
  readonly store: Pick<Store, 'origin' | 'vectors' | 'documents'>;
  readonly replica: Pick<Replica<Carrier>, 'edit' | 'seed'>;
  readonly sync: Pick<SyncRunner, 'reports' | 'peers' | 'changes'>;
  readonly membership: Membership;
  readonly pauses: Pick<PeerPauses, 'of'>;
  readonly world: Pick<World, 'after'>;
}

/** One fab, as this node knows it. */
export interface FabFacts extends KnownFab {
  /** Who said what it is, and why; empty where the configuration did. */
  readonly author: string;
  readonly reason: string;
  /** When that was said, ms since 1970-01-01 UTC; 0 where the configuration did. */
  readonly sinceMs: number;
  /** A live lane to it or from it is up; true for this fab itself. */
  readonly connected: boolean;
  /** Updates born there that are here. */
  readonly updatesHere: number;
  /** Updates born there that some node is known to have and this one has not. */
  readonly updatesMissingHere: number;
  /** Updates here that it is not known to have. */
  readonly lacksUpdates: number;
}

const BEFORE_ALL_TIME = 0 as Timestamp;

/** Longest wait until another fab has heard that this one leaves. */
const HEARD_WITHIN_MS = 10_000;

const BY_CONFIGURATION = { author: '', reason: 'from the configuration' };

/** Who belongs to the mesh, as people see and change it at one node. */
export class FabControl {
  readonly #options: FabControlOptions;

  constructor(options: FabControlOptions) {
    this.#options = options;
  }

  /** Every fab that is known of, sorted. */
  all(): FabFacts[] {
    return this.#fabs().map(({ fab }) => this.facts(fab));
  }

  /** A fab belongs to the mesh from now on. @param address host:port; empty leaves it as it is. @throws WafersyncError `exhausted` where the mesh has as many members as it may have */
  async add(fab: FabId, address: string, author: Authorship): Promise<void> {
    const { membership, replica } = this.#options;
    const members = membership.members();
    if (!members.includes(fab) && members.length >= MAX_MEMBERS) {
      throw new WafersyncError('exhausted', `the mesh has ${members.length} members already`, {
        hint: 'Let a fab leave that is no longer there: `wafersync fab remove` or `fab evict`.',
      });
    }
    // The new fab has to learn of those that only configurations name.
    await replica.seed((editor) => editor.sayOfFabs(this.#unsaid(fab), BY_CONFIGURATION));
    const said = new Map([[memberField(fab), canonicalJson('member')]]);
    if (address !== '') said.set(addressField(fab), canonicalJson(address));
    await replica.edit((editor) => editor.sayOfFabs(said, author), true);
  }

  /**
   * A fab leaves in order. At its own node this waits until another fab has heard of it.
   * @throws WafersyncError `precondition` while something of it is not at all others, or that cannot be told; `unavailable`
   * where it has left, and nobody else has heard of it yet
   * @param said it has been said, durably; awaited before anybody is waited for
   */
  async remove(fab: FabId, author: Authorship, said: () => Promise<void> = async () => {}): Promise<void> {
    this.#known(fab);
    this.#checkComplete(fab);
    await this.#say(fab, 'removed', author);
    await said();
    if (fab !== this.#options.store.origin.fab || (await this.#isHeardElsewhere(fab))) return;
    throw new WafersyncError('unavailable', `${fab} leaves, and no other fab has heard of it yet`, {
      hint: `Keep this node running until \`wafersync fab list\` at another fab shows that ${fab} is removed.`,
    });
  }

  /**
   * A fab is shut out. Tells the members that lack something of it.
   * @param confirmed the fab once more
   * @throws WafersyncError `invalid` where it is not confirmed, `precondition` for this node's own
   */
  async evict(fab: FabId, confirmed: string, author: Authorship): Promise<FabId[]> {
    this.#known(fab);
    if (fab === this.#options.store.origin.fab) {
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

  /** A fab as this node knows it. @throws WafersyncError `not-found` */
  facts(fab: FabId): FabFacts {
    const { store, sync } = this.#options;
    const known = this.#known(fab);
    const own = fab === store.origin.fab;
    const born = this.#bornAt(fab);
    const here = born.intersection(store.vectors.received);
    const report = sync.reports().find(({ node }) => node.fab === fab);
    return {
      ...known,
      address: own ? null : known.address,
      ...this.#said(fab),
      connected: own || this.#isConnected(fab),
      updatesHere: here.size,
      updatesMissingHere: born.difference(here).size,
      lacksUpdates: store.vectors.received.difference(report?.received ?? TransportVector.empty).size,
    };
  }

  #said(fab: FabId): Pick<FabFacts, 'author' | 'reason' | 'sinceMs'> {
    const { documents } = this.#options.store;
    const last = [...documents.of(MESH).view.siblings(memberField(fab))].sort(compareBirths).at(-1);
    if (!last || last.timestamp === BEFORE_ALL_TIME) return { author: '', reason: '', sinceMs: 0 };
    const { author, reason } = documents.editOf(last.dot);
    return { author, reason, sinceMs: timestampMs(last.timestamp) };
  }

  /** Those that are placed, and such as were heard of and are not: they count as members until somebody says otherwise. */
  #fabs(): KnownFab[] {
    const { membership, sync, store } = this.#options;
    const others = unplaced(membership, sync.reports(), store.vectors.received);
    const unsaid = others.map((fab): KnownFab => ({ fab, state: 'member', address: null }));
    return [...membership.fabs(), ...unsaid].sort((a, b) => (a.fab < b.fab ? -1 : 1));
  }

  #known(fab: FabId): KnownFab {
    const { membership } = this.#options;
    const known = this.#fabs().find((each) => each.fab === fab);
    if (known) return known;
    throw new WafersyncError('not-found', `${fab} is no fab of this mesh`, {
      hint: `It has ${membership.members().join(', ')}. \`wafersync fab add\` adds one.`,
    });
  }

  #isConnected(fab: FabId): boolean {
    const peer = this.#options.sync.peers().find((known) => known.peer === fab);
    return peer !== undefined && (peer.outboundUp || peer.inboundUp);
  }

  async #say(fab: FabId, state: MemberState, author: Authorship): Promise<void> {
    const said = new Map([[memberField(fab), canonicalJson(state)]]);
    await this.#options.replica.edit((editor) => editor.sayOfFabs(said, author), true);
  }

  /** Whether another member has what was said last of a fab; waits for it for a while. */
  #isHeardElsewhere(fab: FabId): Promise<boolean> {
    const { sync, store, world, membership } = this.#options;
    const said = [...store.documents.of(MESH).view.siblings(memberField(fab))].sort(compareBirths).at(-1);
    const isHeard = () =>
      sync.reports().some(({ node, received }) => {
        return (
          node.fab !== fab && membership.stateOf(node.fab) === 'member' && said && received.has(said.dot)
        );
      });
    return new Promise((resolve) => {
      const end = (heard: boolean) => {
        unsubscribe();
        cancel();
        resolve(heard);
      };
      const unsubscribe = sync.changes.subscribe(() => {
        if (isHeard()) end(true);
      });
      const cancel = world.after('leaving', HEARD_WITHIN_MS, () => end(false));
      if (isHeard()) end(true);
    });
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
    const born = (vector: TransportVector) => vector.filter((origin) => origin.fab === fab);
    const reports = this.#options.sync.reports();
    return reports.reduce((all, { received }) => all.join(born(received)), TransportVector.empty);
  }

  /** Other members that lack something that was born at a fab. */
  #behind(fab: FabId) {
    const { membership, sync } = this.#options;
    const others = membership.members().filter((member) => member !== fab);
    return coverageOf(this.#bornAt(fab), others, sync.reports()).missing;
  }

  #checkComplete(fab: FabId): void {
    const { store, sync } = this.#options;
    const heard = sync.reports().some(({ node }) => node.fab === fab);
    if (fab === store.origin.fab && !sync.peers().some(({ peer }) => this.#isConnected(peer))) {
      throw new WafersyncError(
        'precondition',
        `no other fab is connected: nobody would learn that ${fab} leaves`,
        {
          hint: 'Try again once one is connected.',
        },
      );
    }
    if (fab !== store.origin.fab && !(heard && this.#isConnected(fab))) {
      const pause = this.#options.pauses.of(fab);
      if (pause?.lanes === 'all') throw pausedHere(fab, pause);
      throw new WafersyncError('precondition', `${fab} is not connected: what it has cannot be told`, {
        hint: `Ask its own node, or one that is connected to it. If it never returns: \`wafersync fab evict ${fab}\`.`,
      });
    }
    const lacking = this.#behind(fab).map(
      ({ fab: member, updates }) => `${member} lacks ${counted(updates, 'update')} born there`,
    );
    const alone = this.#onlyAt(fab).size;
    if (alone > 0) lacking.push(`no other member has ${counted(alone, 'update')} that it has`);
    if (lacking.length === 0) return;
    throw new WafersyncError('precondition', `what ${fab} has is not everywhere yet: ${lacking.join(', ')}`, {
      hint: `Stop what hands in results at ${fab}, wait until the others have it, and try again.`,
    });
  }

  /** What a fab has, wherever it was born, and no other member is known to have. */
  #onlyAt(fab: FabId): TransportVector {
    const { membership, sync } = this.#options;
    const members = membership.members();
    const received = (own: boolean) =>
      sync
        .reports()
        .filter(({ node }) => (node.fab === fab) === own && (own || members.includes(node.fab)))
        .reduce((all, report) => all.join(report.received), TransportVector.empty);
    return received(true).difference(received(false));
  }
}

function pausedHere(fab: FabId, { author, reason }: PeerPause): WafersyncError {
  return new WafersyncError(
    'precondition',
    `${fab} is paused here, and so what it has cannot be told; ${author || 'nobody'} said: ${reason}`,
    {
      hint: `Say \`wafersync peer resume ${fab}\` here, and try again once it has caught up; or ask the node of ${fab}.`,
    },
  );
}
