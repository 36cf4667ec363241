import { userInfo } from 'node:os';
import { InvalidArgumentError } from 'commander';
import { type FabId, fabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';

/** Checks `HOST:PORT`. */
export function address(text: string): string {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/.exec(text);
  if (!match || Number(match[2]) < 1 || Number(match[2]) > 65535) {
    throw new InvalidArgumentError('It must be HOST:PORT, such as 127.0.0.1:50051.');
  }
  return text;
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
