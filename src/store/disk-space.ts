import { type StatsFs, statfsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { WafersyncError } from '../errors.ts';

/** Room on a volume, bytes. */
export interface DiskSpace {
  /** What this user may still take; less than what is free where some is kept for root. */
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

/** Room on the volume of a file or folder, as it is now. @throws what the system says, such as for a path that is gone */
export function diskSpace(path: string): DiskSpace {
  return toSpace(statfsSync(path));
}

/** The same, without waiting for a volume that does not answer. @throws as {@link diskSpace} */
export async function diskSpaceLater(path: string): Promise<DiskSpace> {
  return toSpace(await statfs(path));
}

function toSpace({ bavail, blocks, bsize }: StatsFs): DiskSpace {
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
}

/**
 * Makes sure that there is room for something, before anything is written.
 * @param folder where it shall be
 * @param bytes that it needs
 * @param what it is, with its verb, such as `the backup needs about`
 * @throws WafersyncError `exhausted` with `hint`
 */
export function requireRoom(folder: string, bytes: number, what: string, hint: string): void {
  const { freeBytes } = diskSpace(folder);
  if (freeBytes >= bytes) return;
  throw new WafersyncError('exhausted', `${folder} has ${freeBytes} bytes free, and ${what} ${bytes}`, {
    hint,
  });
}
