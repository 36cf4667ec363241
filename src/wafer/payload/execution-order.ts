import type { Results } from '../attempt.ts';
import type { Rows } from './layout.ts';
import type { OpenResults } from './open.ts';

/**
 * Turns columns back into the results of attempts, one attempt after the other. What it gives are views of buffers
 * that all attempts share: a decoder makes six arrays, not six an attempt.
 */
export class ExecutionOrder {
  readonly #from: OpenResults;
  /** Words of all values, see ColumnValues. */
  readonly #words: Uint32Array;
  /** Next row of each column, and next word of it. */
  readonly #nextRow: Uint32Array;
  readonly #nextWord: Uint32Array;
  /** Rows in execution order, and how many of them are filled. */
  readonly #rows: Rows;
  #row = 0;
  readonly #narrow: Float32Array<ArrayBuffer>;
  #narrowEnd = 0;
  readonly #wide: Float64Array<ArrayBuffer>;
  #wideEnd = 0;

  constructor(from: OpenResults) {
    const { grid, starts } = from;
    this.#from = from;
    this.#words = unpackAll(from);
    this.#nextRow = new Uint32Array(grid.columns.length);
    this.#nextWord = starts.slice();
    let wideWords = 0;
    grid.columns.forEach(({ wide, firstRow }, column) => {
      this.#nextRow[column] = firstRow;
      if (wide) wideWords += starts[column + 1]! - starts[column]!;
    });
    this.#narrow = new Float32Array(this.#words.length - wideWords);
    this.#wide = new Float64Array(wideWords / 2);
    this.#rows = {
      testFlags: new Int16Array(grid.rows),
      parmFlags: new Int16Array(grid.rows),
      valueCounts: new Uint32Array(grid.rows),
    };
  }

  /** Results of the next attempt. */
  next(attempt: number, length: number): Results {
    const shape = this.#from.shapes.shapeOf[attempt]!;
    const { wide, tests } = this.#from.shapes.shapes[shape]!;
    const columns = this.#from.grid.placeColumns[shape]!;
    const first = this.#row;
    this.#row += length;
    return {
      length,
      tests: tests.subarray(0, length),
      values: this.#takeValues(wide, this.#takeRows(first, length, columns), first, columns),
      testFlags: this.#rows.testFlags.subarray(first, this.#row),
      parmFlags: this.#rows.parmFlags.subarray(first, this.#row),
      valueCounts: this.#rows.valueCounts.subarray(first, this.#row),
      timesUs: this.#from.times[attempt]!,
    };
  }

  /** Gives how many values the rows have. */
  #takeRows(first: number, length: number, columns: Uint32Array): number {
    const { testFlags, parmFlags, valueCounts } = this.#from;
    let values = 0;
    for (let place = 0; place < length; place++) {
      const row = this.#nextRow[columns[place]!]!++;
      this.#rows.testFlags[first + place] = testFlags[row]!;
      this.#rows.parmFlags[first + place] = parmFlags[row]!;
      this.#rows.valueCounts[first + place] = valueCounts[row]!;
      values += valueCounts[row]!;
    }
    return values;
  }

  #takeValues(
    wide: boolean,
    count: number,
    first: number,
    columns: Uint32Array,
  ): Float32Array | Float64Array {
    const values = wide
      ? this.#wide.subarray(this.#wideEnd, this.#wideEnd + count)
      : this.#narrow.subarray(this.#narrowEnd, this.#narrowEnd + count);
    if (wide) this.#wideEnd += count;
    else this.#narrowEnd += count;
    const words = new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4);
    const size = wide ? 2 : 1;
    let end = 0;
    for (let place = 0; end < words.length; place++) {
      const column = columns[place]!;
      for (let left = this.#rows.valueCounts[first + place]! * size; left > 0; left--) {
        words[end++] = this.#words[this.#nextWord[column]!++]!;
      }
    }
    return values;
  }
}

function unpackAll({ grid, starts, packed }: OpenResults): Uint32Array {
  const words = new Uint32Array(starts[grid.columns.length]!);
  for (let column = 0; column < grid.columns.length; column++) {
    packed.unpack(column, words.subarray(starts[column], starts[column + 1]));
  }
  return words;
}
