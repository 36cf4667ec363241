import { WafersyncError } from '../errors.ts';
import type { Attempt } from '../wafer/attempt.ts';
import { encodeAttempts } from '../wafer/payload/encode.ts';
import { fitsOnePayload } from '../wafer/payload/limits.ts';
import { MAX_UPDATE_BYTES } from '../wafer/update.ts';

/** Payloads of attempts, split where one would be over the size bound. @throws WafersyncError `invalid` for a single attempt over it */
export function fittingParts(attempts: readonly Attempt[]): Uint8Array[] {
  if (attempts.length > 1 && !fitsOnePayload(attempts)) return halves(attempts);
  const payload = encodeAttempts(attempts);
  if (payload.length <= MAX_UPDATE_BYTES - HEADER_ROOM) return [payload];
  if (attempts.length === 1) {
    throw new WafersyncError(
      'invalid',
      `attempt ${attempts[0]!.index} takes ${payload.length} bytes, over the bound of an update`,
      {
        hint: `An attempt's results may take ${MAX_UPDATE_BYTES - HEADER_ROOM} bytes encoded.`,
      },
    );
  }
  return halves(attempts);
}

function halves(attempts: readonly Attempt[]): Uint8Array[] {
  const middle = attempts.length >>> 1;
  return [...fittingParts(attempts.slice(0, middle)), ...fittingParts(attempts.slice(middle))];
}

/** Room for an update's header and digest beside its payload. */
const HEADER_ROOM = 8192;
