import {
  type Attempt,
  PART_FAILED,
  type Results,
  TEST_FAILED,
  TEST_NO_PASS_FAIL,
} from '../../wafer/attempt.ts';
import { ResultsBuilder } from '../../wafer/results-builder.ts';
import type { WaferKey } from '../../wafer/wafer-key.ts';
import { type DieRows, testNumber, timeOf } from './stream-batch.ts';
import type { StreamDie, StreamResult } from './stream-result.ts';

/** A whole attempt and its wafer. */
export interface WholeAttempt {
  /** Wafer as the tester named it: the wafer id may be empty. */
  readonly wafer: WaferKey;
  readonly attempt: Attempt;
  /** When its first result came in, as the assembler's clock tells. */
  readonly arrivedMs: number;
}

/** What a die's results may say about the whole die; null where they say nothing. */
type Bins = Pick<StreamResult, 'hardBin' | 'softBin'>;

/**
 * An attempt that has not ended. Invariant: it has at least one result once {@link add} or {@link addRows} was called.
 *
 * Times are kept so that each comes back exactly: startedAtUs is the first one, the others are signed offsets
 * from it, negative where the tester's clock stepped back. A result without a time reads 0: its offset is minus
 * startedAtUs, and where the first result has none, startedAtUs is null and the offsets count from 0.
 */
export class OpenAttempt {
  /** Sequence of its first result. */
  readonly first: number;
  readonly #arrivedMs: number;
  readonly #die: StreamDie;
  /** Time of the first result; 0 if not known. */
  readonly #startUs: number;
  readonly #results = new ResultsBuilder();
  #last: number;
  #failed = false;
  #hardBin: number | null = null;
  #softBin: number | null = null;

  /**
   * @param startUs time of the first result, by its tester; 0 if not known
   * @param arrivedMs when it came in
   */
  constructor(die: StreamDie, first: number, startUs: number, arrivedMs: number) {
    this.#arrivedMs = arrivedMs;
    this.#die = die;
    this.#startUs = startUs;
    this.first = first;
    this.#last = first;
  }

  /** How many results it has. */
  get length(): number {
    return this.#results.length;
  }

  /** Whether a result of the same (head, site) is of the same wafer, place and part. */
  continues(result: StreamDie): boolean {
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
    addRow(this.#results, result, test, result.timestampUs - this.#startUs);
    this.#judge(flagsOf(result));
    this.#close(result, sequence);
  }

  /** Adds results of one die in a row; `tests`: index of the definition of each test number, `last`: their last sequence. */
  addRows({ die, columns, from, to }: DieRows, tests: readonly number[], last: number): void {
    const { values, flags, valueless } = columns;
    for (let row = from; row < to; row++) {
      const flag = flags[row]!;
      const test = tests[testNumber(columns, row)]!;
      this.#results.result(test, flag, -1, timeOf(columns, row) - this.#startUs);
      if (!valueless.has(row)) this.#results.value64(values[row]!);
      this.#judge(flag);
    }
    this.#close(die, last);
  }

  /** The attempt, ended. */
  end(): WholeAttempt {
    const { lot, waferId, insertion } = this.#die;
    const attempt = this.#attempt(this.#results.take());
    return { wafer: { lot, waferId, insertion }, attempt, arrivedMs: this.#arrivedMs };
  }

  #judge(flags: number): void {
    if ((flags & (TEST_FAILED | TEST_NO_PASS_FAIL)) === TEST_FAILED) this.#failed = true;
  }

  #close({ hardBin, softBin }: Bins, last: number): void {
    this.#last = last;
    this.#hardBin = hardBin ?? this.#hardBin;
    this.#softBin = softBin ?? this.#softBin;
  }

  #attempt(results: Results): Attempt {
    const { head, site, x, y, partId } = this.#die;
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
      startedAtUs: this.#startUs === 0 ? null : this.#startUs,
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
