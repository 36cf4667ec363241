import { WafersyncError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { Cancel, World } from '../world.ts';

/** Wait between two looks at the write-ahead log, milliseconds. */
const LOOK_EVERY_MS = 5_000;

/** How many times the size at which it is written back the log may have before somebody is asked to look. */
const MOST_CHECKPOINTS = 4;

/** Looks in a row that do not count since a large lot is being read, which keeps the log as well: a minute. */
const MOST_OWN_LOOKS = 12;

/** The write-ahead log as operators see it. */
export interface WalView {
  /** It cannot be written back, and grows with what comes in. */
  readonly stuck: boolean;
  /** For how long, milliseconds; 0 while it is not. */
  readonly stuckForMs: number;
  /** What keeps it, with the remedy; empty while nothing does. */
  readonly reason: string;
}

/** What a watch is made of. */
export interface WalWatchOptions {
  readonly store: Pick<Store, 'sizes' | 'files' | 'checkpoints' | 'isReadingLot'>;
  readonly world: World;
  readonly log: Log;
}

/** A log that cannot be written back. */
interface Stuck {
  /** World.steadyMs() of the first look at which it was seen. */
  readonly sinceMs: number;
  /** World.nowMs() of it. */
  readonly sinceWallMs: number;
  /** Largest size that was seen, bytes. */
  readonly mostBytes: number;
  readonly isTold: boolean;
}

/**
 * Sees when the write-ahead log grows because checkpoints cannot finish: a program beside the node reads the database
 * in one transaction, and SQLite keeps the log for it. Nothing here can end that, so it is told; once when it begins, at
 * the second look in a row, and once when it is over, with which the file is cut.
 *
 * Own readers hold nothing over a look that follows another: those of pages begin and end in one turn, a
 * verification holds one wafer at a time, and while large lots are read no look counts, for a minute.
 */
export class WalWatch {
  readonly #options: WalWatchOptions;
  #stuck: Stuck | null = null;
  #cancel: Cancel = () => {};
  /** The last look failed, and that was told. */
  #isFailing = false;
  /** Looks in a row at which a large lot was being read. */
  #ownLooks = 0;

  constructor(options: WalWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancel = this.#options.world.after('wal', LOOK_EVERY_MS, () => {
      this.#look();
      this.start();
    });
  }

  /** Looks no more. Before the store is closed. */
  stop(): void {
    this.#cancel();
  }

  /** The log now. */
  view(): WalView {
    const { world } = this.#options;
    if (!this.#stuck?.isTold) return { stuck: false, stuckForMs: 0, reason: '' };
    const { sinceMs } = this.#stuck;
    return { stuck: true, stuckForMs: world.steadyMs() - sinceMs, reason: this.#error(this.#stuck).line };
  }

  #look(): void {
    const { store } = this.#options;
    try {
      const bytes = store.sizes.now().log;
      const isLarge = bytes > MOST_CHECKPOINTS * store.checkpoints.atBytes;
      if (!isLarge && this.#stuck === null) {
        this.#isFailing = false;
        return;
      }
      // Where it is large no longer, the commits have moved it, and the file is cut.
      if (store.checkpoints.tryCut() || !isLarge) this.#over();
      else if (!this.#isOwn()) this.#seen(bytes);
      this.#isFailing = false;
    } catch (thrown) {
      // What the checkpoints of commits fail with, SQLite tells nobody.
      if (!this.#isFailing) this.#options.log.warn('wal.not_moved', {}, thrown);
      this.#isFailing = true;
    }
  }

  /** Whether it is a large lot being read that keeps the log: for some looks that is taken so. */
  #isOwn(): boolean {
    this.#ownLooks = this.#options.store.isReadingLot() ? this.#ownLooks + 1 : 0;
    return this.#ownLooks > 0 && this.#ownLooks <= MOST_OWN_LOOKS;
  }

  #seen(bytes: number): void {
    const { world, log } = this.#options;
    const before = this.#stuck;
    if (before === null) {
      const [sinceMs, sinceWallMs] = [world.steadyMs(), world.nowMs()];
      this.#stuck = { sinceMs, sinceWallMs, mostBytes: bytes, isTold: false };
      return;
    }
    this.#stuck = { ...before, mostBytes: Math.max(before.mostBytes, bytes), isTold: true };
    if (before.isTold) return;
    const since = new Date(before.sinceWallMs).toISOString();
    log.warn('wal.stuck', { bytes, since }, this.#error(this.#stuck));
  }

  #over(): void {
    const { world, log } = this.#options;
    const stuck = this.#stuck;
    this.#stuck = null;
    if (!stuck?.isTold) return;
    const lastedMs = Math.round(world.steadyMs() - stuck.sinceMs);
    log.info('wal.moved', { lasted_ms: lastedMs, most_bytes: stuck.mostBytes });
  }

  #error({ mostBytes }: Stuck): WafersyncError {
    const { file } = this.#options.store.files();
    return new WafersyncError(
      'precondition',
      `the write-ahead log ${file}-wal has ${mostBytes} bytes and cannot be written back: another program reads the database in a transaction that does not end`,
      {
        hint: `\`fuser -v ${file}-wal ${file}-shm\` or \`lsof\` names it beside this node: end that shell, or its transaction.`,
      },
    );
  }
}
