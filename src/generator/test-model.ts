import type { Distribution, Limits } from './distribution.ts';
import type { LotParameters } from './parameters.ts';
import type { Random } from './random.ts';
import { draftTests, type TestDraft } from './test-drafts.ts';

/** A test of the program. */
export interface TestModel {
  /** Position in the program, from 0. */
  readonly index: number;
  readonly kind: 'PTR' | 'MPR' | 'FTR';
  /** TEST_NUM. */
  readonly number: number;
  /** Whether a test of the same kind has the same number. Records of such tests must always say the name. */
  readonly numberIsShared: boolean;
  /** TEST_TXT; unique within the program. */
  readonly name: string;
  readonly units: string;
  /** RES_SCAL. */
  readonly scale: number;
  /** Null for functional tests. */
  readonly distribution: Distribution | null;
  readonly limits: Limits;
  /** Limits of the specification; wider than the test limits. */
  readonly spec: Limits;
  /** Values of one execution: 1 for PTR, 0 for FTR. */
  readonly pins: number;
  /** Bins of dies that fail here first. */
  readonly hardBin: number;
  readonly softBin: number;
  /** Time of one execution, milliseconds. */
  readonly timeMs: number;
}

/** Makes the tests of a program. */
export function makeTests(parameters: LotParameters, random: Random): readonly TestModel[] {
  return numbered(draftTests(parameters, random.fork('drafts')), parameters, random.fork('numbers'));
}

/** The order of execution on a die: indexes of the tests, some of them twice in a row. */
export function makeFlow(tests: number, repeatedShare: number, random: Random): readonly number[] {
  const order = [...Array(tests).keys()];
  const repeated = new Set(random.shuffled(order).slice(0, Math.round(tests * repeatedShare)));
  return order.flatMap((index) => (repeated.has(index) ? [index, index] : [index]));
}

/** Gives numbers, some of them shared with the test before, names that are unique, and soft bins. */
function numbered(drafts: readonly TestDraft[], parameters: LotParameters, random: Random): TestModel[] {
  const sharing = Math.round(drafts.length * parameters.sharedNumbers);
  const shared = new Set(random.shuffled([...drafts.keys()].slice(1)).slice(0, sharing));
  const numbers: number[] = [];
  for (const index of drafts.keys()) {
    numbers.push(shared.has(index) ? (numbers[index - 1] as number) : 1000 + 10 * index);
  }
  const users = new Map<string, number>();
  const keyOf = (index: number): string => `${drafts[index]?.kind} ${numbers[index]}`;
  for (const index of drafts.keys()) users.set(keyOf(index), (users.get(keyOf(index)) ?? 0) + 1);
  const ofName = new Map<string, number>();
  return drafts.map(({ order: _, ...draft }, index) => {
    const nth = (ofName.get(draft.name) ?? 0) + 1;
    ofName.set(draft.name, nth);
    return {
      ...draft,
      index,
      number: numbers[index] as number,
      numberIsShared: (users.get(keyOf(index)) ?? 0) > 1,
      name: `${draft.name}_${String(nth).padStart(2, '0')}`,
      softBin: 101 + index,
      timeMs: 4 + random.below(12),
    };
  });
}
