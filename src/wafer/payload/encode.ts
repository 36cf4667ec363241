import type { Attempt, Results } from '../attempt.ts';
import { ByteWriter } from '../bytes.ts';
import { writeAttemptTable } from './attempt-table.ts';
import { checkAttempts } from './check.ts';
import { valueStarts } from './column-values.ts';
import { arrange, type Grid } from './grid.ts';
import { type Rows, writeLayout } from './layout.ts';
import { PAYLOAD_VERSION } from './limits.ts';
import { packColumns } from './pack-columns.ts';
import { writeSection } from './section.ts';
import { findShapes, type Shapes } from './shapes.ts';
import { encodeTimes } from './times.ts';

/** Sections shorter than this are left as they are: deflating them would cost more time than it saves bytes. */
const DEFLATE_FROM = 1024;

/**
 * Payload of attempts, as docs/PAYLOAD.md describes it. What it decodes to equals the attempts bit for bit; only −0 in
 * an integer field comes back as 0. A payload over MAX_UPDATE_BYTES is refused when read: split the attempts.
 *
 * @param attempts in growing order of index
 * @throws WafersyncError `invalid` where an attempt breaks the bounds of its type, or where there are too many
 */
export function encodeAttempts(attempts: readonly Attempt[]): Uint8Array {
  checkAttempts(attempts);
  const writer = new ByteWriter(1024);
  writer.u8(PAYLOAD_VERSION);
  addSection(writer, (table) => writeAttemptTable(table, attempts));
  if (attempts.length > 0) writeResults(writer, attempts);
  return writer.take();
}

function writeResults(writer: ByteWriter, attempts: readonly Attempt[]): void {
  const results = attempts.map((attempt) => attempt.results);
  const shapes = findShapes(attempts);
  const grid = arrange(
    shapes,
    results.map(({ length }) => length),
  );
  const single = inColumnOrder(results, grid);
  const rows = single ?? gatherRows(results, shapes, grid);
  addSection(writer, (layout) => writeLayout(layout, shapes, rows));
  const times = encodeTimes(results, shapes, grid);
  writeSection(writer, times, times.length >= DEFLATE_FROM);
  const starts = valueStarts(grid, rows.valueCounts);
  const words = single ? wordsOf(single.values) : gatherWords(results, shapes, grid, starts);
  packColumns(writer, grid.columns, { words, starts });
}

/** A single attempt that executed each test once: its columns have one result each, in execution order. */
function inColumnOrder(results: readonly Results[], { columns }: Grid): Results | null {
  const [only] = results;
  return results.length === 1 && only!.length === columns.length ? only! : null;
}

function addSection(writer: ByteWriter, write: (section: ByteWriter) => void): void {
  const section = new ByteWriter();
  write(section);
  writeSection(writer, section.view(), section.length >= DEFLATE_FROM);
}

/** Flags and numbers of values, turned from execution order into columns. */
function gatherRows(results: readonly Results[], { shapeOf }: Shapes, grid: Grid): Rows {
  const testFlags = new Int16Array(grid.rows);
  const parmFlags = new Int16Array(grid.rows);
  const valueCounts = new Uint32Array(grid.rows);
  const next = Uint32Array.from(grid.columns, ({ firstRow }) => firstRow);
  results.forEach((result, i) => {
    const columns = grid.placeColumns[shapeOf[i]!]!;
    for (let place = 0; place < result.length; place++) {
      const row = next[columns[place]!]!++;
      testFlags[row] = result.testFlags[place]!;
      parmFlags[row] = result.parmFlags[place]!;
      valueCounts[row] = result.valueCounts[place]!;
    }
  });
  return { testFlags, parmFlags, valueCounts };
}

/** Bits of the values, turned from execution order into columns that begin at `starts`. */
function gatherWords(
  results: readonly Results[],
  { shapeOf }: Shapes,
  { placeColumns }: Grid,
  starts: Uint32Array,
): Uint32Array {
  const gathered = new Uint32Array(starts.at(-1)!);
  const next = starts.slice();
  results.forEach((result, i) => {
    const columns = placeColumns[shapeOf[i]!]!;
    const words = wordsOf(result.values);
    const size = result.values.BYTES_PER_ELEMENT / 4;
    let from = 0;
    for (let place = 0; place < result.length; place++) {
      const column = columns[place]!;
      for (let left = result.valueCounts[place]! * size; left > 0; left--) {
        gathered[next[column]!++] = words[from++]!;
      }
    }
  });
  return gathered;
}

/** The bits of values, without a float in between that could change a NaN. */
function wordsOf({ buffer, byteOffset, byteLength }: Float32Array | Float64Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}
