import { formatEpoch, type Origin, originKey } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Settled } from '../replica/fork-settler.ts';
import type { Replica } from '../replica/replica.ts';
import type { RenewalReason } from '../store/life.ts';
import type { Renewal, Store } from '../store/store.ts';
import type { World } from '../world.ts';
import type { ForkFound } from './fork-searches.ts';
import type { Carrier } from './sync-runner.ts';

/** What a keeper is made of. */
export interface LifeKeeperOptions {
  readonly replica: Pick<Replica<Carrier>, 'forks' | 'fence'>;
  readonly store: Pick<Store, 'origin' | 'renewal'>;
  readonly world: Pick<World, 'nowMs'>;
  readonly log: Log;
  /** This node is to take no part in the mesh any more. */
  readonly fence: (error: WafersyncError) => void;
}

/** How a database came to go on under another epoch. */
export interface Renewed extends Renewal {
  /** ms since 1970-01-01 UTC. */
  readonly atMs: number;
}

/**
 * Settles forks, and renews the epoch where others know more of this fab than this node. Others that know of a later
 * life of the fab than the one that this process has begun itself: then another database of the fab is running, and
 * this one is fenced.
 */
export class LifeKeeper {
  readonly #options: LifeKeeperOptions;
  /** Whether this process has made way for a later life once. */
  #superseded = false;

  #renewed: Renewed | null;

  constructor(options: LifeKeeperOptions) {
    this.#options = options;
    const { store, world } = options;
    this.#renewed = store.renewal && { ...store.renewal, atMs: world.nowMs() };
  }

  /** How the epoch was renewed last since the database was opened; null where it was not. */
  get renewed(): Renewed | null {
    return this.#renewed;
  }

  /** Goes on with what the last process was about when it ended. */
  start(): void {
    const { replica, store, log } = this.#options;
    const origin = originKey(store.origin);
    replica.forks.resume().then(
      (reissued) => {
        if (reissued > 0) log.warn('fork.settled', { origin, gave_way: 0, reissued });
      },
      (error: unknown) => log.warn('fork.not_settled', { origin }, error),
    );
  }

  /** Does what a search calls for. */
  settle({ origin, updates, renewal, lane }: ForkFound): void {
    const { replica, store, world, log } = this.#options;
    const isCurrent = originKey(origin) === originKey(store.origin);
    if (renewal && !isCurrent) return;
    if (renewal?.reason === 'superseded' && this.#superseded) {
      this.#fence(renewal.above);
      return;
    }
    const token: Carrier = { lane, via: 'pull', arrivedMs: world.nowMs() };
    replica.forks.settle(origin, updates, token, renewal?.above ?? null).then(
      (settled) => {
        if (renewal?.reason === 'superseded') this.#superseded = true;
        if (settled) this.#tell(origin, renewal?.reason ?? 'forked', settled);
      },
      (error: unknown) => log.warn('fork.not_settled', { origin: originKey(origin) }, error),
    );
  }

  #tell(origin: Origin, reason: RenewalReason, { renewed, gaveWay, reissued }: Settled): void {
    const { log, world } = this.#options;
    if (renewed) this.#renewed = { reason, from: origin, atMs: world.nowMs() };
    if (renewed) log.warn('epoch.renewed', { reason, from: originKey(origin), to: originKey(renewed) });
    if (gaveWay > 0) log.warn('fork.settled', { origin: originKey(origin), gave_way: gaveWay, reissued });
  }

  #fence(above: ForkFound['origin']['epoch']): void {
    const { replica, store, log, fence } = this.#options;
    const { fab, epoch } = store.origin;
    const error = new WafersyncError(
      'precondition',
      `another database of ${fab} is running, in epoch ${formatEpoch(above)}; this one, in epoch ${formatEpoch(epoch)}, is fenced: it takes no writes and no part in the mesh`,
      {
        hint: `Stop one of the two nodes of ${fab}, then start this one again if it is to go on. Nothing of it is lost.`,
      },
    );
    log.error('epoch.fenced', {}, error);
    replica.fence(error);
    fence(error);
  }
}
