import { timestampMs } from '../clocks/hlc.ts';
import type { Store } from '../store/store.ts';
import { decodeAttemptTable } from '../wafer/payload/decode.ts';
import { isStubPayload } from '../wafer/payload/stub.ts';
import type { Update } from '../wafer/update.ts';
import { fromNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';

/** What is to be said of attempts of an update whose values were purged; null where they are here. */
export function purgedValues(
  store: Pick<Store, 'purges'>,
  { header, payload }: Update,
  indexes: readonly number[],
): Message<'PurgedValues'> | null {
  if (!isStubPayload(payload)) return null;
  const wanted = new Set(indexes);
  const attempts = decodeAttemptTable(payload).filter(({ index }) => wanted.has(index));
  const purge = store.purges.of(header.dot);
  return {
    attempts: fromNumber(attempts.length),
    results: fromNumber(attempts.reduce((sum, { resultCount }) => sum + resultCount, 0)),
    purged_at_us: fromNumber(purge ? timestampMs(purge.timestamp) * 1000 : 0),
    author: purge?.author ?? '',
    reason: purge?.reason ?? '',
  };
}
