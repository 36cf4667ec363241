import type { SingleBar } from 'cli-progress';
import { grouped, type Terminal } from '../output.ts';
import { progressBar } from '../progress-bar.ts';

/** Least time between two looks at the progress, milliseconds. */
const INTERVAL_MS = 100;

/** How far a stream is durable: a bar on a terminal, nothing elsewhere. */
export class SendProgress {
  readonly #bar: SingleBar | null;
  #timer: NodeJS.Timeout | null = null;

  constructor(terminal: Terminal) {
    const format = '{file} [{bar}] {done} of {sent} results durable  {note}';
    this.#bar = terminal.interactive ? progressBar(format, process.stderr) : null;
  }

  /** Shows progress until {@link stop}. */
  start(file: string, look: () => { handedIn: number; durable: number; note: string }): void {
    const bar = this.#bar;
    if (!bar) return;
    const payload = () => {
      const { handedIn, durable, note } = look();
      return { file, done: grouped(durable), sent: grouped(handedIn), note, handedIn, durable };
    };
    bar.start(1, 0, payload());
    this.#timer = setInterval(() => {
      const now = payload();
      bar.setTotal(Math.max(1, now.handedIn));
      bar.update(now.durable, now);
    }, INTERVAL_MS);
  }

  stop(): void {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    this.#bar?.stop();
  }
}
