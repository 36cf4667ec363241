import { type AttemptModel, PART_FLAG, type ResultModel, TEST_FLAG } from './attempt-model.ts';
import type { Die } from './die-map.ts';
import { type Execution, executeTest } from './execute-test.ts';
import type { LotModel } from './model.ts';
import type { TestModel } from './test-model.ts';
import type { WaferModel } from './wafer-model.ts';

/** One die under the needles. */
export interface Contact {
  readonly die: Die;
  readonly site: number;
  readonly partId: string;
  /** 0 for the first test of the die, 1 for the retest. */
  readonly round: 0 | 1;
  /** Index of the test that it fails; −1 for none. */
  readonly defect: number;
  /** Position of the touchdown in the wafer. */
  readonly touchdown: number;
}

/** Tests a die: all tests in order, up to the first failure if the program stops there. */
export function measure(lot: LotModel, wafer: WaferModel, contact: Contact): AttemptModel {
  const dieRandom = wafer.random.fork('die').fork(contact.die.index);
  const random = wafer.random.fork(contact.round === 0 ? 'first' : 'retest').fork(contact.die.index);
  const { stopOnFail, dirt } = lot.parameters;
  const breakOffAfter = random.chance(dirt.abortedParts) ? 1 + random.below(lot.flow.length) : Infinity;
  const results: ResultModel[] = [];
  let firstFail = -1;
  for (const index of lot.flow) {
    const test = lot.tests[index] as TestModel;
    const result = executeTest(executionOf(lot, wafer, contact, test), dieRandom, random);
    results.push(result);
    if (firstFail === -1 && result.flags & TEST_FLAG.failed) firstFail = index;
    if (results.length >= breakOffAfter || (firstFail !== -1 && stopOnFail)) break;
  }
  const logged = !random.fork('log').chance(dirt.unloggedParts);
  return attemptOf(lot, contact, { results, firstFail, brokenOff: results.length >= breakOffAfter, logged });
}

/** Lot, wafer, place on the wafer and site each move a test's values a little. */
function executionOf(lot: LotModel, wafer: WaferModel, contact: Contact, test: TestModel): Execution {
  const { die, site, touchdown } = contact;
  const { shift, radial, tiltU, tiltV, siteOffsets } = lot.terms;
  const i = test.index;
  const place = radial[i]! * (die.r2 - 0.5) + tiltU[i]! * die.u + tiltV[i]! * die.v;
  const change = lot.limitChanges.get(i);
  const changed =
    change !== undefined &&
    (wafer.index > change.wafer || (wafer.index === change.wafer && touchdown >= change.touchdown));
  return {
    test,
    offset: shift[i]! + wafer.shifts[i]! + place + siteOffsets[(site - 1) * lot.tests.length + i]!,
    fails: contact.defect === i,
    changedLimits: changed ? change.limits : null,
    nonFinite: lot.parameters.nonFinite,
    oddFlags: lot.parameters.oddFlags,
  };
}

interface Outcome {
  readonly results: readonly ResultModel[];
  /** Index of the first test that failed; −1 if none did. */
  readonly firstFail: number;
  /** Testing ended before the program did. */
  readonly brokenOff: boolean;
  /** The results are written to the file. */
  readonly logged: boolean;
}

function attemptOf(lot: LotModel, contact: Contact, outcome: Outcome): AttemptModel {
  const { results, firstFail, brokenOff, logged } = outcome;
  const lastTest = results.at(-1)?.test.index ?? 0;
  const failing = brokenOff ? undefined : lot.tests[firstFail];
  const passed = !brokenOff && firstFail === -1;
  const verdict = brokenOff ? PART_FLAG.abnormalEnd | PART_FLAG.noVerdict : passed ? 0 : PART_FLAG.failed;
  return {
    die: contact.die,
    head: 1,
    site: contact.site,
    partId: contact.partId,
    hardBin: brokenOff ? 0 : (failing?.hardBin ?? 1),
    softBin: brokenOff ? null : (failing?.softBin ?? 1),
    partFlags: verdict | (contact.round === 0 ? 0 : RETEST_FLAGS[lot.parameters.retestMarks]),
    timeMs: results.reduce((sum, result) => sum + result.test.timeMs, 0),
    firstFail: brokenOff && firstFail === -1 ? lastTest : firstFail,
    testCount: results.length,
    results: logged ? results : [],
  };
}

const RETEST_FLAGS = {
  none: 0,
  'part-id': PART_FLAG.replacesSameId,
  coordinates: PART_FLAG.replacesSameCoordinates,
} as const;
