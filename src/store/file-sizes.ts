import { statSync } from 'node:fs';
import { diskSpace } from './disk-space.ts';

/** What a database takes of its volume. */
export interface FileSizes {
  readonly file: string;
  readonly bytes: number;
  /** Of its write-ahead log. */
  readonly walBytes: number;
  /** What of the volume may still be taken; null where that cannot be told. */
  readonly freeBytes: number | null;
}

/** Sizes of a database's files, as they are now. */
export function fileSizes(file: string): FileSizes {
  return { file, bytes: sizeOf(file), walBytes: sizeOf(`${file}-wal`), freeBytes: freeBytes(file) };
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function freeBytes(file: string): number | null {
  try {
    return diskSpace(file).freeBytes;
  } catch {
    // A file or volume that is gone is told by whatever reads or writes next.
    return null;
  }
}
