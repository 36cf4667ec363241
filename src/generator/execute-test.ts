import { PARM_FLAG, type ResultModel, TEST_FLAG } from './attempt-model.ts';
import { failingValue, type Limits, valueAt } from './distribution.ts';
import type { Random } from './random.ts';
import type { TestModel } from './test-model.ts';

/** What one execution of a test depends on. */
export interface Execution {
  readonly test: TestModel;
  /** Sum of all that is common to the lot, the wafer, the place and the site, in standard deviations. */
  readonly offset: number;
  /** The die has a defect that this test finds. */
  readonly fails: boolean;
  readonly changedLimits: Limits | null;
  /** Probability of a value that is no number. */
  readonly nonFinite: number;
  /** Probability of an alarm, a timeout, or no execution. */
  readonly oddFlags: number;
}

/** What a die repeats at every touchdown, and what it does not: together the variance is 1. */
const DIE_SIGMA = 0.954;
const REPEAT_SIGMA = 0.3;

const ODDITIES = [TEST_FLAG.alarm, TEST_FLAG.timeout, TEST_FLAG.notExecuted] as const;
const NON_FINITE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] as const;

/**
 * Executes a test once.
 * @param dieRandom the die's own stream, begun anew at each touchdown: so a retest finds the same die
 * @param random stream of this touchdown
 */
export function executeTest(execution: Execution, dieRandom: Random, random: Random): ResultModel {
  const { test, fails, nonFinite, oddFlags, changedLimits } = execution;
  const values = drawValues(execution, dieRandom, random);
  const chance = random.uniform();
  if (!fails && chance < oddFlags) return oddResult(execution, random);
  if (test.kind === 'FTR') {
    return { test, flags: fails ? TEST_FLAG.failed : 0, parmFlags: -1, values, changedLimits };
  }
  if (!fails && chance < oddFlags + nonFinite) values[random.below(values.length)] = random.pick(NON_FINITE);
  return judged(test, values, changedLimits);
}

function drawValues(execution: Execution, dieRandom: Random, random: Random): number[] {
  const { test, offset, fails, changedLimits } = execution;
  const distribution = test.distribution;
  if (!distribution) return [];
  const values: number[] = [];
  for (let pin = 0; pin < test.pins; pin++) {
    const z = offset + DIE_SIGMA * dieRandom.normal() + REPEAT_SIGMA * random.normal();
    values.push(valueAt(distribution, z));
  }
  if (fails)
    values[random.below(values.length)] = failingValue(distribution, changedLimits ?? test.limits, random);
  return values;
}

/** A tester says nothing about pass or fail where the test did not run as it should. */
function oddResult({ test, changedLimits }: Execution, random: Random): ResultModel {
  const odd = random.pick(ODDITIES);
  return {
    test,
    flags: odd | TEST_FLAG.noVerdict,
    parmFlags: test.kind === 'FTR' ? -1 : 0,
    // PTR has room for exactly one value; MPR may have none.
    values: test.kind === 'PTR' ? [0] : [],
    changedLimits,
  };
}

/** Compares with the limits. NaN is marked unreliable, without a verdict. */
function judged(test: TestModel, values: readonly number[], changedLimits: Limits | null): ResultModel {
  const { low, high } = changedLimits ?? test.limits;
  let parmFlags: number = PARM_FLAG.atLowPasses | PARM_FLAG.atHighPasses;
  for (const value of values) {
    if (high !== null && value > high) parmFlags |= PARM_FLAG.above;
    if (low !== null && value < low) parmFlags |= PARM_FLAG.below;
  }
  let flags = parmFlags & (PARM_FLAG.above | PARM_FLAG.below) ? TEST_FLAG.failed : 0;
  if (flags === 0 && values.some(Number.isNaN)) flags = TEST_FLAG.unreliable | TEST_FLAG.noVerdict;
  return { test, flags, parmFlags, values, changedLimits };
}
