import { type AttemptSummary, passed } from './attempt.ts';
import { Supersession } from './supersession.ts';

/** Fields of an attempt that yields depend on. */
export type YieldRow = Pick<AttemptSummary, 'x' | 'y' | 'partId' | 'partFlags'>;

/** Parts that a rule counts. `pass` and `fail` leave out those that say neither. */
export interface YieldCount {
  readonly parts: number;
  readonly pass: number;
  readonly fail: number;
  /** pass / (pass + fail); null where that is 0 / 0. */
  readonly yield: number | null;
}

/** Yield by each rule of which attempt of a die counts. */
export interface YieldRules {
  /** Every attempt. */
  readonly raw_all_prr: YieldCount;
  /** The first at each place of a wafer; attempts without coordinates all count. */
  readonly first_per_xy: YieldCount;
  /** The last at each place of a wafer; attempts without coordinates all count. */
  readonly last_per_xy: YieldCount;
  /** All that no later attempt superseded by its flags. */
  readonly supersede_flags_only: YieldCount;
}

type Verdict = boolean | null;

/** Yields of a run by all rules. Attempts are added in order of index; memory grows with their number. */
export class YieldTally {
  readonly #raw = new Counter();
  readonly #first = new Counter();
  readonly #last = new Counter();
  readonly #alive = new Counter();
  readonly #lastAt = new Map<string, Verdict>();
  readonly #supersession = new Supersession<{ readonly verdict: Verdict }>();

  /** `wafer` tells the wafers of the run apart; null is a wafer as well. */
  add(attempt: YieldRow, wafer: number | string | null): void {
    const verdict = passed(attempt);
    const place = attempt.x === null ? null : `${wafer}|${attempt.x}|${attempt.y}`;
    this.#raw.add(verdict);
    this.#addByPlace(place, verdict);
    this.#addByFlags(attempt, attempt.partId === '' ? null : `${wafer}|${attempt.partId}`, place, verdict);
  }

  rules(): YieldRules {
    return {
      raw_all_prr: this.#raw.count(),
      first_per_xy: this.#first.count(),
      last_per_xy: this.#last.count(),
      supersede_flags_only: this.#alive.count(),
    };
  }

  #addByPlace(place: string | null, verdict: Verdict): void {
    const replaced = place === null ? undefined : this.#lastAt.get(place);
    if (replaced === undefined) this.#first.add(verdict);
    else this.#last.remove(replaced);
    this.#last.add(verdict);
    if (place !== null) this.#lastAt.set(place, verdict);
  }

  #addByFlags({ partFlags }: YieldRow, id: string | null, place: string | null, verdict: Verdict): void {
    const ended = this.#supersession.add({ verdict }, { partFlags, id, place });
    for (const { verdict } of ended) this.#alive.remove(verdict);
    this.#alive.add(verdict);
  }
}

class Counter {
  #parts = 0;
  #pass = 0;
  #fail = 0;

  add(verdict: Verdict, by = 1): void {
    this.#parts += by;
    if (verdict === true) this.#pass += by;
    if (verdict === false) this.#fail += by;
  }

  remove(verdict: Verdict): void {
    this.add(verdict, -1);
  }

  count(): YieldCount {
    const judged = this.#pass + this.#fail;
    return {
      parts: this.#parts,
      pass: this.#pass,
      fail: this.#fail,
      yield: judged === 0 ? null : this.#pass / judged,
    };
  }
}
