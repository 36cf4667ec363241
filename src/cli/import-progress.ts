import type { SingleBar } from 'cli-progress';
import type { Terminal } from './output.ts';
import { progressBar } from './progress-bar.ts';

/** How far a run has come at the fabs that are waited for: a bar on a terminal, nothing elsewhere. */
export class ImportProgress {
  readonly #bar: SingleBar | null;
  #started = false;

  constructor(terminal: Terminal) {
    const format = '{file} [{bar}] {percentage}%  waiting for {fabs}';
    this.#bar = terminal.interactive ? progressBar(format, process.stderr) : null;
  }

  /**
   * @param done updates that have arrived, of `total`, all fabs together
   * @param fabs that miss something
   */
  show(file: string, done: number, total: number, fabs: readonly string[]): void {
    if (!this.#bar) return;
    const payload = { file, fabs: fabs.join(', ') || 'none' };
    if (!this.#started) this.#bar.start(total, done, payload);
    this.#started = true;
    this.#bar.setTotal(total);
    this.#bar.update(done, payload);
  }

  stop(): void {
    if (this.#started) this.#bar?.stop();
  }
}
