import { openSync, writeSync } from 'node:fs';
import { WafersyncError } from './errors.ts';

/** Bytes of lines that wait for a full disk or a slow reader; past it whole lines are dropped and counted. */
export const MAX_WAITING_BYTES = 256 * 1024;

/** Writes bytes and answers how many were taken; throws as `fs.writeSync` does. */
export type WriteBytes = (bytes: Uint8Array) => number;

/**
 * Where log lines go: written before the call returns where the system takes them. A log that cannot be written neither
 * stops nor stalls a node: lines wait, the newest are dropped when too many do, and the count is told
 * when the writing works again.
 *
 * Invariant: waiting bytes ≤ {@link MAX_WAITING_BYTES}, the line that tells of dropped ones excepted.
 */
export class LogSink {
  readonly #writeBytes: WriteBytes;
  /** The line that says how many were dropped. */
  readonly #dropped: (lines: number) => string;
  #waiting: Uint8Array = new Uint8Array(0);
  #droppedLines = 0;
  #readerGone = false;

  constructor(writeBytes: WriteBytes, dropped: (lines: number) => string) {
    this.#writeBytes = writeBytes;
    this.#dropped = dropped;
  }

  /** Takes a line with its line feed. */
  write(line: string): void {
    if (this.#readerGone) return;
    this.flush();
    if (this.#droppedLines > 0 && this.#waiting.length === 0) this.#tellDropped();
    const bytes = Buffer.from(line);
    if (this.#waiting.length + bytes.length > MAX_WAITING_BYTES) {
      this.#droppedLines++;
      return;
    }
    this.#waiting = Buffer.concat([this.#waiting, bytes]);
    this.flush();
  }

  /** Writes what waits as far as the system takes it. */
  flush(): void {
    try {
      while (this.#waiting.length > 0)
        this.#waiting = this.#waiting.subarray(this.#writeBytes(this.#waiting));
    } catch (error) {
      // Nobody reads any more; a log of that has no reader either.
      this.#readerGone = (error as NodeJS.ErrnoException).code === 'EPIPE';
      // Anything else (EAGAIN, ENOSPC, EIO) may pass: what waits is tried again with the next line.
    }
  }

  #tellDropped(): void {
    this.#waiting = Buffer.from(this.#dropped(this.#droppedLines));
    this.#droppedLines = 0;
    this.flush();
  }
}

/**
 * Opens a file for appending.
 * @throws WafersyncError `precondition` when that fails
 */
export function appendTo(file: string): WriteBytes {
  try {
    return writeTo(openSync(file, 'a'));
  } catch (error) {
    throw new WafersyncError('precondition', `cannot write the log ${file}: ${(error as Error).message}`, {
      hint: 'Name a file in a folder that exists and may be written to.',
      cause: error,
    });
  }
}

/** Writes to an open file. */
export function writeTo(fd: number): WriteBytes {
  return (bytes) => writeSync(fd, bytes);
}
