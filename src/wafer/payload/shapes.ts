import type { Results } from '../attempt.ts';
import type { ByteReader, ByteWriter } from '../bytes.ts';
import { readInts, writeInts } from './int-column.ts';
import { MAX_RESULTS, MAX_TESTS } from './limits.ts';

/**
 * A sequence of tests that attempts execute from its beginning, each as far as it got: a die that failed early has
 * the shape of the others. Attempts whose values are float64 (wide) do not share shapes with those of float32.
 */
export interface Shape {
  readonly wide: boolean;
  readonly tests: Uint32Array;
}

/** Shapes, and the one that each attempt has. Results of attempt i are the first of its shape. */
export interface Shapes {
  readonly shapes: readonly Shape[];
  /** Index in `shapes`, by attempt. */
  readonly shapeOf: Uint32Array;
}

/** Shapes used last that a new attempt is compared with; more of them would cost time and hardly save bytes. */
const RECENT = 8;

/** Finds shapes for results; those of any two attempts with the same tests are the same as long as few are in use. */
export function findShapes(attempts: readonly { readonly results: Results }[]): Shapes {
  const shapes: { wide: boolean; tests: Uint32Array }[] = [];
  /** Indexes of shapes, the one used last in front. */
  const recent: number[] = [];
  const shapeOf = new Uint32Array(attempts.length);
  attempts.forEach(({ results: { tests, values } }, i) => {
    const wide = values instanceof Float64Array;
    const place = recent.findIndex((s) => shapes[s]!.wide === wide && agree(shapes[s]!.tests, tests));
    const found = place < 0 ? shapes.push({ wide, tests }) - 1 : recent.splice(place, 1)[0]!;
    if (tests.length > shapes[found]!.tests.length) shapes[found]!.tests = tests;
    recent.unshift(found);
    recent.length = Math.min(recent.length, RECENT);
    shapeOf[i] = found;
  });
  return { shapes, shapeOf };
}

/** Writes shapes as runs of tests that follow each other or repeat. */
export function writeShapes(writer: ByteWriter, { shapes, shapeOf }: Shapes): void {
  writer.varint(shapes.length);
  for (const { wide, tests } of shapes) {
    writer.varint(tests.length * 2 + (wide ? 1 : 0));
    writeTests(writer, tests);
  }
  writeInts(writer, shapeOf);
}

/**
 * Reads the shapes of attempts that have `resultCounts` results.
 *
 * @throws WafersyncError `damaged`
 */
export function readShapes(reader: ByteReader, resultCounts: Uint32Array): Shapes {
  const shapes: Shape[] = [];
  const longest = new Uint32Array(reader.varint(resultCounts.length));
  // Some attempt has all of each shape, so that shapes never hold more tests than attempts hold results.
  let room = resultCounts.reduce((sum, count) => sum + count, 0);
  for (let i = 0; i < longest.length; i++) {
    const header = reader.varint(MAX_RESULTS * 2 + 1);
    const tests = new Uint32Array(take(reader, header >>> 1, room));
    room -= tests.length;
    readTests(reader, tests);
    shapes.push({ wide: (header & 1) === 1, tests });
  }
  const range = { min: 0, max: shapes.length - 1 };
  const shapeOf = readInts(reader, new Uint32Array(resultCounts.length), range);
  shapeOf.forEach((shape, i) => {
    longest[shape] = Math.max(longest[shape]!, resultCounts[i]!);
  });
  shapes.forEach(({ tests }, i) => {
    if (longest[i] !== tests.length)
      throw reader.damaged('a shape is longer or shorter than the attempts of it');
  });
  return { shapes, shapeOf };
}

function take(reader: ByteReader, length: number, room: number): number {
  if (length > room) throw reader.damaged('its shapes have more tests than its attempts have results');
  return length;
}

/** Whether one is the beginning of the other. */
function agree(a: Uint32Array, b: Uint32Array): boolean {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function writeTests(writer: ByteWriter, tests: Uint32Array): void {
  let expected = 0;
  for (let i = 0; i < tests.length; ) {
    const first = tests[i]!;
    const step = tests[i + 1] === first ? 0 : 1;
    let end = i + 1;
    while (end < tests.length && tests[end] === tests[end - 1]! + step) end++;
    writer.signed(first - expected);
    writer.varint((end - i - 1) * 2 + step);
    expected = tests[end - 1]! + 1;
    i = end;
  }
}

function readTests(reader: ByteReader, tests: Uint32Array): void {
  let expected = 0;
  for (let i = 0; i < tests.length; ) {
    const first = expected + reader.signed();
    const header = reader.varint((tests.length - i) * 2 - 1);
    const step = header & 1;
    const end = i + 1 + (header >>> 1);
    const last = first + step * (end - i - 1);
    if (first < 0 || last >= MAX_TESTS)
      throw reader.damaged(`a test index is not within 0 to ${MAX_TESTS - 1}`);
    for (let test = first; i < end; test += step) tests[i++] = test;
    expected = last + 1;
  }
}
