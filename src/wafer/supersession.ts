/** STDF PART_FLG bit 0: supersedes the earlier parts of the same id. */
export const SUPERSEDES_ID = 0x01;
/** STDF PART_FLG bit 1: supersedes the earlier parts of the same place. */
export const SUPERSEDES_XY = 0x02;

/** What the flags of an attempt are about. */
export interface SupersedeTerms {
  /** STDF PART_FLG. */
  readonly partFlags: number;
  /** Part id, with whatever else tells its wafer apart; null for none. */
  readonly id: string | null;
  /** Place, likewise; null without coordinates. */
  readonly place: string | null;
}

/**
 * Which attempts are left by the flags of later ones. Memory grows with their number.
 *
 * Invariant: an attempt that stands is in the lists of its id and of its place, of those that it has.
 */
export class Supersession<A extends object> {
  readonly #standing = new Set<A>();
  readonly #byId = new Map<string, A[]>();
  readonly #byPlace = new Map<string, A[]>();

  /** Adds an attempt behind all that were added; gives those that it ends. */
  add(attempt: A, { partFlags, id, place }: SupersedeTerms): A[] {
    const flagged = [
      ...(id !== null && partFlags & SUPERSEDES_ID ? taken(this.#byId, id) : []),
      ...(place !== null && partFlags & SUPERSEDES_XY ? taken(this.#byPlace, place) : []),
    ];
    // Those of the same id and place are in both lists, and may have been ended by the other before.
    const ended = flagged.filter((one) => this.#standing.delete(one));
    this.#standing.add(attempt);
    if (id !== null) push(this.#byId, id, attempt);
    if (place !== null) push(this.#byPlace, place, attempt);
    return ended;
  }

  /** Attempts that none has ended, in the order in which they were added. */
  standing(): Iterable<A> {
    return this.#standing.values();
  }
}

function taken<A>(map: Map<string, A[]>, key: string): A[] {
  const found = map.get(key) ?? [];
  map.delete(key);
  return found;
}

function push<A>(map: Map<string, A[]>, key: string, attempt: A): void {
  const known = map.get(key);
  if (known) known.push(attempt);
  else map.set(key, [attempt]);
}
