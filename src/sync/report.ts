import type { Chain } from '../clocks/chain.ts';
import type { FabId, Origin } from '../clocks/dot.ts';
import { IntervalSet } from '../clocks/interval-set.ts';
import { TransportVector } from '../clocks/transport-vector.ts';

/** What one node has. The latest replaces; reports of a node are never joined. */
export interface Report {
  /** The node: its fab and the epoch of its database. */
  readonly node: Origin;
  /** Grows with every commit of that database. */
  readonly number: number;
  /** What it has received, durable there. */
  readonly received: TransportVector;
  /** What of it is held back: received, not applied. */
  readonly held: TransportVector;
  /** Hash chains of what it has without a hole from 1. */
  readonly chains?: readonly Chain[];
  /** Of this node's own alone: the last sequence that it issued, though that update may be damaged. Never sent. */
  readonly issued?: number;
}

/** A report as it goes over a stream: whole, or only the origins that changed since the one before. */
export interface ReportDelta extends Report {
  /** False: an origin named neither in `received` nor in `held` is as before. */
  readonly full: boolean;
}

/** What the reported node has applied. */
export function appliedOf(report: Report): TransportVector {
  if (report.held.isEmpty) return report.received;
  const known = appliedBy.get(report);
  if (known) return known;
  const applied = report.received.difference(report.held);
  appliedBy.set(report, applied);
  return applied;
}

/** What was worked out of a report: it is asked for wafer by wafer. */
const appliedBy = new WeakMap<Report, TransportVector>();

/** Whether `next` replaces `known`: another life of the node's database, or a later commit of the same. */
export function replaces(next: Report, known: Report | undefined): boolean {
  if (!known) return true;
  if (next.node.epoch !== known.node.epoch) return next.node.epoch > known.node.epoch;
  return next.number > known.number;
}

/** Turns the reports of one node into deltas for one stream. */
export class ReportSender {
  #last: Report | null = null;

  /**
   * What to send; null when the other side knows it all.
   * @param withChains the chains as well; a whole report has them anyway
   */
  next(report: Report, withChains = false): ReportDelta | null {
    const delta = this.#next(report);
    if (!withChains || delta?.full || !report.chains?.length) return delta;
    return { ...(delta ?? nothingNew(report)), chains: report.chains };
  }

  #next(report: Report): ReportDelta | null {
    const last = this.#last;
    if (last === report) return null;
    this.#last = report;
    if (!last || last.node.epoch !== report.node.epoch) return { ...report, full: true };
    const made = deltas.get(report);
    if (made?.last === last) return made.delta;
    const delta = deltaOf(last, report);
    deltas.set(report, { last, delta });
    return delta;
  }
}

function nothingNew({ node, number }: Report): ReportDelta {
  return { node, number, full: false, received: TransportVector.empty, held: TransportVector.empty };
}

/** The latest delta that was made of a report: streams that are in step share it. */
const deltas = new WeakMap<Report, { readonly last: Report; readonly delta: ReportDelta | null }>();

function deltaOf(last: Report, report: Report): ReportDelta | null {
  // A delta has no words for an origin that is gone.
  const gone = last.received.entries().some(([origin]) => report.received.get(origin).isEmpty);
  if (gone) return { ...report, full: true };
  const changed = (origin: Origin) =>
    !report.received.get(origin).equals(last.received.get(origin)) ||
    !report.held.get(origin).equals(last.held.get(origin));
  const received = report.received.filter(changed);
  if (received.isEmpty) return null;
  const held = report.held.filter(changed);
  return { node: report.node, number: report.number, full: false, received, held };
}

/** Puts the deltas of one stream together again, node by node. */
export class ReportReader {
  readonly #last = new Map<FabId, Report>();

  /** The whole report; null for a delta without the report that it builds on. */
  read(delta: ReportDelta): Report | null {
    const last = this.#last.get(delta.node.fab);
    if (!delta.full && last?.node.epoch !== delta.node.epoch) return null;
    const report = delta.full || !last ? delta : merge(last, delta);
    const whole: Report = {
      node: report.node,
      number: report.number,
      received: report.received,
      held: report.held,
    };
    this.#last.set(delta.node.fab, whole);
    return whole;
  }
}

function merge(last: Report, delta: ReportDelta): Report {
  let { received, held } = last;
  for (const [origin, set] of delta.received.entries()) {
    received = received.with(origin, set);
    held = held.with(origin, IntervalSet.empty);
  }
  for (const [origin, set] of delta.held.entries()) held = held.with(origin, set);
  return { node: delta.node, number: delta.number, received, held };
}

/** The latest report of every node that this one has heard of, directly or relayed. */
export class ReportBook {
  readonly #reports = new Map<FabId, Report>();
  #sorted: Report[] | null = null;

  /** Takes a report in; tells whether it was news. */
  record(report: Report): boolean {
    if (!replaces(report, this.#reports.get(report.node.fab))) return false;
    this.#reports.set(report.node.fab, report);
    this.#sorted = null;
    return true;
  }

  of(fab: FabId): Report | undefined {
    return this.#reports.get(fab);
  }

  /** All reports, sorted by fab. */
  all(): readonly Report[] {
    this.#sorted ??= [...this.#reports.values()].sort((a, b) => (a.node.fab < b.node.fab ? -1 : 1));
    return this.#sorted;
  }
}

/** The report of no node in particular that has nothing. */
export function emptyReport(node: Origin): Report {
  return { node, number: 0, received: TransportVector.empty, held: TransportVector.empty };
}
