import { WafersyncError } from '../../errors.ts';
import type { Attempt } from '../../wafer/attempt.ts';
import { ColumnCollector } from './collectors.ts';
import { StdfFold } from './fold.ts';
import { RecordStream } from './record-stream.ts';
import { type StdfScan, throwIfCancelled } from './scan.ts';
import type { StdfStream } from './stdf-file.ts';

/** An attempt and the wafer it is of. */
export interface StdfAttempt {
  /** Ordinal of the wafer among `scan.wafers`; null for a part outside of any. */
  readonly wafer: number | null;
  readonly attempt: Attempt;
}

/**
 * The second pass over a stream: its attempts in the order of their PRRs, their results naming the definitions of the scan.
 * Parts over the size bound are left out, as the scan counted. Holds open parts and the attempts of one chunk.
 * A part outside of any wafer is of the wafer that a WRR without a WIR names behind it.
 * @throws WafersyncError `precondition` if the stream is another one than was scanned
 */
export async function* readAttempts(
  { name, chunks }: StdfStream,
  scan: StdfScan,
  signal?: AbortSignal,
): AsyncGenerator<StdfAttempt> {
  const collector = new ColumnCollector();
  const fold = new StdfFold(collector);
  let ready: StdfAttempt[] = [];
  const stream = new RecordStream(name, (record) => {
    const part = fold.step(record);
    if (!part?.content) return;
    const attempt = collector.attempt(part.content, part.index, part.record);
    ready.push({ wafer: part.wafer ?? scan.claimedWafer(part.index, part.record.head), attempt });
  });
  let count = 0;
  for await (const chunk of chunks) {
    throwIfCancelled(signal, name);
    stream.push(chunk);
    count += ready.length;
    yield* ready;
    ready = [];
  }
  if (count !== scan.attempts || stream.bytes !== scan.bytes) throw changed(name);
}

/** The error of a file whose second reading gives other bytes than the first. */
export function changed(name: string): WafersyncError {
  return new WafersyncError('precondition', `${name} changed while it was read`, {
    hint: 'Hand it in again once the tester has closed it.',
  });
}
