import { createHash } from 'node:crypto';
import { WafersyncError } from '../errors.ts';

/** Digests of one subject as a node has it: 32 hex digits each. */
export interface Leaf {
  /** Where it stands: subjectKey of the subject. */
  readonly key: string;
  /** Which updates of it are applied. */
  readonly dots: string;
  /** What these updates are. */
  readonly log: string;
  /** What the readable tables have of it. */
  readonly tables: string;
}

/** A part of a tree: every leaf whose key begins with the prefix. */
export interface Branch {
  /** Hex digits; empty for all. */
  readonly prefix: string;
  /** Leaves in it. */
  readonly count: number;
  /** Digest of each of its sixteen parts, empty where one has no leaf; absent where the leaves are given. */
  readonly parts?: readonly string[];
  /** The leaves, where they are few. */
  readonly leaves?: readonly Leaf[];
}

/** Leaves up to which a branch is given leaf by leaf: as many bytes as the digests of its parts. */
export const FEW_LEAVES = 4;

/** Hex digits of a key. */
const KEY_DIGITS = 32;

const PARTS = [...'0123456789abcdef'];

/**
 * Subjects by their keys, as a tree of sixteen parts a level. Two trees have the same digest for a part just where they
 * have the same leaves in it.
 *
 * Invariant: leaves are sorted by key, each key once.
 */
export class DigestTree {
  readonly #leaves: readonly Leaf[];

  private constructor(leaves: readonly Leaf[]) {
    this.#leaves = leaves;
  }

  /** The tree of some leaves, in any order, each key once. */
  static of(leaves: readonly Leaf[]): DigestTree {
    return new DigestTree([...leaves].sort((a, b) => (a.key < b.key ? -1 : 1)));
  }

  get size(): number {
    return this.#leaves.length;
  }

  /** Digest of a part, 32 hex digits; empty where it has no leaf. */
  digest(prefix = ''): string {
    const [from, to] = this.#range(prefix);
    if (from === to) return '';
    const sha = createHash('sha256');
    for (let i = from; i < to; i++) {
      const { key, dots, log, tables } = this.#leaves[i]!;
      sha.update(`${key}${dots}${log}${tables}`);
    }
    return sha.digest('hex').slice(0, 32);
  }

  /** A branch as it is given to a peer. @throws WafersyncError `invalid` for what is no prefix of a key */
  branch(prefix: string): Branch {
    if (!/^[0-9a-f]*$/.test(prefix) || prefix.length > KEY_DIGITS) {
      throw new WafersyncError('invalid', `${JSON.stringify(prefix)} is no branch of a tree of digests`);
    }
    const [from, to] = this.#range(prefix);
    const count = to - from;
    if (count <= FEW_LEAVES || prefix.length === KEY_DIGITS)
      return { prefix, count, leaves: this.#leaves.slice(from, to) };
    return { prefix, count, parts: PARTS.map((digit) => this.digest(prefix + digit)) };
  }

  /** The leaves of a part. */
  leaves(prefix: string): readonly Leaf[] {
    return this.#leaves.slice(...this.#range(prefix));
  }

  /**
   * What a peer's branch says of this tree.
   * @returns `deeper`: branches to be asked for next; `differing`: keys of leaves that are not the same in both
   */
  against(theirs: Branch): { readonly deeper: string[]; readonly differing: string[] } {
    const { prefix, parts, leaves } = theirs;
    if (parts) {
      const deeper = PARTS.map((digit) => prefix + digit).filter(
        (part, i) => (parts[i] ?? '') !== this.digest(part),
      );
      return { deeper, differing: [] };
    }
    const mine = new Map(this.leaves(prefix).map((leaf) => [leaf.key, leaf]));
    const given = new Map((leaves ?? []).map((leaf) => [leaf.key, leaf]));
    const keys = [...new Set([...mine.keys(), ...given.keys()])];
    return { deeper: [], differing: keys.filter((key) => !sameLeaf(mine.get(key), given.get(key))) };
  }

  /** Indexes of the leaves of a part: from, included, to, excluded. */
  #range(prefix: string): [number, number] {
    // Behind every key that begins with the prefix.
    return [this.#indexOf(prefix), this.#indexOf(`${prefix}g`)];
  }

  /** Index of the first leaf at or behind a key. */
  #indexOf(key: string): number {
    let low = 0;
    let high = this.#leaves.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#leaves[middle]!.key < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Whether two nodes have the same of a subject. */
export function sameLeaf(a: Leaf | undefined, b: Leaf | undefined): boolean {
  if (!a || !b) return a === b;
  return a.dots === b.dots && a.log === b.log && a.tables === b.tables;
}

/** What became of a subject that two nodes do not have alike. */
export type Standing = 'equal' | 'on-its-way' | 'different';

/**
 * How two nodes stand to each other in a subject. Where other updates of it are applied, something is on its way, and
 * nothing can be said of the rest.
 */
export function standingOf(mine: Leaf | undefined, theirs: Leaf | undefined): Standing {
  if (sameLeaf(mine, theirs)) return 'equal';
  return mine?.dots === theirs?.dots ? 'different' : 'on-its-way';
}
