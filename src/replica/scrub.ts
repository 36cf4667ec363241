import type { Store } from '../store/store.ts';
import type { Cancel, World } from '../world.ts';

/** What a scrub is made of. */
export interface ScrubOptions {
  readonly store: Pick<Store, 'log'>;
  readonly world: World;
  /** Bytes of the log that are read in a second; 0 for none. */
  readonly bytesPerSecond: number;
}

/** Wait between two readings, milliseconds. */
const EVERY_MS = 1_000;

/** Reads through the log, slowly and again and again, so that rot is found before anybody needs what has rotted. */
export class Scrub {
  readonly #options: ScrubOptions;
  #row = 0;
  #cancel: Cancel = () => {};
  /** How often the whole log has been read. */
  passes = 0;

  constructor(options: ScrubOptions) {
    this.#options = options;
  }

  start(): void {
    const { world, bytesPerSecond } = this.#options;
    if (bytesPerSecond === 0) return;
    this.#cancel = world.after('scrub', EVERY_MS, () => {
      this.#read();
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }

  #read(): void {
    const { store, bytesPerSecond } = this.#options;
    const last = store.log.scan(this.#row, bytesPerSecond);
    if (last === null && this.#row > 0) this.passes++;
    this.#row = last ?? 0;
  }
}
