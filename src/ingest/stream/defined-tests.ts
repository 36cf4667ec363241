import { WafersyncError } from '../../errors.ts';
import type { StreamBounds } from './stream-bounds.ts';
import type { StreamTest } from './stream-result.ts';
import type { TestIndex } from './test-index.ts';

/** The tests that a stream has defined for its batches, by number, from 0. */
export class DefinedTests {
  readonly #index: TestIndex;
  readonly #bounds: StreamBounds;
  /** Invariant: as long as #indexes, at most `bounds.definitions`. */
  readonly #tests: StreamTest[] = [];
  readonly #indexes: number[] = [];

  constructor(index: TestIndex, bounds: StreamBounds) {
    this.#index = index;
    this.#bounds = bounds;
  }

  /** How many are defined: the number of the next one. */
  get size(): number {
    return this.#tests.length;
  }

  /** Index of each test's definition in the stream's program. */
  get indexes(): readonly number[] {
    return this.#indexes;
  }

  /** Test of a number that is defined. */
  test(number: number): StreamTest {
    return this.#tests[number]!;
  }

  /** Defines the next test, one that was checked. @throws WafersyncError `invalid` where the stream has too many */
  define(test: StreamTest, where: () => string): void {
    if (this.#tests.length >= this.#bounds.definitions) {
      throw new WafersyncError(
        'invalid',
        `test ${JSON.stringify(test.name.slice(0, 64))} is one too many at ${where()}: the stream has defined ${this.#tests.length}, as many as it may`,
        {
          hint: 'Define each test once, and keep what changes from die to die out of names, units and limits.',
        },
      );
    }
    this.#indexes.push(this.#index.of(test, where));
    this.#tests.push(test);
  }
}
