import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { Cancel, World } from '../world.ts';

/** What a scrub is made of. */
export interface ScrubOptions {
  readonly store: Pick<Store, 'log' | 'programs'>;
  readonly world: World;
  readonly log: Log;
  /** Bytes that are read in a second; 0 for none. */
  readonly bytesPerSecond: number;
}

/** Wait between two readings, milliseconds. */
const EVERY_MS = 1_000;

/** Rows that are read one by one where a reading failed. */
const ROWS_AT_ONCE = 1_000;

/** Rows that SQLite cannot read after which a pass goes on with what is read next. */
const MAX_UNREADABLE = 10_000;

/**
 * Reads through the log and the test programs, slowly and again and again, so that rot is found before anybody needs what
 * has rotted. What SQLite itself cannot read, for its pages are damaged, is told once a pass and passed over.
 */
export class Scrub {
  readonly #options: ScrubOptions;
  /** What is read now, and how far. */
  #reading: 'log' | 'programs' = 'log';
  #row = 0;
  /** Rows of this pass that cannot be read. */
  #unreadable = 0;
  #cancel: Cancel = () => {};
  /** How often everything has been read. */
  passes = 0;

  constructor(options: ScrubOptions) {
    this.#options = options;
  }

  /** How much of the log this pass has read, 0 to 1. */
  get progress(): number {
    if (this.#reading === 'programs') return 1;
    const last = this.#options.store.log.lastRow;
    return last === 0 ? 1 : Math.min(1, this.#row / last);
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
    try {
      this.#readUpTo(this.#options.bytesPerSecond);
    } catch {
      // Read again row by row, it is told where it fails.
      this.#readOneByOne();
    }
  }

  /** Reads on by so many bytes, one row at least. */
  #readUpTo(bytes: number): void {
    const last = this.#options.store[this.#reading].scan(this.#row, bytes);
    if (last === null) this.#readNext();
    else this.#row = last;
  }

  /** Finds the rows that cannot be read, and what can be behind them. */
  #readOneByOne(): void {
    const reading = this.#reading;
    for (let row = 0; row < ROWS_AT_ONCE && this.#reading === reading; row++) {
      try {
        this.#readUpTo(1);
      } catch (thrown) {
        this.#passOver(thrown);
      }
    }
  }

  #passOver(thrown: unknown): void {
    if (this.#unreadable === 0)
      this.#options.log.error('scrub.failed', { reading: this.#reading, behind_row: this.#row }, thrown);
    this.#unreadable++;
    this.#row++;
    if (this.#unreadable >= MAX_UNREADABLE) this.#readNext();
  }

  #readNext(): void {
    this.#row = 0;
    this.#unreadable = 0;
    if (this.#reading === 'programs') this.passes++;
    this.#reading = this.#reading === 'log' ? 'programs' : 'log';
  }
}
