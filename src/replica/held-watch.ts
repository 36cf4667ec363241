import { timestampMs } from '../clocks/hlc.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { Cancel, World } from '../world.ts';
import type { Commit } from './commit.ts';
import type { Unsubscribe } from './event-source.ts';

/** What a watch is made of. */
export interface HeldWatchOptions {
  readonly replica: {
    readonly commits: { subscribe(listener: (commit: Pick<Commit<unknown>, 'added'>) => void): Unsubscribe };
    retryHeld(reasons: readonly ('clock' | 'kind' | 'fold')[]): Promise<number>;
  };
  readonly store: Pick<Store, 'log'>;
  readonly world: World;
  readonly log: Log;
  /** An edit from further ahead than this is held. */
  readonly maxClockDriftMs: number;
}

/** Longest wait before the clock is looked at again, which may have been set meanwhile, milliseconds. */
const LONGEST_WAIT_MS = 60_000;

/**
 * Applies held updates once nothing speaks against them any more: at the start all are tried again, since this version
 * may know what an older one did not; those that were too far ahead when their time has come. Updates that wait for a
 * test program are applied when it comes.
 */
export class HeldWatch {
  readonly #options: HeldWatchOptions;
  readonly #unsubscribe: Unsubscribe;
  #cancel: Cancel = () => {};
  #stopped = false;

  constructor(options: HeldWatchOptions) {
    this.#options = options;
    this.#unsubscribe = options.replica.commits.subscribe(({ added }) => {
      if (added.some(({ applied }) => !applied)) this.#arm();
    });
  }

  /** Tries everything again that is held, and waits for what is ahead of its time. */
  start(): void {
    this.#retry(['kind', 'fold', 'clock']);
  }

  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    this.#cancel();
  }

  #retry(reasons: readonly ('clock' | 'kind' | 'fold')[]): void {
    const { replica, log } = this.#options;
    replica.retryHeld(reasons).then(
      (released) => {
        if (released > 0) log.info('held.released', { updates: released });
        this.#arm();
      },
      (error: unknown) => {
        log.warn('held.not_released', {}, error);
        this.#arm();
      },
    );
  }

  #arm(): void {
    this.#cancel();
    this.#cancel = () => {};
    const { store, world, maxClockDriftMs } = this.#options;
    const earliest = this.#stopped ? null : store.log.earliestAhead();
    if (earliest === null) return;
    const waitMs = timestampMs(earliest) - maxClockDriftMs - world.nowMs();
    const boundedMs = Math.min(Math.max(waitMs, 1), LONGEST_WAIT_MS);
    this.#cancel = world.after('held', boundedMs, () => this.#retry(['clock']));
  }
}
