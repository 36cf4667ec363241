import type { Results } from '../attempt.ts';
import { type ByteReader, ByteWriter } from '../bytes.ts';
import type { Grid } from './grid.ts';
import { readInts, writeInts } from './int-column.ts';
import type { Shapes } from './shapes.ts';

const SAFE = Number.MAX_SAFE_INTEGER;

/** Each time as it is. */
const PLAIN = 0;
/** The step from the result before, less the last step to a result of the same column: tests tend to take their time. */
const STEPS = 1;

/** Times within ± this have steps, and differences of steps, that are exact. */
const MAX_STEP_TIME = 2 ** 50;

/** Times of the results of all attempts that have them; no bytes where none has. */
export function encodeTimes(results: readonly Results[], { shapeOf }: Shapes, grid: Grid): Uint8Array {
  if (results.every(({ timesUs }) => timesUs === null)) return new Uint8Array();
  const writer = new ByteWriter();
  writeInts(
    writer,
    results.map(({ timesUs }) => (timesUs ? 1 : 0)),
  );
  const form = results.every(({ timesUs }) => timesUs?.every(isSmall) ?? true) ? STEPS : PLAIN;
  writer.u8(form);
  const lastSteps = new Float64Array(grid.columns.length);
  results.forEach(({ timesUs }, i) => {
    if (timesUs === null) return;
    if (form === PLAIN) for (const time of timesUs) writer.signed(time);
    else writeSteps(writer, timesUs, grid.placeColumns[shapeOf[i]!]!, lastSteps);
  });
  return writer.take();
}

/** Times by attempt, null where it has none. @throws WafersyncError `damaged` */
export function decodeTimes(
  reader: ByteReader,
  resultCounts: Uint32Array,
  { shapeOf }: Shapes,
  grid: Grid,
): (Float64Array | null)[] {
  if (reader.remaining === 0) return Array.from(resultCounts, () => null);
  const present = readInts(reader, new Int16Array(resultCounts.length), { min: 0, max: 1 });
  const form = reader.u8();
  if (form > STEPS) throw reader.damaged(`times of form ${form} are not known here`);
  const lastSteps = new Float64Array(grid.columns.length);
  const times = Array.from(resultCounts, (count, i) => {
    if (present[i] === 0) return null;
    if (form === PLAIN) return new Float64Array(count).map(() => reader.signed());
    return readSteps(reader, new Float64Array(count), grid.placeColumns[shapeOf[i]!]!, lastSteps);
  });
  reader.end();
  return times;
}

function isSmall(time: number): boolean {
  return Math.abs(time) <= MAX_STEP_TIME;
}

function writeSteps(
  writer: ByteWriter,
  times: Float64Array,
  columns: Uint32Array,
  lastSteps: Float64Array,
): void {
  let previous = 0;
  for (let place = 0; place < times.length; place++) {
    const column = columns[place]!;
    const step = times[place]! - previous;
    writer.signed(step - lastSteps[column]!);
    lastSteps[column] = step;
    previous = times[place]!;
  }
}

function readSteps(
  reader: ByteReader,
  times: Float64Array,
  columns: Uint32Array,
  lastSteps: Float64Array,
): Float64Array {
  let time = 0;
  for (let place = 0; place < times.length; place++) {
    const column = columns[place]!;
    const step = lastSteps[column]! + reader.signed();
    time += step;
    if (!(Math.abs(time) <= SAFE && Math.abs(step) <= SAFE))
      throw reader.damaged(`a time of ${time} is out of bounds`);
    lastSteps[column] = step;
    times[place] = time;
  }
  return times;
}
