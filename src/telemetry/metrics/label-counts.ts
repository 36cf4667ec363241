import type { Sample } from './metric-set.ts';

/** Combinations of labels that one metric counts apart. */
const MAX_SERIES = 1_000;

/** Value of every label of what is counted past {@link MAX_SERIES}. */
const OTHER = 'other';

/** Counts by the values of some labels: plain numbers, which nobody looks at before they are asked for. */
export class LabelCounts {
  readonly #counts = new Map<string, { value: number; readonly labels: readonly string[] }>();

  /** Adds to the count of these labels. */
  add(amount: number, ...labels: readonly string[]): void {
    const count = this.#of(labels);
    count.value += amount;
  }

  /** All counts. */
  samples(): Sample[] {
    return [...this.#counts.values()].map(({ value, labels }) => [value, ...labels]);
  }

  #of(labels: readonly string[]): { value: number } {
    const known = this.#counts.get(labels.join('\0'));
    if (known) return known;
    const apart = this.#counts.size < MAX_SERIES ? labels : labels.map(() => OTHER);
    const key = apart.join('\0');
    const count = this.#counts.get(key) ?? { value: 0, labels: apart };
    this.#counts.set(key, count);
    return count;
  }
}
