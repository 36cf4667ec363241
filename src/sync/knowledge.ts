import type { Dot, Epoch, FabId } from '../clocks/dot.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import type { InboundLane } from './inbound-lane.ts';
import { emptyReport, type Report, ReportBook } from './report.ts';
import type { Route } from './routes.ts';

const NOBODY: ReadonlySet<FabId> = new Set();

/** What a report tells beside what it says. */
export interface Learned {
  /** Updates that are gone with a disk, as far as is known: another database of the fab goes on, and nobody has them. */
  readonly lost: TransportVector;
}

/**
 * What this node has, what waits to be stored, and what others are known to have.
 *
 * Invariant: `#pending` holds just the received updates that wait to be stored, and `#pendingBytes` is their size.
 */
export class Knowledge {
  readonly #book = new ReportBook();
  /** What any other node has: the join of all reports; null where it must be made anew. */
  #elsewhere: TransportVector | null = null;
  #own: Report;
  /** Nodes that last said less of themselves than was heard of them before. */
  readonly #doubted = new Set<FabId>();
  #pending = TransportVector.empty;
  #pendingBytes = 0;

  constructor(own: Report, known: readonly Report[]) {
    this.#own = own;
    for (const report of known) this.learn(report);
  }

  /** This node, as of its last commit. */
  get own(): Report {
    return this.#own;
  }

  set own(report: Report) {
    this.#own = report;
  }

  /** Bytes received and not yet stored. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** An update came and waits to be stored. */
  pend(dot: Dot, bytes: number): void {
    this.#pending = this.#pending.add(dot);
    this.#pendingBytes += bytes;
  }

  /** It waits no longer. */
  unpend(dot: Dot, bytes: number): void {
    this.#pending = this.#pending.with(dot, this.#pending.get(dot).without(dot.sequence));
    this.#pendingBytes -= bytes;
  }

  /** Takes in what was reported of another node; null where it is no news. @param by whoever said it; a node of itself, say */
  learn(report: Report, by: FabId | null = null): Learned | null {
    if (report.node.fab === by) this.#doubt(report);
    const former = this.#book.of(report.node.fab) ?? emptyReport(report.node);
    if (report.node.fab === this.#own.node.fab || !this.#book.record(report)) return null;
    if (!report.received.covers(former.received)) this.#elsewhere = null;
    else if (!this.#elsewhere?.covers(report.received)) {
      this.#elsewhere = this.#elsewhere?.join(report.received) ?? null;
    }
    return { lost: report.node.epoch > former.node.epoch ? this.#lostWith(former) : TransportVector.empty };
  }

  /** What a life of a fab's database bore and nobody is known to have now. */
  #lostWith({ node: { fab }, received }: Report): TransportVector {
    const born = received.filter((origin) => origin.fab === fab);
    return born.difference(this.#own.received).difference(this.#reported());
  }

  /** Reports of all other nodes, sorted by fab. */
  reports(): readonly Report[] {
    return this.#book.all();
  }

  /** Reports of nodes that a peer does not hear itself. */
  relayable(peer: FabId, hears: ReadonlySet<FabId> = NOBODY): Report[] {
    return this.reports().filter(({ node: { fab } }) => {
      return fab === peer ? this.#doubted.has(fab) : !hears.has(fab);
    });
  }

  /** A node that says less of itself than was heard before was put back as it was, or runs twice: it is told what was heard. */
  #doubt({ node, number }: Report): void {
    const known = this.#book.of(node.fab);
    const heard = known?.node.epoch ?? 0;
    const isLess = heard > node.epoch || (heard === node.epoch && known!.number > number);
    if (isLess) this.#doubted.add(node.fab);
    else this.#doubted.delete(node.fab);
  }

  /** What a node is known to have. */
  has(fab: FabId): TransportVector {
    return this.#book.of(fab)?.received ?? TransportVector.empty;
  }

  /** What some other node has and this one has not. */
  missing(): TransportVector {
    return this.#reported().difference(this.#own.received);
  }

  /**
   * What to ask for. Where an origin comes live, only what its live source has announced on that lane: whatever it has
   * and did not push is a gap, and everything newer is still on its way. Where it does not, all that anyone has. Only
   * the latest life of a fab's database comes live: of one before it, its source may have lost what others kept.
   */
  ripe(inbound: readonly InboundLane[], sources: ReadonlyMap<FabId, Route>): TransportVector {
    const missing = this.missing().difference(this.#pending);
    if (missing.isEmpty) return missing;
    const announcedBy = new Map(inbound.map((lane) => [lane.peer, lane.announced]));
    const latest = this.#latestEpochs();
    return missing.map((origin, set) => {
      const source = origin.epoch === latest.get(origin.fab) ? sources.get(origin.fab)?.path[0] : undefined;
      const announced = source && announcedBy.get(source);
      return announced ? set.intersection(announced.get(origin)) : set;
    });
  }

  #latestEpochs(): Map<FabId, Epoch> {
    const latest = new Map<FabId, Epoch>();
    const nodes = this.#book.all().map(({ node }) => node);
    const origins = this.#reported().entries();
    for (const { fab, epoch } of [...nodes, ...origins.map(([origin]) => origin)]) {
      const known = latest.get(fab);
      if (known === undefined || epoch > known) latest.set(fab, epoch);
    }
    return latest;
  }

  #reported(): TransportVector {
    this.#elsewhere ??= this.#book
      .all()
      .reduce((all, { received }) => all.join(received), TransportVector.empty);
    return this.#elsewhere;
  }
}
