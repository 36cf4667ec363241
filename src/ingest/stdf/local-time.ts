import { WafersyncError } from '../../errors.ts';

const DAY_MS = 86_400_000;

/**
 * UTC time of a tester's clock, which counts seconds of local time without saying where.
 * A time that came twice, as when summer time ends, is the earlier of the two; one that was skipped counts from
 * the offset before the change.
 * @param localSeconds seconds since 1970-01-01T00:00:00 local time
 * @param timeZone IANA name
 * @returns milliseconds since 1970-01-01T00:00:00Z
 * @throws WafersyncError `invalid` for a time zone that is not known
 */
export function localToUtcMs(localSeconds: number, timeZone: string): number {
  const format = zoneFormat(timeZone);
  const localMs = localSeconds * 1000;
  const before = offsetMs(format, localMs - DAY_MS);
  const after = offsetMs(format, localMs + DAY_MS);
  const fitting = [localMs - before, localMs - after].filter(
    (utc) => utc + offsetMs(format, utc) === localMs,
  );
  return fitting.length > 0 ? Math.min(...fitting) : localMs - before;
}

function zoneFormat(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (error) {
    throw new WafersyncError('invalid', `time zone ${JSON.stringify(timeZone)} is not known`, {
      hint: 'Give an IANA name such as Asia/Taipei.',
      cause: error,
    });
  }
}

/** Local time less UTC at an instant. */
function offsetMs(format: Intl.DateTimeFormat, utcMs: number): number {
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(utcMs)) part[type] = Number(value);
  const { year, month, day, hour, minute, second } = part as Record<Intl.DateTimeFormatPartTypes, number>;
  return Date.UTC(year, month - 1, day, hour, minute, second) - utcMs;
}
