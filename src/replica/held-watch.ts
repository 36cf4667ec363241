import { timestampMs } from '../clocks/hlc.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { HoldReason } from '../store/types.ts';
import type { Cancel, World } from '../world.ts';
import type { Commit } from './commit.ts';
import type { Unsubscribe } from './event-source.ts';

/** Why updates are held that nothing but the start of a newer version, or the time, releases. */
const AT_THE_START: readonly HoldReason[] = ['kind', 'fold', 'clock'];

/** Why updates are held at all. */
const ALL: readonly HoldReason[] = [...AT_THE_START, 'program', 'purge'];

/** What a watch is made of. */
export interface HeldWatchOptions {
  readonly replica: {
    readonly commits: {
      subscribe(listener: (commit: Pick<Commit<unknown>, 'added' | 'received'>) => void): Unsubscribe;
    };
    retryHeld(reasons: readonly HoldReason[]): Promise<number>;
  };
  /** Told whether the disk is full, each time that this has changed. */
  readonly storage: { subscribe(listener: (full: boolean) => void): Unsubscribe };
  readonly store: Pick<Store, 'log'>;
  readonly world: World;
  readonly log: Log;
  /** An edit from further ahead than this is held. */
  readonly maxClockDriftMs: number;
}

/** Longest wait before what failed is tried again, and the clock looked at, which may have been set meanwhile, milliseconds. */
const LONGEST_WAIT_MS = 60_000;

/**
 * Applies held updates once nothing speaks against them any more: at the start all are tried again, since this version
 * may know what an older one did not; those that were too far ahead when their time has come; all when a damaged update
 * has come again. Updates that wait for a test program are applied when it comes. What fails is tried again, at once where
 * a full disk has room again.
 */
export class HeldWatch {
  readonly #options: HeldWatchOptions;
  readonly #unsubscribe: readonly Unsubscribe[];
  /** Such as failed when they were tried last. */
  #owed: readonly HoldReason[] = [];
  #cancel: Cancel = () => {};
  #stopped = false;

  constructor(options: HeldWatchOptions) {
    this.#options = options;
    this.#unsubscribe = [
      options.replica.commits.subscribe(({ added, received }) => {
        // That a reason ended may have been passed over while the update was damaged.
        if (received.some(({ outcome }) => outcome === 'repaired')) this.#retry(ALL);
        if (this.#owed.length === 0 && added.some(({ applied }) => !applied)) this.#arm();
      }),
      options.storage.subscribe((full) => {
        if (!full && this.#owed.length > 0) this.#retry(this.#owed);
      }),
    ];
  }

  /** Tries everything again that is held, and waits for what is ahead of its time. */
  start(): void {
    this.#retry(AT_THE_START);
  }

  stop(): void {
    this.#stopped = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#cancel();
  }

  #retry(reasons: readonly HoldReason[]): void {
    const { replica, log } = this.#options;
    this.#cancel();
    this.#owed = [];
    replica.retryHeld(reasons).then(
      (released) => {
        if (released > 0) log.info('held.released', { updates: released });
        this.#arm();
      },
      (error: unknown) => {
        log.warn('held.not_released', {}, error);
        this.#owed = [...new Set([...this.#owed, ...reasons])];
        this.#arm();
      },
    );
  }

  #arm(): void {
    this.#cancel();
    this.#cancel = () => {};
    const waitMs = this.#stopped ? null : this.#waitMs();
    if (waitMs === null) return;
    const reasons: readonly HoldReason[] = this.#owed.length > 0 ? this.#owed : ['clock'];
    this.#cancel = this.#options.world.after('held', waitMs, () => this.#retry(reasons));
  }

  /** Until something is to be tried; null where nothing is. */
  #waitMs(): number | null {
    if (this.#owed.length > 0) return LONGEST_WAIT_MS;
    const { store, world, log, maxClockDriftMs } = this.#options;
    try {
      const earliest = store.log.earliestAhead();
      if (earliest === null) return null;
      const waitMs = timestampMs(earliest) - maxClockDriftMs - world.nowMs();
      return Math.min(Math.max(waitMs, 1), LONGEST_WAIT_MS);
    } catch (thrown) {
      log.warn('held.not_released', {}, thrown);
      return LONGEST_WAIT_MS;
    }
  }
}
