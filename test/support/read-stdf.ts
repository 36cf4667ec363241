import assert from 'node:assert/strict';
import { readAttempts, type StdfAttempt } from '../../src/ingest/stdf/attempts.ts';
import type { ByteSource } from '../../src/ingest/stdf/decompress.ts';
import { inspectStdf, type StdfInspection } from '../../src/ingest/stdf/inspect.ts';
import { type StdfScan, scanStream } from '../../src/ingest/stdf/scan.ts';
import { openStdf, type StdfStream } from '../../src/ingest/stdf/stdf-file.ts';
import type { Attempt } from '../../src/wafer/attempt.ts';
import { inChunks } from './stdf-records.ts';

/** Reads bytes in both passes, as an import does. */
export async function readStdf(
  bytes: Buffer,
  sizes?: readonly number[],
): Promise<{ scan: StdfScan; parts: StdfAttempt[]; attempts: Attempt[] }> {
  const scan = await scanOnly(inChunks(bytes, sizes));
  const parts = await readOnly(inChunks(bytes, sizes), scan);
  return { scan, parts, attempts: parts.map((part) => part.attempt) };
}

/** What the first pass tells of a file that holds one stream. */
export function scanOnly(source: ByteSource, name = 'test.stdf'): Promise<StdfScan> {
  return withOnly(source, name, (stream) => scanStream(stream));
}

/** What the second pass gives of a file that holds one stream. */
export function readOnly(source: ByteSource, scan: StdfScan, name = 'test.stdf'): Promise<StdfAttempt[]> {
  return withOnly(source, name, (stream) => collect(readAttempts(stream, scan)));
}

/** What a file contains that holds one stream. */
export async function inspectOnly(source: ByteSource, name?: string): Promise<StdfInspection> {
  const [only, ...others] = await collect(inspectStdf(source, name));
  assert.deepEqual(others, []);
  return only!;
}

async function withOnly<T>(
  source: ByteSource,
  name: string,
  use: (stream: StdfStream) => Promise<T>,
): Promise<T> {
  const { members } = await openStdf(source, name);
  assert.equal(members.length, 1);
  const used: T[] = [];
  for await (const stream of members[0]!.streams()) used.push(await use(stream));
  assert.equal(used.length, 1);
  return used[0]!;
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
