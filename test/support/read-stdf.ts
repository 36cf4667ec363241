import { readAttempts, type StdfAttempt } from '../../src/ingest/stdf/attempts.ts';
import { type StdfScan, scanStdf } from '../../src/ingest/stdf/scan.ts';
import type { Attempt } from '../../src/wafer/attempt.ts';
import { inChunks } from './stdf-records.ts';

/** Reads bytes in both passes, as an import does. */
export async function readStdf(
  bytes: Buffer,
  sizes?: readonly number[],
): Promise<{ scan: StdfScan; parts: StdfAttempt[]; attempts: Attempt[] }> {
  const scan = await scanStdf(inChunks(bytes, sizes), 'test.stdf');
  const parts = await collect(readAttempts(inChunks(bytes, sizes), 'test.stdf', scan));
  return { scan, parts, attempts: parts.map((part) => part.attempt) };
}

/** Float32 bits of an attempt's values. */
export function valueBits({ results }: Attempt): number[] {
  const { buffer, byteOffset, length } = results.values;
  return [...new Uint32Array(buffer, byteOffset, length)];
}

/** Names of the tests of an attempt's results, in execution order. */
export function testNames(attempt: Attempt, scan: StdfScan): string[] {
  return [...attempt.results.tests].map((test) => scan.tests[test]!.name);
}

/** Everything that an async source gives. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of source) all.push(item);
  return all;
}

/** Attempts in a form whose equality means equal bits: deepEqual takes one NaN for any other. */
export function exact(attempts: readonly Attempt[]): unknown[] {
  return attempts.map((attempt) => ({
    ...attempt,
    results: { ...attempt.results, values: valueBits(attempt) },
  }));
}
