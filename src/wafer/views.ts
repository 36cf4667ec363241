import { Supersession } from './supersession.ts';

/**
 * Which attempts of a die count. `last` and `first` go by order alone; `best` and `worst` by verdict, ties going to the
 * later attempt; `flagged` counts all that no later attempt supersedes by its STDF PART_FLG; `raw` counts all. Order is
 * that of start of the run, run id and index in the run. Attempts without coordinates are of no die: all of them count,
 * unless a flag ends them under `flagged`.
 */
export const YIELD_VIEWS = ['last', 'first', 'best', 'worst', 'flagged', 'raw'] as const;

/** One of {@link YIELD_VIEWS}. */
export type YieldView = (typeof YIELD_VIEWS)[number];

/** Whether a part passed; null where its flags say nothing. */
export type Verdict = boolean | null;

/** What the views look at in an attempt of one wafer. */
export interface ViewedAttempt {
  /** Column of the die; null without coordinates, and then y is null as well. */
  readonly x: number | null;
  /** Row of the die; null without coordinates. */
  readonly y: number | null;
  readonly passed: Verdict;
  /** Part id; empty if none. */
  readonly partId: string;
  /** STDF PART_FLG. */
  readonly partFlags: number;
}

/** Attempts of one wafer that count by a view. They are given in order, and each is an object of its own. */
export function countingAttempts<A extends ViewedAttempt>(
  attempts: Iterable<A>,
  view: YieldView,
): Iterable<A> {
  if (view === 'raw') return attempts;
  return view === 'flagged' ? standing(attempts) : onePerDie(attempts, TAKES_OVER[view]);
}

/** Whether an attempt takes the place of an earlier one at its die. */
type TakesOver = (later: Verdict, earlier: Verdict) => boolean;

const TAKES_OVER: Readonly<Record<Exclude<YieldView, 'flagged' | 'raw'>, TakesOver>> = {
  last: () => true,
  first: () => false,
  best: (later, earlier) => rank(later) >= rank(earlier),
  worst: (later, earlier) => rank(later) <= rank(earlier),
};

/** A part that says neither stands between the two. */
function rank(verdict: Verdict): number {
  return verdict === null ? 1 : verdict ? 2 : 0;
}

function onePerDie<A extends ViewedAttempt>(attempts: Iterable<A>, takesOver: TakesOver): Iterable<A> {
  const counting = new Map<string | A, A>();
  for (const attempt of attempts) {
    const die = placeOf(attempt) ?? attempt;
    const earlier = counting.get(die);
    if (!earlier || takesOver(attempt.passed, earlier.passed)) counting.set(die, attempt);
  }
  return counting.values();
}

function standing<A extends ViewedAttempt>(attempts: Iterable<A>): Iterable<A> {
  const supersession = new Supersession<A>();
  for (const attempt of attempts) {
    const { partFlags, partId } = attempt;
    supersession.add(attempt, { partFlags, id: partId === '' ? null : partId, place: placeOf(attempt) });
  }
  return supersession.standing();
}

function placeOf({ x, y }: Pick<ViewedAttempt, 'x' | 'y'>): string | null {
  return x === null ? null : `${x}|${y}`;
}
