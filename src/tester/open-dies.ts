import type { TesterPlace } from './tester-result.ts';

/** Which die each (head, site) is at, and where in the stream it began. */
export class OpenDies {
  /** Invariant: the dies that have not ended, one a (head, site), 65,536 at most. */
  readonly #open = new Map<number, { readonly die: string; readonly first: number }>();

  /** Takes in results of a die that begin at a position of the stream. */
  take(place: TesterPlace, position: number, lastOfDie: boolean): void {
    const site = (place.head ?? 0) * 256 + (place.site ?? 0);
    const { x, y, partId, waferId, lot, insertion } = place;
    const die = JSON.stringify([
      x ?? null,
      y ?? null,
      partId ?? '',
      waferId ?? '',
      lot ?? '',
      insertion ?? '',
    ]);
    if (lastOfDie) this.#open.delete(site);
    else if (this.#open.get(site)?.die !== die) this.#open.set(site, { die, first: position });
  }

  /** Position from which on nothing can become durable yet; Infinity where every die has ended. */
  get first(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const open of this.#open.values()) first = Math.min(first, open.first);
    return first;
  }
}
