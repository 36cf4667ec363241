import type { FabId } from '../clocks/dot.ts';
import type { ForkSearches, RenewalWish } from './fork-searches.ts';
import type { Report } from './report.ts';

/**
 * Whether others know more of this fab than this node does: its database was put back as it was, or is a copy.
 * @param heard a report of another node; or of this one, as it was heard of elsewhere
 */
export function renewalWish(report: Report, heard: Report): RenewalWish | null {
  const { node, received, number } = report;
  const own = heard.received.ofFab(node.fab);
  const isOwn = heard.node.fab === node.fab;
  const lives = [...own.map(([{ epoch }]) => epoch), ...(isOwn ? [heard.node.epoch] : [])];
  const later = lives.filter((epoch) => epoch > node.epoch);
  const [above] = later.sort((a, b) => b - a);
  if (above !== undefined) return { reason: 'superseded', above };
  const issued = report.issued ?? received.get(node).max;
  const isSelf = isOwn && heard.node.epoch === node.epoch;
  const isBehind =
    (isSelf && heard.number > number) ||
    own.some(([{ epoch }, set]) => epoch === node.epoch && set.max > issued);
  return isBehind ? { reason: 'behind', above: node.epoch } : null;
}

/** Speaks up where others know more of this fab than this node, and again when it goes on as another life. */
export class OwnLives {
  readonly #forks: Pick<ForkSearches, 'suspect'>;
  /** What each peer last said of this fab: peers say it once, and a new life may still be less. */
  readonly #heard = new Map<FabId, Report>();

  constructor(forks: Pick<ForkSearches, 'suspect'>) {
    this.#forks = forks;
  }

  /** A peer told of a node. */
  heard(peer: FabId, own: Report, report: Report): void {
    if (report.node.fab === own.node.fab) this.#heard.set(peer, report);
    this.#compare(peer, own, report);
  }

  /** This node goes on as another life. */
  renewed(own: Report): void {
    for (const [peer, report] of this.#heard) this.#compare(peer, own, report);
  }

  #compare(peer: FabId, own: Report, report: Report): void {
    const wish = renewalWish(own, report);
    if (wish) this.#forks.suspect(peer, own.node, wish);
  }
}
