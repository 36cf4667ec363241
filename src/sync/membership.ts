import type { FabId } from '../clocks/dot.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import type { Log } from '../log.ts';
import { EventSource, logged } from '../replica/event-source.ts';
import type { Store } from '../store/store.ts';
import {
  type ConfiguredFabs,
  type KnownFab,
  knownFabs,
  type MemberState,
  type SaidOfFabs,
} from '../wafer/document/members.ts';
import type { Report } from './report.ts';

/** What a membership is made of. */
export interface MembershipOptions {
  readonly self: FabId;
  readonly configured: ConfiguredFabs;
  readonly store: Pick<Store, 'documents'>;
  readonly commits: Pick<EventSource<unknown>, 'subscribe'>;
  readonly log: Log;
}

/** Who belongs to the mesh, as this node knows it now: what it began with, and what the mesh document has said since. */
export class Membership {
  readonly #options: MembershipOptions;
  #fabs: readonly KnownFab[];
  /** What the mesh document said when it was last looked at: the same object until that has changed. */
  #said: SaidOfFabs;
  /** Told when it has changed, with the fabs that have another address now. */
  readonly changes = new EventSource<readonly FabId[]>();

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#said = options.store.documents.fabs;
    this.#fabs = knownFabs(options.configured, this.#said);
    options.commits.subscribe(logged(options.log, 'members', () => this.#follow()));
    const own = this.stateOf(options.self);
    if (own === 'removed' || own === 'evicted') this.#tell(options.self, own);
  }

  /** Every fab that is known of, sorted. */
  fabs(): readonly KnownFab[] {
    return this.#fabs;
  }

  /** Fabs that count, this one included unless it was shut out; sorted. */
  members(): readonly FabId[] {
    return this.#fabs.filter(({ state }) => state === 'member').map(({ fab }) => fab);
  }

  /** What a fab is; null for one that nobody knows, which may not connect. */
  stateOf(fab: FabId): MemberState | null {
    return this.#fabs.find((known) => known.fab === fab)?.state ?? null;
  }

  /** Where this node dials a fab, host:port; null where it does not know. */
  addressOf(fab: FabId): string | null {
    return this.#fabs.find((known) => known.fab === fab)?.address ?? null;
  }

  /**
   * Fabs that this node dials: the others whose address it knows, unless they have left. One that was evicted is dialled:
   * should it return, what it has is wanted.
   */
  dialled(): FabId[] {
    const { self } = this.#options;
    return this.#fabs
      .filter(({ fab, state, address }) => fab !== self && state !== 'removed' && address !== null)
      .map(({ fab }) => fab);
  }

  #follow(): void {
    const { configured, store } = this.#options;
    const said = store.documents.fabs;
    if (said === this.#said) return;
    this.#said = said;
    const before = this.#fabs;
    const after = knownFabs(configured, said);
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    this.#fabs = after;
    const moved: FabId[] = [];
    for (const { fab, state, address } of after) {
      const was = before.find((known) => known.fab === fab);
      if (was?.state !== state) this.#tell(fab, state);
      if (was && was.address !== address) moved.push(fab);
    }
    this.changes.emit(moved);
  }

  #tell(fab: FabId, state: MemberState): void {
    const { log } = this.#options;
    if (state === 'member') log.info('fab.added', { fab });
    else if (state === 'removed') log.info('fab.removed', { fab });
    else log.warn('fab.evicted', { fab });
  }
}

/**
 * Fabs that must have applied what is to be purged, sorted: the members, and whoever this node has heard of and cannot
 * place yet. A fab that has just been added may hear of others before it learns that they are members.
 */
export function mustHaveApplied(
  membership: Pick<Membership, 'members' | 'stateOf'>,
  reports: readonly Report[],
  received: TransportVector,
): FabId[] {
  return [...new Set([...membership.members(), ...unplaced(membership, reports, received)])].sort();
}

/** Fabs that this node has heard of, and of which neither its configuration nor the mesh says what they are; sorted. */
export function unplaced(
  membership: Pick<Membership, 'stateOf'>,
  reports: readonly Report[],
  received: TransportVector,
): FabId[] {
  const heardOf = [...reports.map(({ node }) => node.fab), ...received.entries().map(([{ fab }]) => fab)];
  return [...new Set(heardOf.filter((fab) => membership.stateOf(fab) === null))].sort();
}
