import type { Grid } from './grid.ts';

/**
 * Bits of all values, column by column: one word a float32 value, two a float64 one, the lower one first.
 * Column c has the words from starts[c] to starts[c + 1].
 */
export interface ColumnValues {
  readonly words: Uint32Array;
  readonly starts: Uint32Array;
}

/** Word at which the values of each column begin, and, last, how many words there are. */
export function valueStarts({ columns }: Grid, valueCounts: Uint32Array): Uint32Array {
  const starts = new Uint32Array(columns.length + 1);
  for (let column = 0; column < columns.length; column++) {
    const { wide, rows, firstRow } = columns[column]!;
    let values = 0;
    for (let row = firstRow; row < firstRow + rows; row++) values += valueCounts[row]!;
    starts[column + 1] = starts[column]! + (wide ? 2 * values : values);
  }
  return starts;
}
