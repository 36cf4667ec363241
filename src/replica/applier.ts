import { timestampMs } from '../clocks/hlc.ts';
import { WafersyncError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Update, UpdateKind } from '../wafer/update.ts';
import type { World } from '../world.ts';

/** What an applier works with. */
export interface ApplierOptions {
  readonly store: Store;
  readonly world: World;
  /** An edit from further ahead than this is held. */
  readonly maxClockDriftMs: number;
}

/** Kinds of which nothing hangs on when they were born, beside others. */
const NEED_NO_CLOCK: ReadonlySet<UpdateKind> = new Set(['results', 'run', 'purge']);

/** Applies updates that are in the log. */
export class Applier {
  readonly #store: Store;
  readonly #world: World;
  readonly #maxClockDriftMs: number;

  constructor({ store, world, maxClockDriftMs }: ApplierOptions) {
    this.#store = store;
    this.#world = world;
    this.#maxClockDriftMs = maxClockDriftMs;
  }

  /**
   * Inside a transaction: one update that cannot be applied is held, and stops no other. Tells whether it is applied.
   * @param maxAheadMs an edit from further ahead is held
   */
  applyOrHold(update: Update, maxAheadMs = this.#maxClockDriftMs): boolean {
    const { dot, kind, program, timestamp } = update.header;
    const aheadMs = timestampMs(timestamp) - this.#world.nowMs();
    if (program !== null && !this.#store.programs.has(program)) {
      this.#store.log.hold(dot, 'program', program);
      return false;
    }
    if (!NEED_NO_CLOCK.has(kind) && aheadMs > maxAheadMs) {
      this.#store.log.hold(dot, 'clock', `${aheadMs} ms ahead of this node's clock`);
      return false;
    }
    if (this.#store.stubs.waits(update)) {
      this.#store.log.hold(
        dot,
        'purge',
        'its values were purged, and the purge that says so is not here yet',
      );
      return false;
    }
    return this.#apply(update);
  }

  #apply(update: Update): boolean {
    const { dot, kind } = update.header;
    try {
      this.#store.savepoint(() => this.#store.apply(update));
      return true;
    } catch (thrown) {
      const error = WafersyncError.from(thrown);
      if (error.code === 'exhausted' || error.code === 'unavailable') throw error;
      const isNewer = kind === 'unknown' || error.code === 'precondition';
      this.#store.log.hold(dot, isNewer ? 'kind' : 'fold', error.line);
      return false;
    }
  }
}
