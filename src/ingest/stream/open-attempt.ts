import {
  type Attempt,
  PART_FAILED,
  type Results,
  TEST_FAILED,
  TEST_NO_PASS_FAIL,
} from '../../wafer/attempt.ts';
import { ResultsBuilder } from '../../wafer/results-builder.ts';
import type { WaferKey } from '../../wafer/wafer-key.ts';
import type { StreamResult } from './stream-result.ts';

/** A whole attempt and its wafer. */
export interface WholeAttempt {
  /** Wafer as the tester named it: the wafer id may be empty. */
  readonly wafer: WaferKey;
  readonly attempt: Attempt;
}

/**
 * An attempt that has not ended. Invariant: it has at least one result once {@link add} was called.
 *
 * Times are kept so that each comes back exactly: startedAtUs is the first one, the others are signed offsets
 * from it, negative where the tester's clock stepped back. A result without a time reads 0: its offset is minus
 * startedAtUs, and where the first result has none, startedAtUs is null and the offsets count from 0.
 */
export class OpenAttempt {
  /** Sequence of its first result. */
  readonly first: number;
  readonly #die: StreamResult;
  readonly #results = new ResultsBuilder();
  #last: number;
  #failed = false;
  #hardBin: number | null = null;
  #softBin: number | null = null;

  /** @param die the first result, not yet added */
  constructor(die: StreamResult, first: number) {
    this.#die = die;
    this.first = first;
    this.#last = first;
  }

  /** How many results it has. */
  get length(): number {
    return this.#results.length;
  }

  /** Whether a result of the same (head, site) is of the same wafer, place and part. */
  continues(result: StreamResult): boolean {
    const die = this.#die;
    return (
      result.x === die.x &&
      result.y === die.y &&
      result.partId === die.partId &&
      result.waferId === die.waferId &&
      result.lot === die.lot &&
      result.insertion === die.insertion
    );
  }

  /** Adds a result. `test`: index of its definition. */
  add(result: StreamResult, sequence: number, test: number): void {
    const flags = flagsOf(result);
    addRow(this.#results, result, test, result.timestampUs - this.#die.timestampUs);
    this.#last = sequence;
    if ((flags & (TEST_FAILED | TEST_NO_PASS_FAIL)) === TEST_FAILED) this.#failed = true;
    this.#hardBin = result.hardBin ?? this.#hardBin;
    this.#softBin = result.softBin ?? this.#softBin;
  }

  /** The attempt, ended. */
  end(): WholeAttempt {
    const { lot, waferId, insertion } = this.#die;
    return { wafer: { lot, waferId, insertion }, attempt: this.#attempt(this.#results.take()) };
  }

  #attempt(results: Results): Attempt {
    const { head, site, x, y, partId, timestampUs } = this.#die;
    return {
      index: this.first,
      head,
      site,
      x,
      y,
      partId,
      hardBin: this.#hardBin,
      softBin: this.#softBin,
      partFlags: this.#failed ? PART_FAILED : 0,
      testCount: results.length,
      testTimeMs: null,
      startedAtUs: timestampUs === 0 ? null : timestampUs,
      sequenceSpan: this.#last - this.first,
      results,
    };
  }
}

/** Adds a streamed result to a builder, as it is stored. */
export function addRow(results: ResultsBuilder, result: StreamResult, test: number, timeUs: number): void {
  results.result(test, flagsOf(result), -1, timeUs);
  if (result.value !== null) results.value64(result.value);
}

function flagsOf({ testFlags, passed }: StreamResult): number {
  return testFlags ?? (passed ? 0 : TEST_FAILED);
}
