import { userInfo } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Dot, type FabId, fabId, parseDot } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import { MAX_PAUSE_MS } from '../sync/peer-pauses.ts';

/** Checks `HOST:PORT`. */
export function address(text: string): string {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/.exec(text);
  if (!match || Number(match[2]) < 1 || Number(match[2]) > 65535) {
    throw new InvalidArgumentError('It must be HOST:PORT, such as 127.0.0.1:50051.');
  }
  return text;
}

/** Variable of the environment that names the node which commands ask, `host:port`. */
export const NODE_VARIABLE = 'WAFERSYNC_NODE';

/** Node that is asked where neither the command line nor the environment names one. */
export const DEFAULT_NODE = '127.0.0.1:50051';

/** The option that names the node a command asks, for every command that asks one. Its key is `node`. */
export function nodeOption(description: string): Option {
  const option = new Option('--node <host:port>', description).argParser(address).default(DEFAULT_NODE);
  // One that is set to nothing names none.
  return process.env[NODE_VARIABLE] === '' ? option : option.env(NODE_VARIABLE);
}

/** Whether a command's `--node` was typed, and is not of the environment or the default. */
export function isNodeTyped(command: Command): boolean {
  return command.getOptionValueSource('node') === 'cli';
}

/** Whether nobody named the node that a command asks. */
export function isNodeDefault(command: Command): boolean {
  return command.getOptionValueSource('node') === 'default';
}

/** Whom a command waits for: every member, or these fabs. */
export type WaitFor = 'all' | readonly FabId[];

/** Reads `all` or `tw,az,…`. */
export function waitFor(text: string): WaitFor {
  if (text === 'all') return 'all';
  try {
    return text.split(',').map((part) => fabId(part.trim()));
  } catch (error) {
    throw new InvalidArgumentError(WafersyncError.from(error).line);
  }
}

/** Reads a port, 1 to 65535. */
export function portNumber(text: string): number {
  const port = positive(text);
  if (port > 65535) throw new InvalidArgumentError('It must be a port, 1 to 65535.');
  return port;
}

/** Reads a whole number from 1. */
export function positive(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError('It must be a whole number from 1.');
  return number;
}

/** Reads a whole number from 0. */
export function whole(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number))
    throw new InvalidArgumentError('It must be a whole number from 0.');
  return number;
}

/** Reads a dot such as tw.1-8f3a5c2e90:57. */
export function dotOption(text: string): Dot {
  try {
    return parseDot(text);
  } catch (error) {
    throw new InvalidArgumentError(WafersyncError.from(error).line);
  }
}

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Reads a time such as 30s, 10min, 2h or 3d. Gives milliseconds. */
export function timeSpan(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?(s|min|h|d)$/.exec(text) ?? [];
  const ms = Number(number) * (UNITS_MS[unit ?? ''] ?? Number.NaN);
  if (!(ms > 0)) throw new InvalidArgumentError('It must be a time such as 30s, 10min, 2h or 3d.');
  return Math.round(ms);
}

/** Reads how long at most: seconds, as 600, or a time with its unit. Gives milliseconds. */
export function timeLimit(text: string): number {
  return timeSpan(/^\d+(\.\d+)?$/.test(text) ? `${text}s` : text);
}

/** Reads how long a pause lasts, as {@link timeSpan} does. */
export function pauseSpan(text: string): number {
  const ms = timeSpan(text);
  if (ms <= MAX_PAUSE_MS) return ms;
  const days = MAX_PAUSE_MS / UNITS_MS.d!;
  throw new InvalidArgumentError(
    `It must be at most ${days}d. Without it a pause lasts until \`wafersync peer resume\`.`,
  );
}

/** However they are written. `Mb`, which elsewhere stands for bits, is not among them. */
const UNITS_BYTES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ...{ B: 1, b: 1 },
    ...{ kB: 1e3, KB: 1e3, kb: 1e3, KiB: 2 ** 10, kiB: 2 ** 10, kib: 2 ** 10 },
    ...{ MB: 1e6, mb: 1e6, MiB: 2 ** 20, mib: 2 ** 20 },
    ...{ GB: 1e9, gb: 1e9, GiB: 2 ** 30, gib: 2 ** 30 },
  }),
);

/** Reads a rate such as 500kB/s, 2MB/s, 2mb/s or 2MiB/s. Gives bytes a second. */
export function byteRate(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([a-zA-Z]+)\/s$/.exec(text) ?? [];
  if (/^[kMG]b$/i.test(unit ?? '') && !UNITS_BYTES.has(unit!)) {
    throw new InvalidArgumentError(`${unit}/s may be bits: say bytes, as in 500kB/s or 2MB/s.`);
  }
  const bytes = Math.round(Number(number) * (UNITS_BYTES.get(unit ?? '-') ?? Number.NaN));
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw new InvalidArgumentError('It must be a rate such as 500kB/s or 2MB/s.');
  return bytes;
}

/** Minutes since midnight. */
export interface DaySpan {
  readonly from: number;
  readonly to: number;
}

/** Reads a time of the day such as 08:00-18:00 or, over midnight, 22:00-06:00; gives it behind those that were given before. */
export function daySpans(text: string, before: readonly DaySpan[] = []): DaySpan[] {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (!match) throw new InvalidArgumentError('It must be a time of the day such as 08:00-18:00.');
  const [, fromHour, fromMinute, toHour, toMinute] = match.map(Number);
  const [from, to] = [fromHour! * 60 + fromMinute!, toHour! * 60 + toMinute!];
  if (from === to) {
    throw new InvalidArgumentError('It ends when it begins. Without --between the rate holds all day.');
  }
  return [...before, { from, to }];
}

/** Checks JSON text. */
export function jsonText(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError(`It must be JSON (${reason}); a text stands in quotes, as in '"hold"'.`);
  }
}

/** The user's name at this machine; empty where it has none. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}
