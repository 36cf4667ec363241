import type { ByteReader, ByteWriter } from '../bytes.ts';
import { valueStarts } from './column-values.ts';
import { arrange, type Grid } from './grid.ts';
import { readInts, writeInts } from './int-column.ts';
import { MAX_VALUES } from './limits.ts';
import { readShapes, type Shapes, writeShapes } from './shapes.ts';

const INT16 = { min: -32_768, max: 32_767 };

/** What is kept of each result beside its values, column by column: row r is result r of the grid. */
export interface Rows {
  readonly testFlags: Int16Array;
  readonly parmFlags: Int16Array;
  readonly valueCounts: Uint32Array;
}

/** Which results there are, where they belong, their flags and how many values each has. */
export interface Layout extends Rows {
  readonly shapes: Shapes;
  readonly grid: Grid;
  /** Word at which the values of each column begin, see ColumnValues. */
  readonly starts: Uint32Array;
}

/** Writes a layout. */
export function writeLayout(writer: ByteWriter, shapes: Shapes, rows: Rows): void {
  writeShapes(writer, shapes);
  writeInts(writer, rows.testFlags);
  writeInts(writer, rows.parmFlags);
  writeInts(writer, rows.valueCounts);
}

/** Reads a layout of attempts that have `resultCounts` results. @throws WafersyncError `damaged` */
export function readLayout(reader: ByteReader, resultCounts: Uint32Array): Layout {
  const shapes = readShapes(reader, resultCounts);
  const grid = arrange(shapes, resultCounts);
  const testFlags = readInts(reader, new Int16Array(grid.rows), INT16);
  const parmFlags = readInts(reader, new Int16Array(grid.rows), INT16);
  const valueCounts = readInts(reader, new Uint32Array(grid.rows), { min: 0, max: MAX_VALUES });
  reader.end();
  const total = valueCounts.reduce((sum, count) => sum + count, 0);
  if (total > MAX_VALUES) throw reader.damaged(`${total} values are over the bound of ${MAX_VALUES}`);
  return { shapes, grid, testFlags, parmFlags, valueCounts, starts: valueStarts(grid, valueCounts) };
}
