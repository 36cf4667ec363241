import type { LotParameters } from './parameters.ts';
import type { Random } from './random.ts';
import { planRetests, type RetestPlan } from './retests.ts';
import { drawSignature, type Signature } from './signatures.ts';

/** What is particular to one wafer. */
export interface WaferModel {
  /** Position in the lot, from 0. */
  readonly index: number;
  /** WAFER_ID; empty where the tester gave none. */
  readonly id: string;
  /** Milliseconds from the start of the lot to the start of the wafer. */
  readonly startMs: number;
  /** Shift of each test, in standard deviations. */
  readonly shifts: Float64Array;
  readonly signature: Signature;
  readonly retests: RetestPlan;
  /** Probability that a die outside the pattern has a defect at its first touchdown. */
  readonly defectRate: number;
  readonly hasWrr: boolean;
  /** Root of the wafer's random numbers. */
  readonly random: Random;
}

const SHIFT_SIGMA = 0.2;

/** More defects than planned retests, so that retests seldom have to be filled up with good dies. */
const DEFECTS_PER_RETEST = 1.15;

/** Draws a wafer. @param startMs see {@link WaferModel.startMs} */
export function makeWafer(
  index: number,
  startMs: number,
  parameters: LotParameters,
  random: Random,
): WaferModel {
  const shift = random.fork('shifts');
  const retests = planRetests(index, parameters.dies, random.fork('retest plan'));
  const { missingWrr, emptyWaferId } = parameters.dirt;
  return {
    index,
    id: random.fork('id').chance(emptyWaferId) ? '' : waferId(parameters.lot, index),
    startMs,
    shifts: Float64Array.from({ length: parameters.tests }, () => SHIFT_SIGMA * shift.normal()),
    signature: drawSignature(random.fork('signature'), parameters.signatures),
    retests,
    defectRate: retests.share * DEFECTS_PER_RETEST,
    hasWrr: !random.fork('wrr').chance(missingWrr),
    random,
  };
}

/** Id of the wafer at a position in its lot. */
export function waferId(lot: string, index: number): string {
  return `${lot}-${String(index + 1).padStart(2, '0')}`;
}
