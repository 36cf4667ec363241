import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WafersyncError } from '../../errors.ts';
import type { World } from '../../world.ts';

/** No space left, or no more than the user's quota. */
const FULL: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT']);

/**
 * Folder of files that are being handed in. A file is read twice, so it stands here until it is in the store; what a
 * crash leaves behind goes at the next start.
 */
export class Spool {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #world: World;

  /** @param maxBytes largest file, as it is sent */
  constructor(folder: string, maxBytes: number, world: World) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#world = world;
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  }

  /**
   * Writes the chunks to a file, lets `use` read it, and removes it.
   * @throws WafersyncError `invalid` over the size bound, `exhausted` where the disk is full
   */
  async hold<T>(
    name: string,
    chunks: AsyncIterable<Uint8Array>,
    use: (path: string) => Promise<T>,
  ): Promise<T> {
    const path = join(this.#folder, `${Buffer.from(this.#world.random(8)).toString('hex')}.upload`);
    try {
      await this.#write(path, name, chunks);
      return await use(path);
    } finally {
      await rm(path, { force: true });
    }
  }

  async #write(path: string, name: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const file = await open(path, 'wx').catch(noRoom);
    try {
      let bytes = 0;
      for await (const chunk of chunks) {
        bytes += chunk.length;
        if (bytes > this.#maxBytes) throw tooLarge(name, this.#maxBytes);
        await writeWhole(file, chunk);
      }
    } finally {
      await file.close();
    }
  }
}

/** Writes all of a chunk: where room runs out, one write may take a part of it and say nothing. */
async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, at).catch(noRoom);
    at += bytesWritten;
  }
}

function tooLarge(name: string, maxBytes: number): WafersyncError {
  return new WafersyncError('invalid', `${name} is larger than ${maxBytes} bytes`, {
    hint: 'Raise intake.max_upload_bytes at the node, or hand in smaller files.',
  });
}

function noRoom(error: NodeJS.ErrnoException): never {
  throw new WafersyncError(
    FULL.has(error.code) ? 'exhausted' : 'unavailable',
    `the upload cannot be kept: ${error.message}`,
    {
      hint: "Free space on the disk of the node's data_dir.",
      cause: error,
    },
  );
}
