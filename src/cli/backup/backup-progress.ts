import type { SingleBar } from 'cli-progress';
import type { Terminal } from '../output.ts';
import { progressBar } from '../progress-bar.ts';

/** How far a backup is: a bar on a terminal, nothing elsewhere. */
export class BackupProgress {
  readonly #bar: SingleBar | null;
  #bytes = 0;

  constructor(terminal: Terminal) {
    const format = '{what} [{bar}] {percentage}%';
    this.#bar = terminal.interactive ? progressBar(format, process.stderr) : null;
  }

  /** @param bytes that the file will have, about */
  begin(bytes: number): void {
    this.#bytes = bytes;
    this.#bar?.start(1, 0, { what: 'copying at the node' });
  }

  /** Pages that the node has copied. */
  copied(pages: number, of: number): void {
    this.#bar?.update(pages / of, { what: 'copying at the node' });
  }

  /** Bytes that are here. */
  received(bytes: number): void {
    this.#bar?.update(Math.min(1, bytes / this.#bytes), { what: 'receiving' });
  }

  stop(): void {
    this.#bar?.stop();
  }
}
