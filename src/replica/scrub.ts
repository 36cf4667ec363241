import type { Store } from '../store/store.ts';
import type { Cancel, World } from '../world.ts';

/** What a scrub is made of. */
export interface ScrubOptions {
  readonly store: Pick<Store, 'log' | 'programs'>;
  readonly world: World;
  /** Bytes that are read in a second; 0 for none. */
  readonly bytesPerSecond: number;
}

/** Wait between two readings, milliseconds. */
const EVERY_MS = 1_000;

/**
 * Reads through the log and the test programs, slowly and again and again, so that rot is found before anybody needs what
 * has rotted.
 */
export class Scrub {
  readonly #options: ScrubOptions;
  /** What is read now, and how far. */
  #reading: 'log' | 'programs' = 'log';
  #row = 0;
  #cancel: Cancel = () => {};
  /** How often everything has been read. */
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
    const last = store[this.#reading].scan(this.#row, bytesPerSecond);
    this.#row = last ?? 0;
    if (last !== null) return;
    if (this.#reading === 'programs') this.passes++;
    this.#reading = this.#reading === 'log' ? 'programs' : 'log';
  }
}
