import { type Dot, formatDot } from '../clocks/dot.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { Commit } from './commit.ts';
import type { Unsubscribe } from './event-source.ts';
import type { Replica } from './replica.ts';

/** What a watch is made of. */
export interface DamageWatchOptions {
  readonly replica: Pick<Replica<unknown>, 'housekeep' | 'retryHeld'> & {
    readonly commits: {
      subscribe(listener: (commit: Pick<Commit<unknown>, 'received'>) => void): Unsubscribe;
    };
  };
  readonly store: Pick<Store, 'log'>;
  readonly log: Log;
}

/** Updates that are waited for to be marked; of more, those found again later are. */
const MAX_FOUND = 10_000;

/**
 * Marks updates that were found damaged: they count as not received from then on, so that they are fetched again from
 * any peer and given to none. What could not be applied because of one is tried again when that has come.
 */
export class DamageWatch {
  readonly #options: DamageWatchOptions;
  readonly #unsubscribe: Unsubscribe;
  readonly #found = new Map<string, Dot>();
  #marking = false;

  constructor(options: DamageWatchOptions) {
    this.#options = options;
    options.store.log.onDamage((dot) => this.#damaged(dot));
    this.#unsubscribe = options.replica.commits.subscribe(({ received }) => {
      const repaired = received.filter(({ outcome }) => outcome === 'repaired');
      for (const { update } of repaired) {
        options.log.warn('update.repaired', { update: formatDot(update.header.dot) });
      }
      if (repaired.length > 0) this.#retry();
    });
  }

  stop(): void {
    this.#unsubscribe();
  }

  /** Found maybe in the middle of a transaction: it is marked in one of its own. */
  #damaged(dot: Dot): void {
    if (this.#found.size < MAX_FOUND) this.#found.set(formatDot(dot), dot);
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
      });
    } catch (thrown) {
      // It is found again when it is read again.
      log.warn('update.damage_not_marked', {}, thrown);
    } finally {
      this.#marking = false;
      this.#found.clear();
    }
  }

  #retry(): void {
    const { replica, log } = this.#options;
    // Whatever the reason was: that it ended may have been passed over while the update was damaged.
    replica
      .retryHeld(['program', 'clock', 'kind', 'fold', 'purge'])
      .catch((error: unknown) => log.warn('held.not_released', {}, error));
  }
}
