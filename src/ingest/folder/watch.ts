import { type Dirent, type FSWatcher, watch } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';

/** Hears of what changes in a folder. Some of it may be missed: rescans make up for that. */
export class FolderWatch {
  readonly #folder: string;
  readonly #hear: (name: string) => void;
  #watcher: FSWatcher | null = null;
  /** The folder that is watched, which may have been replaced since. */
  #inode: number | null = null;

  /** `hear` is told the names of what changes. */
  constructor(folder: string, hear: (name: string) => void) {
    this.#folder = folder;
    this.#hear = hear;
  }

  /** Begins to watch the folder that is there now, unless it is watched. @throws the system's error */
  async begin(): Promise<void> {
    const { ino } = await stat(this.#folder);
    if (this.#watcher && this.#inode === ino) return;
    this.end();
    const watcher = watch(this.#folder, (_event, name) => {
      if (name !== null) this.#hear(name);
    });
    // The next rescan begins anew, and tells what is wrong if that fails.
    watcher.on('error', () => this.end());
    this.#watcher = watcher;
    this.#inode = ino;
  }

  end(): void {
    this.#watcher?.close();
    this.#watcher = null;
  }

  /** All that is there now. @throws the system's error */
  async *entries(): AsyncGenerator<Dirent> {
    yield* await opendir(this.#folder);
  }
}
