import type { FabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import type { LimitWindow, PeerLimit } from '../store/limits.ts';
import type { Store } from '../store/store.ts';
import type { Authorship } from '../wafer/document/compose.ts';
import type { World } from '../world.ts';
import type { Audit } from './audit.ts';
import { checkPeer } from './known-peer.ts';
import type { Membership } from './membership.ts';
import type { PeerRates } from './peer-rates.ts';
import { limitText, rateText } from './steering-words.ts';

/** Windows of one limit. */
const MAX_WINDOWS = 24;

/** Least limit: below it a peer is better paused. */
const MIN_BYTES_PER_S = 1_024;

/** What limiting peers needs. */
export interface PeerLimitsOptions {
  readonly store: Pick<Store, 'origin' | 'limits'>;
  readonly membership: Pick<Membership, 'stateOf' | 'fabs'>;
  readonly rates: Pick<PeerRates, 'limit' | 'now' | 'saidBy'>;
  readonly audit: Audit;
  readonly world: Pick<World, 'nowMs'>;
  /** IANA name of the zone whose times of the day windows are. */
  readonly timeZone: string;
  /** Minute of the day there. */
  readonly minuteOfDay: (nowMs: number) => number;
}

/** A limit, and what holds now of it. */
export interface LimitNow extends PeerLimit {
  /** Bytes a second; 0 for no limit. */
  readonly nowBytesPerS: number;
  /** IANA name of the zone whose times of the day windows are. */
  readonly timeZone: string;
  /** Minute of the day there, now. */
  readonly nowMinute: number;
}

/** How much this node exchanges with its peers at most, as people say. Durable. */
export class PeerLimits {
  readonly #options: PeerLimitsOptions;
  #limits: ReadonlyMap<FabId, PeerLimit>;

  constructor(options: PeerLimitsOptions) {
    this.#options = options;
    this.#limits = options.store.limits.all();
  }

  /** The limit of a peer; null where it has none. */
  of(fab: FabId): LimitNow | null {
    const limit = this.#limits.get(fab);
    if (!limit) return null;
    const { rates, timeZone, minuteOfDay, world } = this.#options;
    return {
      ...limit,
      nowBytesPerS: rates.now(fab) ?? 0,
      timeZone,
      nowMinute: minuteOfDay(world.nowMs()),
    };
  }

  /** How many bytes a second a peer takes pushed at most, as it says; 0 for no limit. */
  saidBy(fab: FabId): number {
    return this.#options.rates.saidBy(fab);
  }

  /**
   * Limits a peer from now on, instead of as it was before; without a rate and windows it is not limited any more.
   * @param bytesPerS outside the windows; 0 for no limit
   * @throws WafersyncError `not-found`, `precondition` for what is no peer, `invalid` for what is no limit
   */
  async set(
    fab: FabId,
    bytesPerS: number,
    windows: readonly LimitWindow[],
    author: Authorship,
  ): Promise<LimitNow | null> {
    const { store, membership, audit, world, rates } = this.#options;
    checkPeer(store.origin.fab, fab, membership);
    checkLimit(bytesPerS, windows);
    const ends = bytesPerS === 0 && windows.length === 0;
    const limit = ends ? null : { bytesPerS, windows, ...author, sinceMs: world.nowMs() };
    const detail = limitText(bytesPerS, windows, this.#options.timeZone);
    const act = { act: 'peer.limit', about: fab, detail, ...author };
    await audit.record(act, () => store.limits.put(fab, limit));
    this.#limits = store.limits.all();
    rates.limit(this.#limits);
    return this.of(fab);
  }
}

function checkLimit(bytesPerS: number, windows: readonly LimitWindow[]): void {
  if (windows.length > MAX_WINDOWS) {
    throw new WafersyncError('invalid', `${windows.length} windows are given`, {
      hint: `Give at most ${MAX_WINDOWS}.`,
    });
  }
  for (const rate of [bytesPerS, ...windows.map((window) => window.bytesPerS)]) {
    if (rate === 0 || rate >= MIN_BYTES_PER_S) continue;
    throw new WafersyncError(
      'invalid',
      `a limit of ${rateText(rate)} is less than ${rateText(MIN_BYTES_PER_S)}`,
      {
        hint: 'Give more, pause the peer (`wafersync peer pause`), or end its limit (`wafersync peer limit --none`).',
      },
    );
  }
  const outside = windows
    .flatMap(({ fromMinute, toMinute }) => [fromMinute, toMinute])
    .find((at) => at >= 1440);
  if (outside === undefined) return;
  throw new WafersyncError('invalid', `minute ${outside} is not of a day`, {
    hint: 'Count from midnight, 0 to 1439.',
  });
}
