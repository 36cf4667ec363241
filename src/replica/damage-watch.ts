import { type Dot, formatDot } from '../clocks/dot.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import type { Commit } from './commit.ts';
import type { Unsubscribe } from './event-source.ts';
import type { Replica } from './replica.ts';

/** What a watch is made of. */
export interface DamageWatchOptions {
  readonly replica: Pick<Replica<unknown>, 'housekeep'> & {
    readonly commits: {
      subscribe(listener: (commit: Pick<Commit<unknown>, 'received'>) => void): Unsubscribe;
    };
  };
  readonly store: Pick<Store, 'log' | 'programs'>;
  readonly log: Log;
}

/** Updates, and programs, that are waited for to be marked; of more, those found again later are. */
const MAX_FOUND = 10_000;

/**
 * Marks updates and test programs that were found damaged: they count as not received from then on, so that they are
 * fetched again from any peer and given to none.
 */
export class DamageWatch {
  readonly #options: DamageWatchOptions;
  readonly #unsubscribe: Unsubscribe;
  readonly #found = new Map<string, Dot>();
  readonly #programs = new Set<ProgramDigest>();
  #marking = false;

  constructor(options: DamageWatchOptions) {
    this.#options = options;
    options.store.log.onDamage((dot) => {
      if (this.#found.size < MAX_FOUND) this.#found.set(formatDot(dot), dot);
      this.#markSoon();
    });
    options.store.programs.onDamage((digest) => {
      if (this.#programs.size < MAX_FOUND) this.#programs.add(digest);
      this.#markSoon();
    });
    this.#unsubscribe = options.replica.commits.subscribe(({ received }) => {
      const repaired = received.filter(({ outcome }) => outcome === 'repaired');
      for (const { update } of repaired) {
        options.log.warn('update.repaired', { update: formatDot(update.header.dot) });
      }
    });
  }

  stop(): void {
    this.#unsubscribe();
  }

  /** Found maybe in the middle of a transaction: it is marked in one of its own. */
  #markSoon(): void {
    if (this.#marking) return;
    this.#marking = true;
    void this.#mark();
  }

  async #mark(): Promise<void> {
    const { replica, store, log } = this.#options;
    try {
      await replica.housekeep(() => {
        for (const [name, dot] of this.#found) {
          if (store.log.markDamaged(dot)) log.error('update.damaged', { update: name });
        }
        for (const program of this.#programs) {
          if (store.programs.markDamaged(program)) log.error('program.damaged', { program });
        }
      });
    } catch (thrown) {
      // It is found again when it is read again.
      log.warn('update.damage_not_marked', {}, thrown);
    } finally {
      this.#marking = false;
      this.#found.clear();
      this.#programs.clear();
    }
  }
}
