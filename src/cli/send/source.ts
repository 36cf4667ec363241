import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { unreadable } from '../import.ts';
import { type JsonResult, parseResult } from './json-result.ts';
import { linesOf } from './lines.ts';

/** Name of the standard input. */
export const STDIN = '-';

/** Results to be sent, in order. */
export interface Source {
  /** What it is called. */
  readonly name: string;
  /** Stream id that it has by itself, the same whenever it is sent; empty where it has none. */
  readonly streamId: string;
  results(): AsyncIterable<JsonResult>;
}

/** The results of a file of JSON Lines, or of the standard input. @throws WafersyncError `invalid` where it cannot be read */
export async function openSource(file: string): Promise<Source> {
  if (file === STDIN) {
    return {
      name: 'standard input',
      streamId: '',
      results: () => resultsOf(process.stdin, 'standard input'),
    };
  }
  // The same content resumes the same stream, whatever became of the last try.
  const digest = createHash('sha256');
  for await (const chunk of bytesOf(file)) digest.update(chunk);
  return {
    name: file,
    streamId: `${basename(file)}-${digest.digest('hex').slice(0, 16)}`,
    results: () => resultsOf(bytesOf(file), file),
  };
}

async function* resultsOf(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<JsonResult> {
  for await (const { number, text } of linesOf(chunks, name))
    yield parseResult(text, `line ${number} of ${name}`);
}

async function* bytesOf(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file, { highWaterMark: 256 * 1024 }) as AsyncIterable<Uint8Array>;
  } catch (error) {
    unreadable(file, error as NodeJS.ErrnoException);
  }
}
