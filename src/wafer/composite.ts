import type { Verdict, ViewedAttempt } from './views.ts';

/** What counts at one insertion of a wafer, by some view. */
export interface InsertionAttempts {
  /** Insertion: the test step; may be empty. */
  readonly insertion: string;
  readonly attempts: Iterable<Pick<ViewedAttempt, 'x' | 'y' | 'passed'>>;
}

/** A die by all insertions of its wafer. */
export interface CompositeDie {
  /** Column; null for an attempt without coordinates, which is a die of its own. Then y is null as well. */
  readonly x: number | null;
  /** Row; null for an attempt without coordinates. */
  readonly y: number | null;
  /** False if any insertion fails it, true if one passes it and none fails it, else null. */
  readonly passed: Verdict;
  /** Insertions that have an attempt at it that counts, in the order given; never empty. */
  readonly insertions: readonly string[];
  /** Those of them that fail it. */
  readonly failedAt: readonly string[];
}

/**
 * Joins the insertions of one wafer die by die, by their coordinates. Where several attempts at a die count at one
 * insertion, it fails the die if one of them failed, and passes it if one passed and none failed. Ordered by x and y;
 * attempts without coordinates come last.
 */
export function compositeDies(insertions: Iterable<InsertionAttempts>): CompositeDie[] {
  const dies = new Map<unknown, DieInMaking>();
  for (const { insertion, attempts } of insertions) {
    for (const attempt of attempts) {
      const key = attempt.x === null ? attempt : `${attempt.x}|${attempt.y}`;
      const die = dies.get(key) ?? new DieInMaking(attempt);
      die.add(insertion, attempt.passed);
      dies.set(key, die);
    }
  }
  return [...dies.values()].map((die) => die.made()).sort(byPlace);
}

/** By x, then y; what has none is last. */
export function byPlace(a: Pick<ViewedAttempt, 'x' | 'y'>, b: Pick<ViewedAttempt, 'x' | 'y'>): number {
  if (a.x === null || b.x === null) return Number(a.x === null) - Number(b.x === null);
  return a.x - b.x || a.y! - b.y!;
}

class DieInMaking {
  readonly #place: Pick<CompositeDie, 'x' | 'y'>;
  readonly #insertions = new Set<string>();
  readonly #failedAt = new Set<string>();
  #passed = false;

  constructor({ x, y }: Pick<CompositeDie, 'x' | 'y'>) {
    this.#place = { x, y };
  }

  add(insertion: string, passed: Verdict): void {
    this.#insertions.add(insertion);
    if (passed === false) this.#failedAt.add(insertion);
    if (passed === true) this.#passed = true;
  }

  made(): CompositeDie {
    const passed = this.#failedAt.size > 0 ? false : this.#passed || null;
    return {
      ...this.#place,
      passed,
      insertions: [...this.#insertions],
      failedAt: [...this.#failedAt],
    };
  }
}
