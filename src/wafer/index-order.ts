/**
 * Puts the attempts of a run in order of index, from groups that come in order of their least index but may
 * interleave (sites of a tester that were written apart). Holds only what a later group may still precede.
 */
export class IndexOrder<T> {
  readonly #indexOf: (item: T) => number;
  #held: T[] = [];

  constructor(indexOf: (item: T) => number) {
    this.#indexOf = indexOf;
  }

  /** Adds a group; gives what no later group can precede, in order. */
  push(group: readonly T[]): T[] {
    if (group.length === 0) return [];
    const least = group.reduce(
      (least, item) => Math.min(least, this.#indexOf(item)),
      Number.POSITIVE_INFINITY,
    );
    const ready = this.#held.filter((item) => this.#indexOf(item) < least);
    const rest = this.#held.filter((item) => this.#indexOf(item) >= least);
    this.#held = [...rest, ...group];
    return this.#sorted(ready);
  }

  /** The rest, in order. */
  end(): T[] {
    const rest = this.#held;
    this.#held = [];
    return this.#sorted(rest);
  }

  #sorted(items: T[]): T[] {
    return items.sort((a, b) => this.#indexOf(a) - this.#indexOf(b));
  }
}
