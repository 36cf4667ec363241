// Prints how long each pass over an STDF file takes: docs/adr/0004.
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoLot } from '../../../src/generator/demo-lot.ts';
import { readAttempts } from '../../../src/ingest/stdf/attempts.ts';
import { scanStream } from '../../../src/ingest/stdf/scan.ts';
import { openStdf } from '../../../src/ingest/stdf/stdf-file.ts';

const RUNS = 5;
const given = process.argv[2];
const file = given ?? join(tmpdir(), `wafersync-figure-${process.pid}.stdf`);
if (given === undefined) writeFileSync(file, demoLot({ number: 1, wafers: 40 }).stdf);

const scans: number[] = [];
const reads: number[] = [];
let bytes = 0;
let results = 0;

const { members } = await openStdf(file, 'lot');
const firstStream = async () => (await members[0]!.streams().next()).value!;
for (let i = 0; i < RUNS; i++) {
  const began = performance.now();
  const scan = await scanStream(await firstStream());
  const between = performance.now();
  results = 0;
  for await (const { attempt } of readAttempts(await firstStream(), scan)) results += attempt.results.length;
  scans.push(between - began);
  reads.push(performance.now() - between);
  bytes = scan.bytes;
}
if (given === undefined) rmSync(file);

const median = (times: readonly number[]) => times.toSorted((a, b) => a - b)[RUNS >> 1]!;
const speed = (ms: number) => `${ms.toFixed(0)} ms, ${(bytes / ms / 1000).toFixed(0)} MB/s`;
console.log(`${(bytes / 1e6).toFixed(1)} MB, ${results} results, medians of ${RUNS}`);
console.log(`first pass, identity and test program: ${speed(median(scans))}`);
console.log(`second pass, attempts: ${speed(median(reads))}`);
