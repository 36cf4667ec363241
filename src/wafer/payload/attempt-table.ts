import type { Attempt, AttemptSummary } from '../attempt.ts';
import type { ByteReader, ByteWriter } from '../bytes.ts';
import { type IntRange, readInts, readNullableInts, writeInts, writeNullableInts } from './int-column.ts';
import { MAX_ATTEMPTS, MAX_RESULTS } from './limits.ts';
import { readPartIds, writePartIds } from './part-ids.ts';

const SAFE = Number.MAX_SAFE_INTEGER;

/** An integer field of an attempt. */
export interface Field extends IntRange {
  readonly name: Exclude<keyof Attempt, 'results' | 'partId'>;
  readonly nullable: boolean;
}

/** Integer fields in the order in which the table has them, behind the numbers of results. */
export const FIELDS: readonly Field[] = [
  { name: 'index', min: 0, max: SAFE, nullable: false },
  { name: 'head', min: 0, max: 255, nullable: false },
  { name: 'site', min: 0, max: 255, nullable: false },
  { name: 'x', min: -(2 ** 31), max: 2 ** 31 - 1, nullable: true },
  { name: 'y', min: -(2 ** 31), max: 2 ** 31 - 1, nullable: true },
  { name: 'hardBin', min: 0, max: 65_535, nullable: true },
  { name: 'softBin', min: 0, max: 65_535, nullable: true },
  { name: 'partFlags', min: 0, max: 255, nullable: false },
  { name: 'testCount', min: 0, max: 65_535, nullable: false },
  { name: 'testTimeMs', min: 0, max: SAFE, nullable: true },
  { name: 'startedAtUs', min: -SAFE, max: SAFE, nullable: true },
  { name: 'sequenceSpan', min: 0, max: SAFE, nullable: false },
];

/** Writes what the attempts say of themselves, results left out. */
export function writeAttemptTable(writer: ByteWriter, attempts: readonly Attempt[]): void {
  writer.varint(attempts.length);
  if (attempts.length === 0) return;
  writeInts(
    writer,
    attempts.map(({ results }) => results.length),
  );
  for (const { name } of FIELDS) {
    writeNullableInts(
      writer,
      attempts.map((attempt) => attempt[name]),
    );
  }
  writePartIds(
    writer,
    attempts.map(({ partId }) => partId),
  );
}

/** Reads how many results each attempt has, the beginning of the table. @throws WafersyncError `damaged` */
export function readResultCounts(reader: ByteReader): Uint32Array {
  const counts = new Uint32Array(reader.varint(MAX_ATTEMPTS));
  readInts(reader, counts, { min: 0, max: MAX_RESULTS });
  let total = 0;
  for (const count of counts) total += count;
  if (total > MAX_RESULTS) throw reader.damaged(`${total} results are over the bound of ${MAX_RESULTS}`);
  return counts;
}

/** Reads the rest of the table, behind {@link readResultCounts}. @throws WafersyncError `damaged` */
export function readAttemptTable(reader: ByteReader, resultCounts: Uint32Array): AttemptSummary[] {
  const count = resultCounts.length;
  if (count === 0) {
    reader.end();
    return [];
  }
  const columns = {} as Columns;
  for (const field of FIELDS) {
    const rows = new Float64Array(count);
    columns[field.name] = field.nullable
      ? readNullableInts(reader, rows, field)
      : readInts(reader, rows, field);
  }
  const partIds = readPartIds(reader, count);
  reader.end();
  checkKeys(reader, columns);
  return partIds.map((partId, i) => summary(columns, i, partId, resultCounts[i]!));
}

/** Columns of the table; NaN stands for null. */
type Columns = Record<Field['name'], Float64Array>;

function checkKeys(reader: ByteReader, { index, x, y }: Columns): void {
  for (let i = 0; i < index.length; i++) {
    if (i > 0 && index[i]! <= index[i - 1]!) throw reader.damaged('the indexes of its attempts do not grow');
    if (Number.isNaN(x[i]) !== Number.isNaN(y[i])) throw reader.damaged('an attempt has half a coordinate');
  }
}

function summary(columns: Columns, i: number, partId: string, resultCount: number): AttemptSummary {
  return {
    index: columns.index[i]!,
    head: columns.head[i]!,
    site: columns.site[i]!,
    x: orNull(columns.x[i]!),
    y: orNull(columns.y[i]!),
    partId,
    hardBin: orNull(columns.hardBin[i]!),
    softBin: orNull(columns.softBin[i]!),
    partFlags: columns.partFlags[i]!,
    testCount: columns.testCount[i]!,
    testTimeMs: orNull(columns.testTimeMs[i]!),
    startedAtUs: orNull(columns.startedAtUs[i]!),
    sequenceSpan: columns.sequenceSpan[i]!,
    resultCount,
  };
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
