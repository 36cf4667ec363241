import { WafersyncError } from '../../errors.ts';
import { OpenAttempt, type WholeAttempt } from './open-attempt.ts';
import type { StreamBounds } from './stream-bounds.ts';
import { type SiteKey, type StreamResult, siteKey } from './stream-result.ts';
import type { TestIndex } from './test-index.ts';

const NONE: readonly WholeAttempt[] = [];

/**
 * Makes attempts of the results of one stream. Per (head, site) an attempt ends when wafer, place or part id
 * changes, with a result marked as the last of its die, or where the stream ends. It gives out whole attempts only.
 */
export class AttemptAssembler {
  readonly #tests: TestIndex;
  readonly #where: (sequence: number) => string;
  readonly #bounds: StreamBounds;
  /** Invariant: at most `bounds.openSites` attempts, each with 1 to `bounds.attemptResults` results. */
  readonly #open = new Map<SiteKey, OpenAttempt>();
  /** Invariant: the results of all open attempts, at most `bounds.openResults`. */
  #openResults = 0;

  constructor(tests: TestIndex, where: (sequence: number) => string, bounds: StreamBounds) {
    this.#tests = tests;
    this.#where = where;
    this.#bounds = bounds;
  }

  /** Attempts and results that have not ended. */
  get open(): { attempts: number; results: number } {
    return { attempts: this.#open.size, results: this.#openResults };
  }

  /** Least sequence in an attempt that has not ended; Infinity without one. */
  get firstOpen(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const attempt of this.#open.values()) first = Math.min(first, attempt.first);
    return first;
  }

  /**
   * Takes a result that was checked; returns the attempts that it ends, in the order of their ends. Either all of
   * it happens or, when it throws, nothing.
   * @throws WafersyncError `invalid` where a bound is reached
   */
  take(result: StreamResult, sequence: number): readonly WholeAttempt[] {
    const test = this.#tests.of(result.test, () => this.#where(sequence));
    const key = siteKey(result.head, result.site);
    const before = this.#open.get(key);
    if (before?.continues(result)) {
      this.#checkAttempt(before, sequence);
      return this.#add(before, key, result, sequence, test);
    }
    if (before === undefined) this.#checkOpen(sequence);
    const ended = before === undefined ? NONE : [this.#end(key, before)];
    const attempt = new OpenAttempt(result, sequence);
    this.#open.set(key, attempt);
    const last = this.#add(attempt, key, result, sequence, test);
    return last === NONE ? ended : [...ended, ...last];
  }

  /** Ends the attempt of one (head, site), if there is one. */
  endSite(head: number, site: number): readonly WholeAttempt[] {
    const key = siteKey(head, site);
    const attempt = this.#open.get(key);
    return attempt === undefined ? NONE : [this.#end(key, attempt)];
  }

  /** Ends all attempts: the stream is over. */
  end(): readonly WholeAttempt[] {
    return [...this.#open].map(([key, attempt]) => this.#end(key, attempt));
  }

  #add(attempt: OpenAttempt, key: SiteKey, result: StreamResult, sequence: number, test: number) {
    attempt.add(result, sequence, test);
    this.#openResults++;
    return result.lastOfDie ? [this.#end(key, attempt)] : NONE;
  }

  #end(key: SiteKey, attempt: OpenAttempt): WholeAttempt {
    this.#open.delete(key);
    this.#openResults -= attempt.length;
    return attempt.end();
  }

  #checkAttempt(attempt: OpenAttempt, sequence: number): void {
    const { attemptResults } = this.#bounds;
    if (attempt.length >= attemptResults) {
      throw new WafersyncError(
        'invalid',
        `the die that began at sequence ${attempt.first} has ${attempt.length} results, the most of one attempt, at ${this.#where(sequence)}`,
        { hint: 'Set last_of_die on the last result of a die, or give each die its own part_id or place.' },
      );
    }
    this.#checkResults(sequence);
  }

  #checkOpen(sequence: number): void {
    if (this.#open.size >= this.#bounds.openSites) {
      throw new WafersyncError(
        'invalid',
        `${this.#open.size} sites have a die that has not ended, the most of one stream, at ${this.#where(sequence)}`,
        { hint: 'Set last_of_die on the last result of a die, or use one stream for each head.' },
      );
    }
    this.#checkResults(sequence);
  }

  #checkResults(sequence: number): void {
    if (this.#openResults < this.#bounds.openResults) return;
    throw new WafersyncError(
      'invalid',
      `dies that have not ended hold ${this.#openResults} results, the most of one stream, at ${this.#where(sequence)}`,
      { hint: 'Set last_of_die on the last result of a die, or use one stream for each head.' },
    );
  }
}
