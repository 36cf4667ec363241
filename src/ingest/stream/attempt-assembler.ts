import { WafersyncError } from '../../errors.ts';
import { OpenAttempt, type WholeAttempt } from './open-attempt.ts';
import { type DieRows, timeOf } from './stream-batch.ts';
import type { StreamBounds } from './stream-bounds.ts';
import { type SiteKey, type StreamDie, type StreamResult, siteKey } from './stream-result.ts';
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
  readonly #nowMs: () => number;
  /** Invariant: at most `bounds.openSites` attempts, each with 1 to `bounds.attemptResults` results. */
  readonly #open = new Map<SiteKey, OpenAttempt>();
  /** Invariant: the results of all open attempts, at most `bounds.openResults`. */
  #openResults = 0;

  /** @param nowMs asked once an attempt, as its first result comes in */
  constructor(
    tests: TestIndex,
    where: (sequence: number) => string,
    bounds: StreamBounds,
    nowMs: () => number = () => 0,
  ) {
    this.#tests = tests;
    this.#where = where;
    this.#bounds = bounds;
    this.#nowMs = nowMs;
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
    return this.#taken(result, sequence, 1, result.timestampUs, (attempt) => {
      attempt.add(result, sequence, test);
      return result.lastOfDie;
    });
  }

  /**
   * Takes results of one die in a row, at least one, that were checked; as {@link take} does.
   * @param tests index of the definition of each test number
   * @param first sequence of the first of them
   */
  takeRows(rows: DieRows, tests: readonly number[], first: number): readonly WholeAttempt[] {
    const { die, columns, from, to } = rows;
    return this.#taken(die, first, to - from, timeOf(columns, from), (attempt) => {
      attempt.addRows(rows, tests, first + to - from - 1);
      return die.lastOfDie;
    });
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

  /** `add` puts the results into their attempt, and tells whether it ends with them. */
  #taken(
    die: StreamDie,
    first: number,
    count: number,
    startUs: number,
    add: (attempt: OpenAttempt) => boolean,
  ): readonly WholeAttempt[] {
    const key = siteKey(die.head, die.site);
    const before = this.#open.get(key);
    const going = before?.continues(die) ? before : undefined;
    const ending = going === undefined ? before : undefined;
    this.#checkRoom(going, ending, count, first);
    const ended = ending === undefined ? NONE : [this.#end(key, ending)];
    const attempt = going ?? new OpenAttempt(die, first, startUs, this.#nowMs());
    if (going === undefined) this.#open.set(key, attempt);
    this.#openResults += count;
    if (!add(attempt)) return ended;
    const last = this.#end(key, attempt);
    return ended === NONE ? [last] : [...ended, last];
  }

  #end(key: SiteKey, attempt: OpenAttempt): WholeAttempt {
    this.#open.delete(key);
    this.#openResults -= attempt.length;
    return attempt.end();
  }

  /** Whether `count` results fit into the attempt that goes on, or a new one, after the one that ends. */
  #checkRoom(
    going: OpenAttempt | undefined,
    ending: OpenAttempt | undefined,
    count: number,
    sequence: number,
  ): void {
    const { attemptResults, openSites, openResults } = this.#bounds;
    const where = () => this.#where(sequence);
    const length = (going?.length ?? 0) + count;
    if (length > attemptResults) throw tooLong(going?.first ?? sequence, length, attemptResults, where);
    if (!going && !ending && this.#open.size >= openSites) throw tooManySites(this.#open.size, where);
    const open = this.#openResults - (ending?.length ?? 0);
    if (open + count > openResults) throw tooManyResults(open, count, openResults, where);
  }
}

const END_DIES = 'Set last_of_die on the last result of a die, or use one stream for each head.';

function tooLong(began: number, length: number, most: number, where: () => string): WafersyncError {
  const message = `the die that began at sequence ${began} would have ${length} results, of at most ${most} in one attempt, at ${where()}`;
  return new WafersyncError('invalid', message, {
    hint: 'Set last_of_die on the last result of a die, or give each die its own part_id or place.',
  });
}

function tooManySites(sites: number, where: () => string): WafersyncError {
  const message = `${sites} sites have a die that has not ended, the most of one stream, at ${where()}`;
  return new WafersyncError('invalid', message, { hint: END_DIES });
}

function tooManyResults(open: number, count: number, most: number, where: () => string): WafersyncError {
  const message = `dies that have not ended hold ${open} results, of at most ${most} of one stream; ${count} more come at ${where()}`;
  return new WafersyncError('invalid', message, { hint: END_DIES });
}
