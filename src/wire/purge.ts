import { type Dot, originKey, sequence } from '../clocks/dot.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import { WafersyncError } from '../errors.ts';
import { wafersync } from '../gen/wafersync.js';
import { MAX_PURGED_UPDATES, type Purge, type PurgedUpdate } from '../wafer/purge.ts';
import type { Message } from './message.ts';
import { fromOriginIntervals, toOriginIntervals } from './vectors.ts';

const { PurgeRecord } = wafersync.v1;

/** Bytes of a digest. */
const DIGEST_BYTES = 32;

/** Payload of an update of kind `purge`. @throws WafersyncError `invalid` where it names nothing, or too much */
export function encodePurge(purge: Purge): Uint8Array {
  checkCount(purge.purged.length);
  const digests = Map.groupBy(purge.purged, ({ dot }) => originKey(dot));
  const named = purge.purged.reduce((vector, { dot }) => vector.add(dot), TransportVector.empty);
  return PurgeRecord.encode({
    author: purge.author,
    reason: purge.reason,
    term_days: purge.termDays,
    purged: named.entries().map(([origin, set]) => ({
      updates: toOriginIntervals(TransportVector.of([[origin, set]]))[0]!,
      stub_digests: Buffer.concat(
        [...digests.get(originKey(origin))!]
          .sort((a, b) => a.dot.sequence - b.dot.sequence)
          .map(({ stubDigest }) => stubDigest),
      ),
    })),
  }).finish();
}

/** Purge of a payload. @throws WafersyncError `damaged` where the bytes are none, `invalid` where it breaks its bounds */
export function decodePurge(payload: Uint8Array): Purge {
  const { author, reason, term_days, purged } = decode(payload);
  const parts = purged.map((part) => ({
    named: namedBy(part),
    digests: part.stub_digests ?? new Uint8Array(),
  }));
  checkCount(parts.reduce((sum, { named }) => sum + named.size, 0));
  return { author, reason, termDays: term_days, purged: parts.flatMap(updatesOf) };
}

function decode(payload: Uint8Array): wafersync.v1.PurgeRecord {
  try {
    return PurgeRecord.decode(payload);
  } catch (error) {
    throw WafersyncError.from(error, 'damaged', 'a purge cannot be read');
  }
}

function namedBy({ updates }: Message<'PurgedUpdates'>): TransportVector {
  return fromOriginIntervals(updates ? [updates] : []);
}

function updatesOf({ named, digests }: { named: TransportVector; digests: Uint8Array }): PurgedUpdate[] {
  if (digests.length !== named.size * DIGEST_BYTES) {
    throw new WafersyncError(
      'invalid',
      `a purge names ${named.size} updates with ${digests.length} bytes of digests`,
    );
  }
  return dotsOf(named).map((dot, i) => ({
    dot,
    stubDigest: Uint8Array.from(digests.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES)),
  }));
}

function dotsOf(vector: TransportVector): Dot[] {
  return vector
    .entries()
    .flatMap(([origin, { intervals }]) =>
      intervals.flatMap(({ from, to }) =>
        Array.from({ length: to - from + 1 }, (_, i) => ({ ...origin, sequence: sequence(from + i) })),
      ),
    );
}

function checkCount(count: number): void {
  if (count >= 1 && count <= MAX_PURGED_UPDATES) return;
  throw new WafersyncError(
    'invalid',
    `a purge names ${count} updates; it has to name 1 to ${MAX_PURGED_UPDATES}`,
  );
}
