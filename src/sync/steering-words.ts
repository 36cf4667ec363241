import type { LimitWindow } from '../store/limits.ts';

/** A rate as `--rate` takes it. @param bytes a second; 0 for no limit */
export function rateText(bytes: number): string {
  if (bytes === 0) return 'no limit';
  if (bytes < 1_000) return `${bytes} B/s`;
  return bytes < 1_000_000 ? `${bytes / 1_000} kB/s` : `${bytes / 1_000_000} MB/s`;
}

/** A minute of the day as `--between` takes it: 08:00. */
export function clockText(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

/**
 * A limit: `2 MB/s from 08:00 to 18:00, else no limit`.
 * @param bytesPerS outside the windows
 * @param said of the times of the windows; empty for nothing
 */
export function limitText(bytesPerS: number, windows: readonly LimitWindow[], said = ''): string {
  if (windows.length === 0) return rateText(bytesPerS);
  const times = windows.map(({ fromMinute, toMinute, bytesPerS: rate }) => {
    return `${rateText(rate)} from ${clockText(fromMinute)} to ${clockText(toMinute)}`;
  });
  return `${times.join(', ')}${said ? ` (${said})` : ''}, else ${rateText(bytesPerS)}`;
}

/** A time as people read it everywhere. @param ms since 1970-01-01T00:00:00Z */
export function utcText(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', ' UTC');
}
