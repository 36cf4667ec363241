import { createReadStream } from 'node:fs';
import { WafersyncError } from '../../errors.ts';

const INPUT_CHUNK_BYTES = 128 * 1024;

/** Part of a file. */
export interface FileRange {
  /** Offset of its first byte. */
  readonly start: number;
  /** Offset of its last byte; before the first one where it is empty. */
  readonly end: number;
}

/**
 * Reads a file, or a part of it, in chunks.
 * @throws WafersyncError `not-found` for a missing file, `unavailable` for one that cannot be read
 */
export async function* readFile(path: string, range?: FileRange): AsyncGenerator<Buffer> {
  if (range && range.end < range.start) return;
  try {
    yield* createReadStream(path, { highWaterMark: INPUT_CHUNK_BYTES, ...range }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw readFailure(path, error as NodeJS.ErrnoException);
  }
}

/** The error of a file that could not be read. */
export function readFailure(path: string, error: NodeJS.ErrnoException): WafersyncError {
  const missing = error.code === 'ENOENT';
  return new WafersyncError(
    missing ? 'not-found' : 'unavailable',
    missing ? `${path} does not exist` : `${path} cannot be read: ${error.message}`,
    {
      hint: missing ? 'Check the path.' : 'Check that it is a file and that it may be read.',
      cause: error,
    },
  );
}
