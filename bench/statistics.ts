/** Several runs of one measurement. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** What the project aims at; empty where there is no aim. */
  readonly aim: string;
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly runs: readonly number[];
}

/** Median and spread of runs. */
export function figure(name: string, unit: string, aim: string, runs: readonly number[]): Figure {
  const sorted = [...runs].sort((a, b) => a - b);
  return {
    name,
    unit,
    aim,
    median: quantile(sorted, 0.5),
    least: sorted[0] ?? 0,
    most: sorted.at(-1) ?? 0,
    runs,
  };
}

/** Quantile of sorted numbers, between neighbours by their distance. */
export function quantile(sorted: readonly number[], q: number): number {
  if (sorted.length === 0) return 0;
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at));
}

/** Three significant digits, thousands grouped. */
export function short(value: number): string {
  const rounded = value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return rounded.toLocaleString('en-US');
}
