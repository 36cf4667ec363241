import { lstat, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Folders in the drop folder for files that were taken, and for those that could not be. */
export const OUTCOMES = ['done', 'failed'] as const;

/** One of {@link OUTCOMES}. */
export type Outcome = (typeof OUTCOMES)[number];

/**
 * Moves a file of the drop folder to done/ or failed/. Where its name exists there it gets a number behind it. A reason
 * stands beside it as NAME.reason.txt, and is written first: no file is moved without it.
 * @returns the name under which it stands there
 * @throws the system's error where it cannot be moved; it is where it was then
 */
export async function putAway(
  folder: string,
  name: string,
  outcome: Outcome,
  reason: string,
): Promise<string> {
  const target = join(folder, outcome);
  await mkdir(target, { recursive: true });
  const free = await freeName(target, name);
  if (reason) await writeFile(join(target, `${free}.reason.txt`), `${reason}\n`);
  await rename(join(folder, name), join(target, free));
  return free;
}

async function freeName(folder: string, name: string): Promise<string> {
  for (let number = 1; ; number++) {
    const free = number === 1 ? name : `${name}.${number}`;
    if (!(await exists(join(folder, free)))) return free;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
