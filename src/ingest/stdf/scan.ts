import { createHash } from 'node:crypto';
import { WafersyncError } from '../../errors.ts';
import type { TestDefinition } from '../../wafer/program.ts';
import { countingCollector } from './collectors.ts';
import type { Compression, Damage } from './decompress.ts';
import type { ClosedPart } from './fold.ts';
import { StdfFold } from './fold.ts';
import type { Truncation } from './framing.ts';
import { RecordStream } from './record-stream.ts';
import type { MirFields } from './records.ts';
import type { StdfStream } from './stdf-file.ts';
import type { StdfWafer } from './wafer-table.ts';

/** What a first pass over a stream tells. */
export interface StdfScan {
  /** Name of the stream. */
  readonly name: string;
  /** SHA-256 of the decompressed bytes, hex. */
  readonly contentDigest: string;
  /** Decompressed bytes. */
  readonly bytes: number;
  readonly compression: Compression;
  /** What is wrong with the compressed stream; null if nothing is. */
  readonly damage: Damage | null;
  /** Where the file was cut; null if it was not. */
  readonly truncated: Truncation | null;
  /** Whole records by name, sorted by name; unknown ones as `type/subtype`. */
  readonly records: readonly (readonly [name: string, count: number])[];
  /** The first MIR; null without one. */
  readonly mir: MirFields | null;
  readonly hasMrr: boolean;
  readonly wafers: readonly StdfWafer[];
  /** Wafer of a part outside of any: that of a WRR without a WIR behind it; else null. */
  claimedWafer(part: number, head: number): number | null;
  /** Definitions in order of first appearance, variants included. */
  readonly tests: readonly TestDefinition[];
  /** Records with limits of their own that refer to the default because there were too many variants. */
  readonly limitOverridesDropped: number;
  /** Attempts that can be read: PRRs without those in `oversizeParts`. */
  readonly attempts: number;
  /** Results in those attempts. */
  readonly results: number;
  /** Results that no PRR of their head and site followed, and no PIR came before. */
  readonly orphanResults: number;
  /** Parts that began and did not end, and their results. */
  readonly unfinishedParts: number;
  readonly unfinishedResults: number;
  /** Parts with more results than may be held (MAX_PART_BYTES), and their results. */
  readonly oversizeParts: number;
  readonly oversizeResults: number;
}

/** Sums over the parts of a file. */
interface PartSums {
  attempts: number;
  results: number;
  oversizeParts: number;
  oversizeResults: number;
}

/**
 * Reads a stream from end to end without keeping its results.
 * @throws WafersyncError `invalid` if it is not STDF, `cancelled` by the signal
 */
export async function scanStream(stream: StdfStream, signal?: AbortSignal): Promise<StdfScan> {
  const { name } = stream;
  const sums: PartSums = { attempts: 0, results: 0, oversizeParts: 0, oversizeResults: 0 };
  const fold = new StdfFold(countingCollector);
  const records = new RecordStream(name, (record) => {
    const part = fold.step(record);
    if (part) addPart(sums, part);
  });
  const digest = createHash('sha256');
  for await (const chunk of stream.chunks) {
    throwIfCancelled(signal, name);
    digest.update(chunk);
    records.push(chunk);
  }
  records.end();
  const contentDigest = digest.digest('hex');
  return { name, contentDigest, ...sums, ...foldFacts(fold), ...streamFacts(records, stream) };
}

/** Throws `cancelled` once the signal was given. */
export function throwIfCancelled(signal: AbortSignal | undefined, name: string): void {
  if (signal?.aborted) throw new WafersyncError('cancelled', `reading ${name} was cancelled`);
}

function addPart(sums: PartSums, part: ClosedPart<unknown>): void {
  if (part.content === null) {
    sums.oversizeParts++;
    sums.oversizeResults += part.resultCount;
  } else {
    sums.attempts++;
    sums.results += part.resultCount;
  }
}

function foldFacts(fold: StdfFold<unknown>) {
  const { tests, wafers, parts, mir, hasMrr } = fold;
  return {
    mir,
    hasMrr,
    wafers: wafers.wafers,
    claimedWafer: wafers.claimed.bind(wafers),
    tests: tests.definitions,
    limitOverridesDropped: tests.limitOverridesDropped,
    orphanResults: parts.waitingResults,
    unfinishedParts: parts.unfinishedParts,
    unfinishedResults: parts.unfinishedResults,
  };
}

function streamFacts(records: RecordStream, { compression, damage }: StdfStream) {
  return { bytes: records.bytes, truncated: records.truncated, records: records.counts, compression, damage };
}
