import type { FabId } from '../../../clocks/dot.ts';
import { compareBirths, type Sibling } from '../edit.ts';

/** What a policy may look at besides the siblings. */
export interface PolicyFacts {
  /** Fab named by the wafer's field `/home_fab`; null where there is none. */
  readonly homeFab: FabId | null;
}

/** What a policy makes of siblings. */
export interface Choice {
  /** Canonical JSON text that is shown; null where the field is shown as removed. */
  readonly value: string | null;
  /** Siblings that the value comes from. */
  readonly chosen: readonly Sibling[];
}

/**
 * A rule that says what is shown of a field whose siblings differ: a pure function of their set, and so the same at
 * every fab. Choosing among choices is choosing among all, in any grouping.
 */
export interface Policy {
  /** What it does, for people, as it reads behind "Where writes differ, ". */
  readonly says: string;
  /** Whether a person has to settle what differs. */
  readonly manual: boolean;
  /** @param siblings one or more */
  choose(siblings: readonly Sibling[], facts: PolicyFacts): Choice;
}

/** The sibling that ranks highest; of equals the last writer. */
export function highest(siblings: readonly Sibling[], rank: (sibling: Sibling) => number): Choice {
  const winner = siblings.reduce((best, next) => {
    const order = rank(next) - rank(best) || compareBirths(next, best);
    return order > 0 ? next : best;
  });
  return { value: winner.value, chosen: [winner] };
}
