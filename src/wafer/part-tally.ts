import { type AttemptSummary, passed } from './attempt.ts';
import { SUPERSEDES_ID, SUPERSEDES_XY } from './supersession.ts';

/** Fields of an attempt that its run's counts depend on. */
export type TallyRow = Pick<AttemptSummary, 'head' | 'site' | 'x' | 'y' | 'partFlags' | 'resultCount'>;

/** STDF PART_FLG bit 2: testing of the part ended abnormally. */
const ABNORMAL_END = 0x04;

/** Counts over the attempts of a run, whatever source they come from. */
export interface PartCounts {
  readonly prr: number;
  readonly with_xy: number;
  /** Places of a wafer that were tested. */
  readonly unique_xy: number;
  readonly xy_tested_more_than_once: number;
  /** Attempts by PART_FLG, the flags growing. */
  readonly part_flg: Readonly<Record<string, number>>;
  readonly supersede_by_id: number;
  readonly supersede_by_xy: number;
  readonly abnormal_end: number;
  readonly no_pass_fail: number;
  readonly without_any_result: number;
  readonly heads: readonly number[];
  readonly sites: readonly number[];
}

/** Counts the attempts of a run. Memory grows with the number of places tested. */
export class PartTally {
  readonly #places = new Map<string, number>();
  readonly #flags = new Map<number, number>();
  readonly #heads = new Set<number>();
  readonly #sites = new Set<number>();
  #located = 0;
  #withoutResult = 0;

  /** `wafer` tells the wafers of the run apart; null is a wafer as well. */
  add(attempt: TallyRow, wafer: number | string | null): void {
    const { head, site, x, y, partFlags, resultCount } = attempt;
    this.#flags.set(partFlags, (this.#flags.get(partFlags) ?? 0) + 1);
    this.#heads.add(head);
    this.#sites.add(site);
    if (resultCount === 0) this.#withoutResult++;
    if (x === null) return;
    this.#located++;
    const place = `${wafer}|${x}|${y}`;
    this.#places.set(place, (this.#places.get(place) ?? 0) + 1);
  }

  counts(): PartCounts {
    return {
      prr: this.#count(() => true),
      with_xy: this.#located,
      unique_xy: this.#places.size,
      xy_tested_more_than_once: [...this.#places.values()].filter((times) => times > 1).length,
      part_flg: Object.fromEntries(
        sorted(this.#flags.keys()).map((flags) => [flags, this.#flags.get(flags)!]),
      ),
      supersede_by_id: this.#count((partFlags) => partFlags & SUPERSEDES_ID),
      supersede_by_xy: this.#count((partFlags) => partFlags & SUPERSEDES_XY),
      abnormal_end: this.#count((partFlags) => partFlags & ABNORMAL_END),
      no_pass_fail: this.#count((partFlags) => passed({ partFlags }) === null),
      without_any_result: this.#withoutResult,
      heads: sorted(this.#heads),
      sites: sorted(this.#sites),
    };
  }

  #count(which: (partFlags: number) => unknown): number {
    let count = 0;
    for (const [partFlags, times] of this.#flags) if (which(partFlags)) count += times;
    return count;
  }
}

function sorted(numbers: Iterable<number>): number[] {
  return [...numbers].sort((a, b) => a - b);
}
