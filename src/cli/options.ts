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
