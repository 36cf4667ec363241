import type { FabId } from '../clocks/dot.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import { WafersyncError } from '../errors.ts';
import { EventSource } from '../replica/event-source.ts';
import type { Replica } from '../replica/replica.ts';
import type { Store } from '../store/store.ts';
import type { Authorship } from '../wafer/document/compose.ts';
import type { World } from '../world.ts';
import type { Audit } from './audit.ts';
import type { Membership } from './membership.ts';
import type { Report } from './report.ts';
import type { Carrier, SyncRunner } from './sync-runner.ts';

/** Where testers and files come in. */
export interface IntakeDoor {
  /** Streams and uploads that are open. */
  readonly taken: number;
  /** Takes no more, and ends what can be ended, for this reason; null: takes them again. */
  close(why: WafersyncError | null): void;
  /** Told when one more has ended. */
  readonly freed: Pick<EventSource<void>, 'subscribe'>;
}

/** What draining a node needs. */
export interface DrainOptions {
  readonly store: Pick<Store, 'origin' | 'vectors'>;
  readonly replica: Pick<Replica<Carrier>, 'refuseEdits'>;
  readonly sync: Pick<SyncRunner, 'reports' | 'peers' | 'changes'>;
  readonly membership: Pick<Membership, 'members' | 'stateOf'>;
  readonly door: IntakeDoor;
  readonly audit: Audit;
  readonly world: Pick<World, 'nowMs'>;
}

/** A drain that goes on. */
interface Draining extends Authorship {
  readonly sinceMs: number;
  readonly why: WafersyncError;
}

/** What one fab lacks of what was born here. */
export interface DrainLack {
  readonly fab: FabId;
  /** Updates that it is not known to have received. */
  readonly lacks: number;
  /** Updates that it has received, and holds. */
  readonly held: number;
  readonly connected: boolean;
}

/** How far a node is drained. */
export interface DrainProgress extends Authorship {
  readonly sinceMs: number;
  /** The node may stop. */
  readonly drained: boolean;
  readonly openStreams: number;
  /** Updates that no other member is known to have. */
  readonly onlyHere: number;
  /** Of those, such as were born elsewhere. */
  readonly onlyHereOfOthers: number;
  /** Sorted; none for a fab that lacks nothing. */
  readonly lacks: readonly DrainLack[];
}

/**
 * Lets a node run empty before maintenance: it takes nothing more in, and tells what is only there still. Not durable: a
 * node that was restarted takes everything again.
 */
export class Drain {
  readonly #options: DrainOptions;
  #draining: Draining | null = null;
  /** Nothing is let in any more: what begins a drain is on disk. */
  #closed = false;
  /** Pieces of work that were let in and have not ended. */
  #admitted = 0;
  /** Settles once what was asked before is done. */
  #acts: Promise<unknown> = Promise.resolve();
  /** Told when what a drain tells may have changed, and when it begins or ends. */
  readonly changes = new EventSource<void>();

  constructor(options: DrainOptions) {
    this.#options = options;
    options.sync.changes.subscribe(() => this.#tell());
    options.door.freed.subscribe(() => this.#tell());
  }

  /** Why nothing is taken in; null where it is. */
  get why(): WafersyncError | null {
    return this.#draining?.why ?? null;
  }

  /** Does something that takes in, unless the node is drained. @throws WafersyncError `unavailable` where it is */
  async admit<T>(work: () => Promise<T>): Promise<T> {
    if (this.#draining) throw this.#draining.why;
    this.#admitted++;
    try {
      return await work();
    } finally {
      this.#admitted--;
      this.#tell();
    }
  }

  /**
   * Begins a drain. One that goes on already goes on, for this reason from now on where it is another one; gives what was
   * said before then, else null.
   * @throws WafersyncError `not-found` for a fab that nobody knows
   */
  async start(fabs: readonly FabId[], author: Authorship): Promise<Authorship | null> {
    this.#checkFabs(fabs);
    return this.#inOrder(() => this.#start(fabs, author));
  }

  async #start(fabs: readonly FabId[], author: Authorship): Promise<Authorship | null> {
    const before = this.#draining;
    if (before?.reason === author.reason) return null;
    const draining = this.#drainingBy(author, before);
    this.#draining = draining;
    const detail = before ? `instead of: ${before.reason}` : fabs.join();
    try {
      await this.#options.audit.record({ act: 'node.drain', about: '', detail, ...author });
    } catch (thrown) {
      this.#draining = before;
      throw thrown;
    }
    this.#close(draining.why);
    return before && { author: before.author, reason: before.reason };
  }

  #drainingBy(author: Authorship, before: Draining | null): Draining {
    const { store, world } = this.#options;
    const why = new WafersyncError(
      'unavailable',
      `the node of ${store.origin.fab} is drained for maintenance: ${author.reason}`,
      {
        hint: 'Try again later: it takes everything again once it was restarted, or `wafersync drain --cancel` was said.',
      },
    );
    return { ...author, sinceMs: before?.sinceMs ?? Math.floor(world.nowMs()), why };
  }

  #close(why: WafersyncError): void {
    const { replica, door } = this.#options;
    replica.refuseEdits(why);
    door.close(why);
    this.#closed = true;
    this.changes.emit();
  }

  /** Takes everything again; tells whether it did not before. */
  cancel(author: Authorship): Promise<boolean> {
    return this.#inOrder(() => this.#cancel(author));
  }

  /** One act after the other, so that the last one that is recorded is the one that holds. */
  #inOrder<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#acts.then(act);
    this.#acts = done.catch(() => {});
    return done;
  }

  async #cancel(author: Authorship): Promise<boolean> {
    if (!this.#draining) return false;
    const { audit, replica, door } = this.#options;
    await audit.record({ act: 'node.drain_cancel', about: '', detail: '', ...author });
    this.#draining = null;
    this.#closed = false;
    replica.refuseEdits(null);
    door.close(null);
    this.changes.emit();
    return true;
  }

  /** How far it is; null where nothing is drained. @param fabs those that must have applied what was born here; none: all members */
  progress(fabs: readonly FabId[]): DrainProgress | null {
    if (!this.#draining) return null;
    const { store, membership, door } = this.#options;
    const { author, reason, sinceMs } = this.#draining;
    const own = store.origin.fab;
    const others = (fabs.length > 0 ? fabs : membership.members()).filter((fab) => fab !== own);
    const lacks = [...new Set(others)].sort().flatMap((fab) => this.#lackOf(fab));
    const onlyHere = this.#onlyHere();
    const ofOthers = onlyHere.filter((origin) => origin.fab !== own).size;
    const openStreams = door.taken + this.#admitted;
    return {
      ...{ author, reason, sinceMs, openStreams, lacks },
      drained: this.#closed && openStreams === 0 && lacks.length === 0 && onlyHere.isEmpty,
      onlyHere: onlyHere.size,
      onlyHereOfOthers: ofOthers,
    };
  }

  #tell(): void {
    if (this.#draining) this.changes.emit();
  }

  #lackOf(fab: FabId): DrainLack[] {
    const { store, sync } = this.#options;
    const born = store.vectors.received.filter((origin) => origin.fab === store.origin.fab);
    const report = this.#reportOf(fab);
    const lacks = born.difference(report?.received ?? TransportVector.empty).size;
    const held = born.intersection(report?.held ?? TransportVector.empty).size;
    if (lacks === 0 && held === 0) return [];
    const peer = sync.peers().find((view) => view.peer === fab);
    return [{ fab, lacks, held, connected: peer !== undefined && (peer.outboundUp || peer.inboundUp) }];
  }

  /** What this node has, wherever it was born, and no other member is known to have. Nothing where there is no other. */
  #onlyHere(): TransportVector {
    const { store, membership } = this.#options;
    const others = membership.members().filter((fab) => fab !== store.origin.fab);
    if (others.length === 0) return TransportVector.empty;
    return others.reduce(
      (left, fab) => left.difference(this.#reportOf(fab)?.received ?? TransportVector.empty),
      store.vectors.received,
    );
  }

  #reportOf(fab: FabId): Report | undefined {
    return this.#options.sync.reports().find(({ node }) => node.fab === fab);
  }

  #checkFabs(fabs: readonly FabId[]): void {
    const { membership, store } = this.#options;
    for (const fab of fabs) {
      if (fab !== store.origin.fab && membership.stateOf(fab) !== null) continue;
      const what = fab === store.origin.fab ? 'is the node that is drained' : 'is no fab of this mesh';
      throw new WafersyncError('not-found', `${fab} ${what}`, {
        hint: `Name some of ${membership.members().join(', ')}, or none for all.`,
      });
    }
  }
}
