import type { OutgoingTest } from '../api/tester-messages.ts';
import { WafersyncError } from '../errors.ts';
import type { TesterTest } from './tester-result.ts';

/** Tests of one stream at most; a node takes no more. */
export const MAX_TESTS = 65_535;

/** The tests of a stream, numbered from 0 as they are met. */
export class TestTable {
  readonly #tests: OutgoingTest[] = [];
  /** Last one met under each name: nearly every test is found here. */
  readonly #byName = new Map<string, number>();
  readonly #byContent = new Map<string, number>();
  readonly #lists = new WeakMap<readonly TesterTest[], readonly number[]>();

  /** How many there are. */
  get size(): number {
    return this.#tests.length;
  }

  /** Those from a number on, in order. */
  from(number: number): readonly OutgoingTest[] {
    return this.#tests.slice(number);
  }

  /** Number of a test. @throws WafersyncError `invalid` without a name, or where there are too many */
  number(test: TesterTest): number {
    const known = this.#byName.get(test.name);
    if (known !== undefined && same(this.#tests[known]!, test)) return known;
    const number = this.#find(test);
    this.#byName.set(test.name, number);
    return number;
  }

  /** Numbers of a list of tests, which must not change afterwards. */
  numbers(tests: readonly TesterTest[]): readonly number[] {
    const known = this.#lists.get(tests);
    if (known) return known;
    const numbers = tests.map((test) => this.number(test));
    this.#lists.set(tests, numbers);
    return numbers;
  }

  #find(test: TesterTest): number {
    const outgoing = toOutgoing(test);
    // JSON has no NaN: limits are turned into texts, which tell 0 from −0 as well.
    const { name, number, units, lowLimit, highLimit } = outgoing;
    const content = JSON.stringify([name, number, units, textOf(lowLimit), textOf(highLimit)]);
    const known = this.#byContent.get(content);
    if (known !== undefined) return known;
    this.#check(outgoing);
    const added = this.#tests.push(outgoing) - 1;
    this.#byContent.set(content, added);
    return added;
  }

  #check({ name }: OutgoingTest): void {
    if (name === '') throw new WafersyncError('invalid', 'a test has no name', { hint: 'Name every test.' });
    if (this.#tests.length < MAX_TESTS) return;
    throw new WafersyncError(
      'invalid',
      `test ${JSON.stringify(name)} is one too many: a stream has at most ${MAX_TESTS}`,
      {
        hint: 'Keep what changes from die to die out of names, units and limits, or begin another stream.',
      },
    );
  }
}

function toOutgoing({ name, number, units, lowLimit, highLimit }: TesterTest): OutgoingTest {
  return {
    name,
    number: number ?? 0,
    units: units ?? '',
    lowLimit: lowLimit ?? null,
    highLimit: highLimit ?? null,
  };
}

function textOf(limit: number | null): string | null {
  if (limit === null) return null;
  return Object.is(limit, -0) ? '-0' : String(limit);
}

function same(known: OutgoingTest, test: TesterTest): boolean {
  return (
    known.number === (test.number ?? 0) &&
    known.units === (test.units ?? '') &&
    Object.is(known.lowLimit, test.lowLimit ?? null) &&
    Object.is(known.highLimit, test.highLimit ?? null)
  );
}
