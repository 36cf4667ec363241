import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A volume of its own that a test can fill, in memory. */
export class SmallDisk {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Takes all the room that is left. */
  fill(): void {
    const file = openSync(this.#filler, 'a');
    try {
      // Large pieces first; the last ones take what is left page by page.
      for (const piece of [Buffer.alloc(256 * 1024), Buffer.alloc(4096)]) {
        while (tookAll(file, piece));
      }
    } finally {
      closeSync(file);
    }
  }

  /** Gives it back. */
  clear(): void {
    rmSync(this.#filler, { force: true });
  }

  /** Lets nobody write any more, or again. Nothing of it may be open for writing. */
  setReadOnly(readOnly: boolean): void {
    execFileSync('mount', ['-o', `remount,${readOnly ? 'ro' : 'rw'}`, this.folder], { stdio: 'pipe' });
  }

  get #filler(): string {
    return join(this.folder, 'filler');
  }
}

function tookAll(file: number, piece: Buffer): boolean {
  try {
    return writeSync(file, piece) === piece.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

/** Lets a test use a volume of some MiB; it is skipped, with the reason, where this user may not mount one. */
export async function withSmallDisk(
  t: TestContext,
  mebibytes: number,
  use: (disk: SmallDisk) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'wafersync-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch (error) {
    rmSync(folder, { recursive: true });
    t.skip(`a tmpfs cannot be mounted by this user: ${String((error as Error).message).split('\n')[0]}`);
    return;
  }
  let mounted = true;
  const release = () => {
    if (!mounted) return;
    mounted = false;
    // Lazily: after a failure, something may still hold a file of it.
    execFileSync('umount', ['--lazy', folder]);
    rmSync(folder, { recursive: true });
  };
  // A test that runs out of time never comes to its end.
  t.after(release);
  try {
    await use(new SmallDisk(folder));
  } finally {
    release();
  }
}
