import type { Random } from './random.ts';

/** What is tested again at the end of a wafer. */
export interface RetestPlan {
  /** Share of the dies that are retested: 5 to 12 %. */
  readonly share: number;
  /** The same as a number of dies. */
  readonly count: number;
  /** Share of the failed dies among them that pass this time: 40 to 50 %. */
  readonly recovery: number;
  /** How many dies that had passed fail this time: over a lot, 1.5 % of the retests. */
  readonly degraded: number;
}

/** One die to be tested again. */
export interface Retest {
  /** Index of the die in the die map. */
  readonly die: number;
  /** Index of the test that it is going to fail; −1 for none. */
  readonly defect: number;
}

const LEAST_SHARE = 0.05;
const MOST_SHARE = 0.12;
const DEGRADED_SHARE = 0.015;

/** Draws the plan of a wafer. */
export function planRetests(wafer: number, dies: number, random: Random): RetestPlan {
  const share = random.between(LEAST_SHARE, MOST_SHARE);
  // One wafer has less than one such die, so they are rounded over the lot: every wafer gets what is due by then.
  const perWafer = DEGRADED_SHARE * ((LEAST_SHARE + MOST_SHARE) / 2) * dies;
  const due = (wafers: number): number => Math.floor(wafers * perWafer + 0.5);
  return {
    share,
    count: Math.round(share * dies),
    recovery: random.between(0.4, 0.5),
    degraded: due(wafer + 1) - due(wafer),
  };
}

/**
 * Chooses the dies to test again, in prober order: failed ones, and a few good ones where too few failed.
 * @param firstFails of each die, the index of the first test that it failed; −1 if it passed
 * @param drawDefect the test that a good die is to fail
 */
export function chooseRetests(
  plan: RetestPlan,
  firstFails: Int32Array,
  drawDefect: (random: Random) => number,
  random: Random,
): readonly Retest[] {
  const indexes = [...firstFails.keys()];
  const failed = random.shuffled(indexes.filter((die) => firstFails[die] !== -1));
  const good = random.shuffled(indexes.filter((die) => firstFails[die] === -1));
  const degraded = good.splice(0, Math.min(plan.degraded, plan.count));
  const again = failed.slice(0, plan.count - degraded.length);
  const recovering = Math.round(again.length * plan.recovery);
  const filling = good.slice(0, plan.count - degraded.length - again.length);
  const retests = [
    ...degraded.map((die) => ({ die, defect: drawDefect(random) })),
    ...again.map((die, i) => ({ die, defect: i < recovering ? -1 : (firstFails[die] ?? -1) })),
    ...filling.map((die) => ({ die, defect: -1 })),
  ];
  return retests.sort((a, b) => a.die - b.die);
}
