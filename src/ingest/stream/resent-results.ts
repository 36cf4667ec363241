import { WafersyncError } from '../../errors.ts';
import type { Attempt } from '../../wafer/attempt.ts';
import { ResultsBuilder } from '../../wafer/results-builder.ts';
import type { RunId } from '../../wafer/run.ts';
import type { WaferKey } from '../../wafer/wafer-key.ts';
import { addRow } from './open-attempt.ts';
import { sameDie, sameRows } from './same-content.ts';
import type { StreamBounds } from './stream-bounds.ts';
import type { StoredAttempt, StreamHistory, StreamPast } from './stream-history.ts';
import type { StreamIdentity } from './stream-identity.ts';
import { type SiteKey, type StreamDie, type StreamResult, siteKey } from './stream-result.ts';
import type { TestIndex } from './test-index.ts';

/** Results that were sent again for one stored attempt. */
interface Resent {
  readonly stored: StoredAttempt;
  /** Sequence of the first one. */
  readonly first: number;
  /** Sequence of the stored attempt's last result. */
  readonly last: number;
  readonly results: ResultsBuilder;
}

/** What {@link ResentResults} needs. */
export interface ResentParts {
  readonly run: RunId;
  readonly past: StreamPast;
  readonly history: StreamHistory;
  readonly tests: TestIndex;
  readonly identity: StreamIdentity;
  readonly wafer: (given: WaferKey) => WaferKey;
  /** Told of results that were found equal, and of the stored attempt if it ended with them. */
  readonly equal: (results: number, ended: Attempt | null) => void;
  readonly bounds: StreamBounds;
}

/**
 * Results that belong to attempts which are durable already. They are not taken again; they are collected until the
 * stored attempt's last sequence comes by, and then compared with its last rows: a stored attempt does not say which
 * sequence each of its rows had, only the first and the last.
 */
export class ResentResults {
  readonly #parts: ResentParts;
  /** Invariant: at most `bounds.openSites`, none with more results than its stored attempt. */
  readonly #open = new Map<SiteKey, Resent>();

  /** Invariant: the results of all their stored attempts, at most `bounds.comparedResults`. */
  #stored = 0;

  constructor(parts: ResentParts) {
    this.#parts = parts;
  }

  /** Least sequence that was sent again and not compared yet; Infinity without one. */
  get firstOpen(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const resent of this.#open.values()) first = Math.min(first, resent.first);
    return first;
  }

  /** Whether a result may belong to a durable attempt: {@link take} tells. */
  concerns({ head, site }: StreamDie, sequence: number): boolean {
    const key = siteKey(head, site);
    return sequence <= (this.#parts.past.lastSequences.get(key) ?? 0) || this.#open.has(key);
  }

  /**
   * Takes a result if it belongs to a durable attempt; false if it is new after all: a crash can leave a hole
   * before attempts that became durable.
   * @throws WafersyncError `conflict` where the stored content is another
   */
  async take(result: StreamResult, sequence: number): Promise<boolean> {
    const key = siteKey(result.head, result.site);
    const before = this.#open.get(key);
    if (before !== undefined && sequence > before.last) throw this.#notSentAgain(before);
    const resent = before ?? (await this.#begin(result, sequence));
    if (resent === null) return false;
    if (!sameDie(resent.stored, this.#parts.wafer(result), result)) {
      throw this.#conflict(sequence, 'another wafer, place or part id');
    }
    if (resent.results.length === resent.stored.attempt.results.length) {
      throw this.#conflict(sequence, 'fewer results');
    }
    const test = this.#parts.tests.of(result.test, () => this.#parts.identity.where(sequence));
    addRow(resent.results, result, test, 0);
    if (before === undefined) this.#stored += resent.stored.attempt.results.length;
    this.#open.set(key, resent);
    if (sequence === resent.last) this.#close(key, resent, true);
    return true;
  }

  /**
   * The stream is over: compares what is still collected, as far as it can be known. Results of which neither the
   * attempt's first nor its last was sent again are compared by wafer, place and part only.
   * @throws WafersyncError `conflict`
   */
  end(): void {
    for (const [key, resent] of this.#open) {
      if (this.#parts.identity.last > resent.last) throw this.#notSentAgain(resent);
      this.#close(key, resent, false);
    }
  }

  async #begin({ head, site }: StreamResult, sequence: number): Promise<Resent | null> {
    const { history, run } = this.#parts;
    const stored = await history.attemptAt(run, head, site, sequence);
    if (stored === null) return null;
    const { index, sequenceSpan, results } = stored.attempt;
    this.#checkRoom(results.length, sequence);
    return { stored, first: sequence, last: index + sequenceSpan, results: new ResultsBuilder() };
  }

  #checkRoom(results: number, sequence: number): void {
    const { openSites, comparedResults } = this.#parts.bounds;
    if (this.#open.size < openSites && this.#stored + results <= comparedResults) return;
    throw new WafersyncError(
      'invalid',
      `${this.#open.size} dies with ${this.#stored} results were sent again in part, of at most ${openSites} with ${comparedResults}, at ${this.#parts.identity.where(sequence)}`,
      { hint: 'Send all results again after the last sequence known to be durable, none left out.' },
    );
  }

  #close(key: SiteKey, { stored, first, results }: Resent, ended: boolean): void {
    const rows = results.take();
    const whole = first === stored.attempt.index;
    const definition = (index: number) => this.#parts.tests.definition(index);
    const offset = ended ? stored.attempt.results.length - rows.length : 0;
    if (ended && whole && offset !== 0) throw this.#conflict(first, 'more results');
    if ((ended || whole) && !sameRows(stored, offset, rows, definition)) {
      throw this.#conflict(first, 'other tests, values or flags');
    }
    this.#open.delete(key);
    this.#stored -= stored.attempt.results.length;
    this.#parts.equal(rows.length, ended ? stored.attempt : null);
  }

  #notSentAgain({ last }: Resent): WafersyncError {
    return this.#conflict(last, 'a result of that site, which was not sent again');
  }

  #conflict(sequence: number, stored: string): WafersyncError {
    return contentConflict(this.#parts.identity.where(sequence), stored);
  }
}

/** The refusal of other content under the same sequence. */
export function contentConflict(where: string, stored: string): WafersyncError {
  return new WafersyncError('conflict', `the die at ${where} is stored with ${stored}`, {
    hint: 'Send the same results under the same stream_sequence, or new ones under a stream_id of their own.',
  });
}
