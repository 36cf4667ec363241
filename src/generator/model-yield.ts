import { type AttemptModel, PART_FLAG } from './attempt-model.ts';

/** Parts under one rule. */
export interface Yield {
  /** Parts that count, those without a verdict too. */
  readonly parts: number;
  readonly pass: number;
  readonly fail: number;
  /** pass / (pass + fail); null where there is no verdict at all. */
  readonly yield: number | null;
}

/** The same parts, counted by four rules. */
export interface YieldRules {
  /** Every touchdown counts. */
  readonly raw_all_prr: Yield;
  /** The first touchdown of each die. */
  readonly first_per_xy: Yield;
  /** The last touchdown of each die. */
  readonly last_per_xy: Yield;
  /** Touchdowns that no later one marks as replaced (PART_FLG bits 0 and 1). */
  readonly supersede_flags_only: Yield;
}

/** Counts the parts of a file by all rules. Holds one wafer at a time: dies of two wafers never meet. */
export class ModelYield {
  readonly #raw = new Count();
  readonly #first = new Count();
  readonly #last = new Count();
  readonly #flagged = new Count();
  #wafer: AttemptModel[] = [];

  /** A wafer begins. */
  wafer(): void {
    this.#close();
  }

  /** Takes an attempt, in file order. */
  add(attempt: AttemptModel): void {
    // Results are let go, so that a wafer takes little room.
    this.#wafer.push({ ...attempt, results: [] });
  }

  /** The yields of all wafers. */
  rules(): YieldRules {
    this.#close();
    return {
      raw_all_prr: this.#raw.yield(),
      first_per_xy: this.#first.yield(),
      last_per_xy: this.#last.yield(),
      supersede_flags_only: this.#flagged.yield(),
    };
  }

  #close(): void {
    const attempts = this.#wafer;
    this.#wafer = [];
    const last = new Map(attempts.map((attempt) => [attempt.die.index, attempt]));
    const first = new Map(attempts.toReversed().map((attempt) => [attempt.die.index, attempt]));
    this.#raw.add(attempts);
    this.#first.add(first.values());
    this.#last.add(last.values());
    this.#flagged.add(notReplaced(attempts));
  }
}

/** From the last to the first: whatever a later one replaces is left out. */
function notReplaced(attempts: readonly AttemptModel[]): AttemptModel[] {
  const partIds = new Set<string>();
  const dies = new Set<number>();
  return attempts.toReversed().filter(({ partFlags, partId, die }) => {
    const counts = !partIds.has(partId) && !dies.has(die.index);
    if (partFlags & PART_FLAG.replacesSameId) partIds.add(partId);
    if (partFlags & PART_FLAG.replacesSameCoordinates) dies.add(die.index);
    return counts;
  });
}

class Count {
  #parts = 0;
  #pass = 0;
  #fail = 0;

  add(attempts: Iterable<AttemptModel>): void {
    for (const { partFlags } of attempts) {
      this.#parts++;
      if (partFlags & PART_FLAG.noVerdict) continue;
      if (partFlags & PART_FLAG.failed) this.#fail++;
      else this.#pass++;
    }
  }

  yield(): Yield {
    const judged = this.#pass + this.#fail;
    return {
      parts: this.#parts,
      pass: this.#pass,
      fail: this.#fail,
      yield: judged === 0 ? null : this.#pass / judged,
    };
  }
}
