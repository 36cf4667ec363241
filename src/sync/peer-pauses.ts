import type { FabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { PausedLanes, PeerPause } from '../store/pauses.ts';
import type { Store } from '../store/store.ts';
import type { Authorship } from '../wafer/document/compose.ts';
import type { Cancel, World } from '../world.ts';
import type { Audit } from './audit.ts';
import { checkPeer } from './known-peer.ts';
import type { Membership } from './membership.ts';
import { utcText } from './steering-words.ts';
import type { SyncRunner } from './sync-runner.ts';

/** Longest pause that ends by itself. */
export const MAX_PAUSE_MS = 30 * 24 * 60 * 60 * 1000;

/** Longest wait before the clock is looked at, which may have been set meanwhile, milliseconds. */
const LONGEST_WAIT_MS = 60_000;

/** What pausing peers needs. */
export interface PeerPausesOptions {
  readonly store: Pick<Store, 'origin' | 'pauses'>;
  readonly sync: Pick<SyncRunner, 'pause'>;
  readonly membership: Pick<Membership, 'stateOf' | 'fabs'>;
  readonly audit: Audit;
  readonly world: World;
  readonly log: Log;
}

/** The peers with which this node does not sync for a while, because a person said so. Durable. */
export class PeerPauses {
  readonly #options: PeerPausesOptions;
  #paused: ReadonlyMap<FabId, PeerPause>;
  #cancel: Cancel = () => {};
  #stopped = false;

  constructor(options: PeerPausesOptions) {
    this.#options = options;
    this.#paused = options.store.pauses.all();
  }

  /** Ends what is over, and waits for what will be. */
  start(): void {
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  /** How a peer is paused; null where it is not. */
  of(fab: FabId): PeerPause | null {
    return this.#paused.get(fab) ?? null;
  }

  /**
   * A peer is paused from now on, instead of as it was before, which is given as well; null where it was not paused.
   * @param durationMs after which it ends by itself; 0 for never
   * @throws WafersyncError `not-found` for a fab that nobody knows, `precondition` for this one, `invalid` for too long
   */
  async pause(
    fab: FabId,
    lanes: PausedLanes,
    durationMs: number,
    author: Authorship,
  ): Promise<{ pause: PeerPause; replaced: PeerPause | null }> {
    const { world, audit, store } = this.#options;
    this.#checkPeer(fab, durationMs);
    const sinceMs = Math.floor(world.nowMs());
    const untilMs = durationMs > 0 ? sinceMs + Math.ceil(durationMs) : null;
    const pause = { lanes, ...author, sinceMs, untilMs };
    const replaced = this.of(fab);
    const detail = replaced ? `${pauseText(pause)}; before: ${pauseText(replaced)}` : pauseText(pause);
    await audit.record({ act: 'peer.pause', about: fab, detail, ...author }, () =>
      store.pauses.put(fab, pause),
    );
    this.#follow();
    return { pause, replaced };
  }

  /** A peer is paused no more; gives the pause. @throws WafersyncError `precondition` where it is not paused */
  async resume(fab: FabId, author: Authorship): Promise<PeerPause> {
    const pause = this.#paused.get(fab);
    if (!pause) {
      const others = [...this.#paused.keys()].join(', ');
      throw new WafersyncError('precondition', `${fab} is not paused here`, {
        hint: others ? `Paused are ${others}.` : 'No peer is: ask the node at which it was paused.',
      });
    }
    await this.#end(fab, author);
    return pause;
  }

  /** @param isMeant called inside the transaction; what it throws is passed on, and nothing is ended */
  async #end(fab: FabId, author: Authorship, isMeant: () => void = () => {}): Promise<void> {
    const { audit, store } = this.#options;
    await audit.record({ act: 'peer.resume', about: fab, detail: '', ...author }, () => {
      isMeant();
      store.pauses.end(fab);
    });
    this.#follow();
  }

  /** A pause whose time is over ends, unless somebody has paused the peer anew meanwhile. */
  async #endOver(fab: FabId, untilMs: number): Promise<void> {
    const { store } = this.#options;
    let isOther = false;
    const isMeant = () => {
      isOther = store.pauses.all().get(fab)?.untilMs !== untilMs;
      if (isOther) throw new WafersyncError('cancelled', `${fab} is paused anew`);
    };
    try {
      await this.#end(fab, { author: '', reason: 'its time is over' }, isMeant);
    } catch (thrown) {
      if (!isOther) throw thrown;
    }
  }

  #checkPeer(fab: FabId, durationMs: number): void {
    const { membership, store } = this.#options;
    checkPeer(store.origin.fab, fab, membership);
    if (durationMs <= MAX_PAUSE_MS) return;
    throw new WafersyncError('invalid', `duration_ms is ${durationMs}`, {
      hint: `Give at most ${MAX_PAUSE_MS}, which is 30 days; without one the pause lasts until it is ended.`,
    });
  }

  /** Takes over what the database says now. */
  #follow(): void {
    this.#paused = this.#options.store.pauses.all();
    this.#options.sync.pause(this.#paused);
    this.#arm();
  }

  #arm(): void {
    this.#cancel();
    if (this.#stopped) return;
    const ends = [...this.#paused.values()].flatMap(({ untilMs }) => (untilMs === null ? [] : [untilMs]));
    if (ends.length === 0) return;
    const waitMs = Math.min(...ends) - this.#options.world.nowMs();
    this.#wait(Math.min(Math.max(waitMs, 1), LONGEST_WAIT_MS));
  }

  #wait(waitMs: number): void {
    this.#cancel = this.#options.world.after('pause', waitMs, () => {
      this.#endThoseOver().then(
        () => this.#arm(),
        (error: unknown) => {
          this.#options.log.warn('pause.not_ended', {}, error);
          if (!this.#stopped) this.#wait(LONGEST_WAIT_MS);
        },
      );
    });
  }

  async #endThoseOver(): Promise<void> {
    for (const [fab, { untilMs }] of this.#paused) {
      if (this.#stopped) return;
      if (untilMs !== null && untilMs <= this.#options.world.nowMs()) await this.#endOver(fab, untilMs);
    }
  }
}

function pauseText({ lanes, untilMs }: PeerPause): string {
  return `${lanes} lanes${untilMs === null ? '' : `, until ${utcText(untilMs)}`}`;
}
